-- merchant NULL is every merchant, stores NULL every store.
CREATE TABLE clients (
    client_id text PRIMARY KEY,
    merchant text REFERENCES merchants,
    name text NOT NULL,
    stores text[],
    actions text[] NOT NULL,
    secret_hash bytea NOT NULL,
    state text NOT NULL DEFAULT 'active',
    version bigint NOT NULL DEFAULT 1,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz,
    CONSTRAINT client_state_is_known CHECK (state IN ('active', 'revoked')),
    CONSTRAINT stores_are_of_one_merchant CHECK (merchant IS NOT NULL OR stores IS NULL)
);

CREATE INDEX clients_by_merchant ON clients (merchant, client_id);
