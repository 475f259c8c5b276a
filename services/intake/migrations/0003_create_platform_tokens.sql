-- One row per application: its access token, and who is fetching a new one at the moment.
CREATE TABLE platform_tokens (
    client_key text PRIMARY KEY REFERENCES apps (client_key),
    sealed_token bytea,
    digest text,
    fetched_at timestamptz,
    expires_at timestamptz,
    lease_id uuid,
    lease_until timestamptz,
    CONSTRAINT token_means_all_of_it CHECK (
        (sealed_token IS NULL) = (digest IS NULL)
        AND (sealed_token IS NULL) = (fetched_at IS NULL)
        AND (sealed_token IS NULL) = (expires_at IS NULL)
    ),
    CONSTRAINT lease_means_all_of_it CHECK ((lease_id IS NULL) = (lease_until IS NULL))
);
