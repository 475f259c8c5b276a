-- The log of what this service said, kept so that the stream can be rebuilt from it.
CREATE TABLE outbox (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id uuid NOT NULL,
    subject text NOT NULL,
    payload bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT event_leaves_once UNIQUE (event_id)
);

CREATE INDEX outbox_by_age ON outbox (created_at);

-- What still has to be published. Slim, because its rows come and go with every event.
CREATE TABLE outbox_pending (
    seq bigint PRIMARY KEY
);

CREATE TABLE dead_letters (
    dead_letter_id uuid PRIMARY KEY,
    event_id uuid,
    subject text NOT NULL,
    payload bytea NOT NULL,
    cause text NOT NULL,
    detail text NOT NULL,
    attempts integer NOT NULL,
    died_at timestamptz NOT NULL DEFAULT now(),
    state text NOT NULL DEFAULT 'dead',
    settled_at timestamptz,
    settled_by text,
    settled_reason text,
    CONSTRAINT dead_letter_state_is_known CHECK (state IN ('dead', 'retried', 'dropped')),
    CONSTRAINT settled_means_all_of_it CHECK (
        (state = 'dead') = (settled_at IS NULL) AND (state = 'dead') = (settled_by IS NULL)
    )
);

CREATE INDEX dead_letters_by_state ON dead_letters (state, died_at DESC, dead_letter_id);
