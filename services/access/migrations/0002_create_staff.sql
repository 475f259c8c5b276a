-- Login and name are a person's: sealed, and the login found by its keyed hash.
CREATE TABLE staff (
    staff_id uuid PRIMARY KEY,
    merchant text NOT NULL REFERENCES merchants,
    login_index bytea NOT NULL,
    login_sealed bytea NOT NULL,
    name_sealed bytea NOT NULL,
    role text NOT NULL,
    stores text[],
    password_hash text NOT NULL,
    state text NOT NULL DEFAULT 'active',
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    last_seen_at timestamptz,
    CONSTRAINT staff_role_is_known CHECK (role IN ('owner', 'manager', 'clerk', 'auditor')),
    CONSTRAINT staff_state_is_known CHECK (state IN ('active', 'deactivated')),
    CONSTRAINT password_is_hashed CHECK (password_hash LIKE '$argon2id$%')
);

-- Who has left leaves the login to others.
CREATE UNIQUE INDEX login_is_of_one_person ON staff (login_index) WHERE state = 'active';
CREATE INDEX staff_by_merchant ON staff (merchant, staff_id);

-- Attempts since the last success, counted before the password is looked at; unknown logins too,
-- so that the answer does not tell which logins exist.
CREATE TABLE sign_in_attempts (
    login_index bytea PRIMARY KEY,
    attempts integer NOT NULL,
    last_at timestamptz NOT NULL,
    locked_until timestamptz,
    CONSTRAINT attempts_are_counted_from_one CHECK (attempts >= 1)
);

CREATE INDEX sign_in_attempts_by_age ON sign_in_attempts (last_at);
