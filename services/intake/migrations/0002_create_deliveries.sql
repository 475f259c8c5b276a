-- The record of what platforms sent. Nothing deletes from it: its key is the permanent dedupe.
CREATE TABLE deliveries (
    delivery_id uuid PRIMARY KEY,
    client_key text NOT NULL,
    -- `msg:` and the message id, or `body:` and the digest where there is no message id.
    dedupe_key text NOT NULL,
    platform text NOT NULL,
    merchant text NOT NULL,
    account_id text,
    event text NOT NULL,
    msg_id text,
    digest bytea NOT NULL,
    body bytea NOT NULL,
    body_bytes integer NOT NULL,
    received_at timestamptz NOT NULL,
    sent_at timestamptz,
    late boolean NOT NULL,
    CONSTRAINT delivery_is_stored_once UNIQUE (client_key, dedupe_key)
);

-- Sealed bytes cannot be compressed.
ALTER TABLE deliveries ALTER COLUMN body SET STORAGE EXTERNAL;

-- Ids are time-ordered: this serves one merchant's newest, and a span of time.
CREATE INDEX deliveries_by_merchant ON deliveries (merchant, delivery_id);

-- What the relay still has to publish. Slim, because its rows come and go with every delivery.
CREATE TABLE deliveries_pending (
    delivery_id uuid PRIMARY KEY
);

-- The same message again with the same body: answered, counted, not stored.
CREATE TABLE delivery_repeats (
    delivery_id uuid PRIMARY KEY,
    times bigint NOT NULL,
    last_at timestamptz NOT NULL
);

-- The same message id with another body: a bug of the platform, or a forgery.
CREATE TABLE delivery_conflicts (
    conflict_id uuid PRIMARY KEY,
    first_delivery_id uuid NOT NULL,
    client_key text NOT NULL,
    platform text NOT NULL,
    merchant text NOT NULL,
    account_id text,
    event text NOT NULL,
    msg_id text NOT NULL,
    digest bytea NOT NULL,
    body bytea NOT NULL,
    received_at timestamptz NOT NULL,
    times bigint NOT NULL DEFAULT 1,
    CONSTRAINT conflicting_body_is_stored_once UNIQUE (first_delivery_id, digest)
);

ALTER TABLE delivery_conflicts ALTER COLUMN body SET STORAGE EXTERNAL;

CREATE INDEX delivery_conflicts_by_merchant ON delivery_conflicts (merchant, conflict_id);

-- Counts for people, written by each worker about once a second.
CREATE TABLE app_hours (
    client_key text NOT NULL,
    hour timestamptz NOT NULL,
    accepted bigint NOT NULL,
    duplicates bigint NOT NULL,
    conflicts bigint NOT NULL,
    refused bigint NOT NULL,
    last_accepted_at timestamptz,
    PRIMARY KEY (client_key, hour)
);
