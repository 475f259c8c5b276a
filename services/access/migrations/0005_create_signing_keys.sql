-- A key is published from the start, signs from signs_from until the next one does, and is
-- published until no token that it signed can still be alive.
CREATE TABLE signing_keys (
    key_id uuid PRIMARY KEY,
    public_key jsonb NOT NULL,
    private_key_sealed bytea NOT NULL,
    signs_from timestamptz NOT NULL,
    expires_at timestamptz,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
