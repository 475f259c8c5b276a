-- One delivery on its way into the table, so that a commit sends a list of rows. A type of its own:
-- a column that is added to the table must not change what a worker that still runs may send.
CREATE TYPE new_delivery AS (
    delivery_id uuid,
    client_key text,
    dedupe_key text,
    platform text,
    merchant text,
    account_id text,
    event text,
    msg_id text,
    digest bytea,
    body bytea,
    body_bytes integer,
    received_at timestamptz,
    sent_at timestamptz,
    late boolean
);
