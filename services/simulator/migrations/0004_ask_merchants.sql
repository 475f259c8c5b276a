-- squawk-ignore-file ban-drop-constraint, constraint-missing-not-valid
-- squawk-ignore-file require-concurrent-index-creation, require-concurrent-index-deletion
-- The simulator is no part of production: nobody waits while it migrates.

-- Products whose codes the merchant issues, times cards, refunds that the merchant decides, and
-- the orders of mini-programs: what the platform asks an app, and what it was answered.
ALTER TABLE apps
ADD COLUMN spi_url text,
ADD COLUMN trade_url text,
ADD COLUMN public_key text,
ADD COLUMN callback_token text;

-- The platform's own key pair: it signs the callbacks of mini-programs.
CREATE TABLE platform_keys (
    name text PRIMARY KEY,
    private_key text NOT NULL
);

ALTER TABLE orders
-- Coupons of the life services, or a mini-program's order under one of its protocols.
ADD COLUMN channel text NOT NULL DEFAULT 'life' CHECK (
    channel IN ('life', 'v3', 'v2', 'v1', 'ecpay')
),
ADD COLUMN code_origin text NOT NULL DEFAULT 'platform' CHECK (
    code_origin IN ('platform', 'merchant')
),
ADD COLUMN third_sku_id text NOT NULL DEFAULT '',
-- The merchant's own number of the order.
ADD COLUMN out_order_id text,
ADD COLUMN cp_extra text NOT NULL DEFAULT '',
-- Until when the merchant may issue codes; a refund opens then.
ADD COLUMN issue_until timestamptz;

CREATE INDEX orders_by_out_id ON orders (out_order_id) WHERE out_order_id IS NOT NULL;
CREATE INDEX orders_to_issue ON orders (issue_until) WHERE issue_until IS NOT NULL;

ALTER TABLE coupons
ADD COLUMN third_code text,
-- What the merchant calls the coupon, where he said so: then the platform calls it so to him.
ADD COLUMN third_certificate_id text,
ADD COLUMN times_count bigint NOT NULL DEFAULT 1,
ADD COLUMN times_used bigint NOT NULL DEFAULT 0,
ADD COLUMN after_sale_id bigint,
-- The merchant refused: what expired is not applied for again.
ADD COLUMN refund_rejected_at timestamptz;

ALTER TABLE coupons DROP CONSTRAINT coupons_state_check;
ALTER TABLE coupons ADD CONSTRAINT coupons_state_check CHECK (
    state IN ('unpaid', 'issuing', 'available', 'redeemed', 'refunding', 'refunded', 'closed')
);
ALTER TABLE coupons ADD CONSTRAINT coupons_times_check CHECK (
    times_used BETWEEN 0 AND times_count
);
UPDATE coupons SET times_used = 1 WHERE state = 'redeemed';

CREATE INDEX coupons_by_third_code ON coupons (third_code) WHERE third_code IS NOT NULL;
CREATE INDEX coupons_by_third_id ON coupons (third_certificate_id)
WHERE third_certificate_id IS NOT NULL;

-- Which use of a times card; others have one.
ALTER TABLE verifications ADD COLUMN serial bigint NOT NULL DEFAULT 1;
DROP INDEX verifications_once;
CREATE UNIQUE INDEX verifications_once ON verifications (certificate_id, serial)
WHERE cancelled_at IS NULL;

CREATE TABLE after_sales (
    after_sale_id bigint PRIMARY KEY,
    order_id bigint NOT NULL REFERENCES orders,
    certificate_ids bigint[] NOT NULL,
    cause text NOT NULL CHECK (cause IN ('buyer', 'expiry', 'not_issued', 'merchant')),
    reason text NOT NULL DEFAULT '',
    amount_fen bigint NOT NULL,
    -- The merchant's own number of the refund.
    out_refund_no text,
    cp_extra text NOT NULL DEFAULT '',
    state text NOT NULL CHECK (
        state IN ('asked', 'auditing', 'allowed', 'rejected', 'refunded')
    ),
    decided_by text CHECK (decided_by IN ('merchant', 'time', 'platform')),
    -- When the platform allows what nobody has decided.
    decides_at timestamptz,
    created_at timestamptz NOT NULL,
    decided_at timestamptz,
    refunded_at timestamptz
);

CREATE INDEX after_sales_by_order ON after_sales (order_id);
CREATE INDEX after_sales_by_out_no ON after_sales (out_refund_no) WHERE out_refund_no IS NOT NULL;
CREATE INDEX after_sales_to_decide ON after_sales (decides_at)
WHERE state IN ('asked', 'auditing');

CREATE TABLE settlements (
    settle_id bigint PRIMARY KEY,
    order_id bigint NOT NULL REFERENCES orders,
    certificate_ids bigint[] NOT NULL,
    out_settle_no text,
    amount_fen bigint NOT NULL,
    detail text NOT NULL DEFAULT '',
    cp_extra text NOT NULL DEFAULT '',
    is_automatic boolean NOT NULL,
    settled_at timestamptz NOT NULL
);

CREATE INDEX settlements_by_order ON settlements (order_id);
CREATE INDEX settlements_by_out_no ON settlements (out_settle_no) WHERE out_settle_no IS NOT NULL;

CREATE TABLE questions (
    question_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    client_key text NOT NULL REFERENCES apps,
    -- How it is sent and signed.
    form text NOT NULL CHECK (form IN ('spi', 'trade', 'ecpay')),
    action text NOT NULL,
    order_id bigint,
    after_sale_id bigint,
    version text NOT NULL DEFAULT '',
    body text NOT NULL,
    state text NOT NULL CHECK (state IN ('queued', 'answered', 'failed')),
    -- What came of it, in a word.
    outcome text NOT NULL DEFAULT '',
    -- While a sender holds it: when others may take it over.
    due_at timestamptz NOT NULL,
    attempts bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    finished_at timestamptz
);

CREATE INDEX questions_due ON questions (due_at) WHERE state = 'queued';
CREATE INDEX questions_by_order ON questions (order_id);

CREATE TABLE question_attempts (
    question_id bigint NOT NULL REFERENCES questions,
    number bigint NOT NULL,
    sent_at timestamptz NOT NULL,
    milliseconds bigint NOT NULL,
    status bigint,
    error text,
    answer text NOT NULL,
    PRIMARY KEY (question_id, number)
);
