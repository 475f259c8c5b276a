-- Products as merchants saved them, as they were audited, and as customers see them.
CREATE TABLE goods (
    product_id bigint PRIMARY KEY,
    account_id text NOT NULL REFERENCES merchants,
    out_id text NOT NULL,
    -- What was saved last: {"product": …, "skus": […]}, members as they came, ids added.
    draft jsonb NOT NULL,
    draft_status bigint NOT NULL CHECK (draft_status IN (1, 10, 12)),
    audit_msg text NOT NULL DEFAULT '',
    audit_due_at timestamptz,
    -- What customers see; nothing before a first audit has passed.
    online jsonb,
    online_status bigint CHECK (online_status IN (1, 2, 3)),
    -- Grows with each change: it makes each webhook's id its own.
    version bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    UNIQUE (account_id, out_id),
    CONSTRAINT online_has_status CHECK ((online IS NULL) = (online_status IS NULL)),
    CONSTRAINT running_audit_ends CHECK ((draft_status = 10) = (audit_due_at IS NOT NULL))
);

CREATE INDEX goods_to_audit ON goods (audit_due_at) WHERE audit_due_at IS NOT NULL;
CREATE INDEX goods_by_account ON goods (account_id, product_id);

-- Whose audits fail, and why; out_id '*' is every product of the merchant.
CREATE TABLE goods_verdicts (
    account_id text NOT NULL REFERENCES merchants,
    out_id text NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (account_id, out_id)
);

CREATE TABLE poi_match_tasks (
    task_id bigint PRIMARY KEY,
    client_key text NOT NULL REFERENCES apps,
    created_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    finished_at timestamptz
);

CREATE INDEX poi_match_tasks_due ON poi_match_tasks (due_at) WHERE finished_at IS NULL;

CREATE TABLE poi_match_stores (
    task_id bigint NOT NULL REFERENCES poi_match_tasks,
    place bigint NOT NULL,
    ext_id text NOT NULL,
    poi_name text NOT NULL,
    -- The caller's own guess.
    poi_id text,
    match_result bigint NOT NULL DEFAULT 0,
    match_poi_id text,
    PRIMARY KEY (task_id, place)
);

-- One store of the caller's to one of the platform's, and back.
CREATE TABLE poi_relations (
    client_key text NOT NULL REFERENCES apps,
    ext_id text NOT NULL,
    poi_id text NOT NULL REFERENCES pois,
    PRIMARY KEY (client_key, ext_id),
    UNIQUE (client_key, poi_id)
);
