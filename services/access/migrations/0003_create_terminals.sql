CREATE TABLE terminals (
    terminal_id uuid PRIMARY KEY,
    merchant text NOT NULL REFERENCES merchants,
    store_id text NOT NULL REFERENCES stores,
    name text NOT NULL,
    state text NOT NULL,
    public_key jsonb,
    enrolment_code_hash bytea,
    enrolment_expires_at timestamptz,
    enrolled_at timestamptz,
    last_seen_at timestamptz,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT terminal_state_is_known CHECK (state IN ('awaiting_enrolment', 'active', 'revoked')),
    CONSTRAINT active_means_enrolled_with_a_key CHECK (
        state <> 'active' OR (public_key IS NOT NULL AND enrolled_at IS NOT NULL)
    ),
    CONSTRAINT code_only_while_awaiting_enrolment CHECK (
        (enrolment_code_hash IS NOT NULL) = (state = 'awaiting_enrolment')
        AND (enrolment_expires_at IS NOT NULL) = (state = 'awaiting_enrolment')
    ),
    CONSTRAINT key_is_void_while_awaiting_enrolment CHECK (
        state <> 'awaiting_enrolment' OR public_key IS NULL
    ),
    CONSTRAINT enrolment_code_is_of_one_terminal UNIQUE (enrolment_code_hash)
);

CREATE INDEX terminals_by_merchant ON terminals (merchant, terminal_id);
CREATE INDEX terminals_by_store ON terminals (store_id);

-- An assertion counts once. Rows are forgotten once the assertion would be too old anyway.
CREATE TABLE used_assertions (
    terminal_id uuid NOT NULL,
    jti text NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT assertion_counts_once PRIMARY KEY (terminal_id, jti)
);

CREATE INDEX used_assertions_by_age ON used_assertions (expires_at);
