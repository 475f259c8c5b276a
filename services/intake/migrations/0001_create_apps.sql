CREATE TABLE apps (
    client_key text PRIMARY KEY,
    platform text NOT NULL,
    merchant text NOT NULL,
    name text NOT NULL,
    kind text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT app_kind_is_known CHECK (kind IN ('life', 'provider', 'mini_program'))
);

CREATE INDEX apps_by_merchant ON apps (merchant, platform);

-- A secret lives until it expires; what is deleted keeps its row and loses its value.
CREATE TABLE app_secrets (
    secret_id uuid PRIMARY KEY,
    client_key text NOT NULL REFERENCES apps (client_key),
    sealed_secret bytea,
    fingerprint text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    CONSTRAINT deleted_secret_has_expired CHECK (sealed_secret IS NOT NULL OR expires_at IS NOT NULL)
);

CREATE INDEX app_secrets_by_app ON app_secrets (client_key);

-- Whose account is whose, as access says.
CREATE TABLE merchants (
    merchant text PRIMARY KEY,
    platform text NOT NULL,
    account_id text,
    version bigint NOT NULL
);

CREATE INDEX merchants_by_account ON merchants (platform, account_id);

-- Grows with every change of the tables above, so that each worker knows when to read them again.
CREATE TABLE directory_version (
    only_one boolean PRIMARY KEY DEFAULT true,
    version bigint NOT NULL,
    CONSTRAINT there_is_one_version CHECK (only_one)
);

INSERT INTO directory_version (version) VALUES (1);
