-- Deleting a row is erasure: nothing sealed with it can be read again.
CREATE TABLE data_keys (
    key_id uuid PRIMARY KEY,
    merchant text NOT NULL,
    wrapped_key bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT one_key_per_merchant UNIQUE (merchant)
);
