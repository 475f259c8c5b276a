CREATE TABLE merchants (
    merchant text PRIMARY KEY,
    name text NOT NULL,
    platform text NOT NULL,
    account_id text,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT account_is_of_one_merchant UNIQUE (platform, account_id),
    CONSTRAINT merchant_is_a_subject_token CHECK (merchant ~ '^[a-z0-9][a-z0-9-]{1,38}$'),
    -- Events about clients of every merchant are filed under it.
    CONSTRAINT merchant_is_not_reserved CHECK (merchant <> 'operator')
);

CREATE TABLE stores (
    store_id text PRIMARY KEY,
    merchant text NOT NULL REFERENCES merchants,
    name text NOT NULL,
    platform text NOT NULL,
    poi_id text NOT NULL,
    time_zone text NOT NULL,
    open boolean NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT poi_is_of_one_store UNIQUE (merchant, platform, poi_id),
    CONSTRAINT store_id_is_readable CHECK (store_id ~ '^[a-z0-9][a-z0-9-]{1,38}$')
);
