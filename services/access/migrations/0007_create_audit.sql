CREATE TABLE audit (
    seq bigint PRIMARY KEY,
    at timestamptz NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    subject text NOT NULL,
    merchant text,
    details jsonb NOT NULL,
    event_id uuid,
    previous_hash bytea NOT NULL,
    hash bytea NOT NULL,
    CONSTRAINT event_is_audited_once UNIQUE (event_id),
    CONSTRAINT hashes_are_sha256 CHECK (length(previous_hash) = 32 AND length(hash) = 32)
);

CREATE INDEX audit_by_merchant ON audit (merchant, seq);
CREATE INDEX audit_by_time ON audit (at);

-- The end of the chain. Its row lock is what lets one act at a time join.
CREATE TABLE audit_head (
    only_row boolean PRIMARY KEY DEFAULT true,
    seq bigint NOT NULL,
    hash bytea NOT NULL,
    CONSTRAINT there_is_one_head CHECK (only_row)
);

INSERT INTO audit_head (seq, hash) VALUES (0, decode(repeat('00', 32), 'hex'));

-- Against accidents and against statements of ours; who may drop a trigger is found out by the
-- chain instead.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit is append-only';
END
$$;

CREATE TRIGGER audit_is_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
