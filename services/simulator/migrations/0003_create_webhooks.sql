CREATE TABLE webhooks (
    webhook_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    msg_id text NOT NULL,
    client_key text NOT NULL REFERENCES apps,
    event text NOT NULL,
    -- Only forged copies are not the platform's own.
    copy text NOT NULL CHECK (copy IN ('true', 'double', 'conflict', 'forged')),
    body text NOT NULL,
    state text NOT NULL CHECK (state IN ('queued', 'acknowledged', 'failed', 'lost')),
    -- While a sender holds it: when others may take it over.
    due_at timestamptz NOT NULL,
    attempts bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    finished_at timestamptz
);

CREATE INDEX webhooks_due ON webhooks (due_at) WHERE state = 'queued';
CREATE INDEX webhooks_by_message ON webhooks (msg_id);

CREATE TABLE webhook_attempts (
    webhook_id bigint NOT NULL REFERENCES webhooks,
    number bigint NOT NULL,
    sent_at timestamptz NOT NULL,
    milliseconds bigint NOT NULL,
    status bigint,
    error text,
    PRIMARY KEY (webhook_id, number)
);
