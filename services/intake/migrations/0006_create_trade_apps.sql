-- The mini-program of an application: by its app id the platform's trade callbacks find it.
CREATE TABLE trade_apps (
    app_id text PRIMARY KEY,
    client_key text NOT NULL UNIQUE REFERENCES apps (client_key),
    order_path text NOT NULL,
    pay_notify_url text
);

-- What may sign its callbacks: the platform's public keys, and the tokens of older payments.
CREATE TABLE trade_keys (
    key_id uuid PRIMARY KEY,
    client_key text NOT NULL REFERENCES apps (client_key),
    public_key text,
    sealed_token bytea,
    fingerprint text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    CONSTRAINT trade_key_is_one_of_two CHECK ((public_key IS NULL) <> (sealed_token IS NULL))
);

CREATE INDEX trade_keys_by_app ON trade_keys (client_key);
