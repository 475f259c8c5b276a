-- Apps, the merchants that granted them access, and the merchants' stores.
CREATE TABLE apps (
    client_key text PRIMARY KEY,
    client_secret text NOT NULL,
    webhook_url text,
    -- Set when the address answered the challenge; nothing is sent before that.
    webhook_verified_at timestamptz,
    muted_events text[] NOT NULL DEFAULT '{}'
);

CREATE TABLE merchants (
    account_id text PRIMARY KEY,
    client_key text NOT NULL REFERENCES apps,
    name text NOT NULL
);

CREATE TABLE pois (
    poi_id text PRIMARY KEY,
    account_id text NOT NULL REFERENCES merchants,
    name text NOT NULL
);

CREATE TABLE client_tokens (
    access_token text PRIMARY KEY,
    client_key text NOT NULL REFERENCES apps,
    issued_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);

CREATE INDEX client_tokens_by_app ON client_tokens (client_key, issued_at DESC);

-- Every id and code is made from a number of a block; a process takes whole blocks.
CREATE SEQUENCE number_blocks;

-- Faults and pace, as last set.
CREATE TABLE controls (
    name text PRIMARY KEY,
    value jsonb NOT NULL
);

CREATE TABLE injected_faults (
    fault text NOT NULL,
    entity text NOT NULL,
    injected_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (fault, entity)
);

CREATE TABLE call_counts (
    call text NOT NULL,
    code bigint NOT NULL,
    calls bigint NOT NULL,
    PRIMARY KEY (call, code)
);
