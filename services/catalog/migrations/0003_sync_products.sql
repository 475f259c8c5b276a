-- What a platform wants to know of a product beyond what everybody sells it by.
CREATE TABLE listings (
    product_key bigint PRIMARY KEY REFERENCES products,
    category_id text,
    attributes jsonb NOT NULL DEFAULT '{}',
    sku_attributes jsonb NOT NULL DEFAULT '{}',
    changed_at timestamptz NOT NULL DEFAULT now()
);

-- How far the platform's product is what the catalog wants it to be.
CREATE TABLE syncs (
    product_key bigint PRIMARY KEY REFERENCES products,
    merchant text NOT NULL,
    platform text NOT NULL,
    state text NOT NULL DEFAULT 'pending',
    -- The product's version that was looked at last.
    seen_version integer NOT NULL DEFAULT 0,
    -- What was left of all its SKUs when stock was looked at last.
    free_seen bigint,
    -- Content that the platform took last, and what of it can be seen from outside.
    accepted_digest bytea,
    accepted_view jsonb,
    -- Written down before a call: while it stands the platform is read before anything is sent.
    pushing text,
    pushing_digest bytea,
    pushing_view jsonb,
    -- As the platform showed it last.
    audit text,
    audit_reason text NOT NULL DEFAULT '',
    shelf text,
    stock jsonb,
    looked_at timestamptz,
    look_at timestamptz NOT NULL DEFAULT now(),
    look_asked_at timestamptz,
    drift jsonb,
    drifted_at timestamptz,
    drift_version integer NOT NULL DEFAULT 0,
    stock_pushed_at timestamptz,
    attempts integer NOT NULL DEFAULT 0,
    reason text,
    detail text,
    failed_at timestamptz,
    synced_at timestamptz,
    next_at timestamptz NOT NULL DEFAULT now(),
    -- Something changed: whoever is at work on it now comes back at once.
    nudged_at timestamptz NOT NULL DEFAULT now(),
    lease uuid,
    leased_until timestamptz,
    CONSTRAINT sync_state_is_known CHECK (
        state IN ('pending', 'in_audit', 'synced', 'failed', 'drifted')
    ),
    CONSTRAINT pushes_are_known CHECK (pushing IN ('content', 'shelf', 'stock')),
    CONSTRAINT drift_has_a_time CHECK ((drift IS NULL) = (drifted_at IS NULL)),
    CONSTRAINT failure_has_a_reason CHECK ((reason IS NULL) = (failed_at IS NULL))
);

CREATE INDEX syncs_due ON syncs (next_at);
CREATE INDEX syncs_by_state ON syncs (state, product_key DESC);
