-- What was answered to a platform's question, beside the question. The last answer stands, but no
-- passing one ("please retry") replaces a final one.
CREATE TABLE delivery_answers (
    delivery_id uuid PRIMARY KEY REFERENCES deliveries (delivery_id),
    outcome text NOT NULL,
    reason text,
    final boolean NOT NULL,
    -- Sealed: it may hold codes.
    body bytea NOT NULL,
    milliseconds integer NOT NULL,
    answered_at timestamptz NOT NULL,
    CONSTRAINT answer_outcome_is_known CHECK (outcome IN (
        'accepted', 'refused', 'pending', 'noted', 'retry', 'unsupported', 'unreadable',
        'conflicted'
    ))
);

ALTER TABLE delivery_answers ALTER COLUMN body SET STORAGE EXTERNAL;
