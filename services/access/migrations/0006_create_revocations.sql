-- Tokens of the principal issued before revoked_at are void; its last revocation counts.
CREATE TABLE revocations (
    principal text PRIMARY KEY,
    revoked_at timestamptz NOT NULL,
    reason text NOT NULL
);

CREATE INDEX revocations_by_age ON revocations (revoked_at);
