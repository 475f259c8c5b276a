-- Merchants as access names them, and their accounts at the platforms.
CREATE TABLE merchants (
    merchant text NOT NULL,
    platform text NOT NULL,
    account_id text,
    name text NOT NULL,
    version integer NOT NULL,
    PRIMARY KEY (merchant, platform)
);

-- Up to where each merchant's orders were read back from its platform. Whoever holds the lease
-- reads; a page is applied and the position moved in one transaction.
CREATE TABLE reconciliations (
    merchant text NOT NULL,
    platform text NOT NULL,
    span text NOT NULL,
    -- Every change up to here has been read.
    read_through timestamptz,
    -- The window that is being read, and the page to come.
    window_from timestamptz,
    window_to timestamptz,
    next_cursor text,
    due_at timestamptz NOT NULL DEFAULT now(),
    lease_id uuid,
    leased_until timestamptz,
    last_finished_at timestamptz,
    last_failure text,
    last_failed_at timestamptz,
    failures integer NOT NULL DEFAULT 0,
    orders_read bigint NOT NULL DEFAULT 0,
    orders_moved bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (merchant, platform, span),
    CONSTRAINT span_is_known CHECK (span IN ('recent', 'sweep')),
    CONSTRAINT window_means_both_ends CHECK ((window_from IS NULL) = (window_to IS NULL)),
    CONSTRAINT cursor_needs_a_window CHECK (next_cursor IS NULL OR window_from IS NOT NULL),
    CONSTRAINT lease_means_all_of_it CHECK ((lease_id IS NULL) = (leased_until IS NULL))
);

CREATE INDEX reconciliations_by_due_time ON reconciliations (due_at);
