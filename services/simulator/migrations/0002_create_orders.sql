CREATE TABLE orders (
    order_id bigint PRIMARY KEY,
    account_id text NOT NULL,
    -- The caller's own name of the order: placing it twice makes one order, and faults of two
    -- runs with the same names and seed are the same.
    reference text NOT NULL,
    open_id text NOT NULL,
    sku_id text NOT NULL,
    sku_title text NOT NULL,
    groupon_type bigint NOT NULL,
    -- The stores it may be spent in; NULL means all of the merchant's.
    poi_ids text[],
    original_amount_fen bigint NOT NULL,
    pay_amount_fen bigint NOT NULL,
    state text NOT NULL CHECK (state IN ('unpaid', 'open', 'completed', 'closed')),
    created_at timestamptz NOT NULL,
    paid_at timestamptz,
    closes_at timestamptz,
    updated_at timestamptz NOT NULL,
    UNIQUE (account_id, reference)
);

CREATE INDEX orders_by_update ON orders (account_id, updated_at, order_id);
CREATE INDEX orders_by_creation ON orders (account_id, created_at, order_id);
CREATE INDEX orders_to_close ON orders (closes_at) WHERE state = 'unpaid';

CREATE TABLE coupons (
    certificate_id bigint PRIMARY KEY,
    order_id bigint NOT NULL REFERENCES orders,
    place bigint NOT NULL,
    code text NOT NULL UNIQUE,
    short_id text NOT NULL UNIQUE,
    state text NOT NULL CHECK (
        state IN ('unpaid', 'available', 'redeemed', 'refunding', 'refunded', 'closed')
    ),
    original_amount_fen bigint NOT NULL,
    pay_amount_fen bigint NOT NULL,
    starts_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    verify_id bigint,
    settles_at timestamptz,
    settled_at timestamptz,
    refund_due_at timestamptz,
    refunded_at timestamptz,
    -- Grows with each change: it makes each webhook's id its own.
    version bigint NOT NULL DEFAULT 0,
    updated_at timestamptz NOT NULL,
    CONSTRAINT redeemed_has_verification CHECK ((state = 'redeemed') = (verify_id IS NOT NULL)),
    CONSTRAINT only_redeemed_settles CHECK (settled_at IS NULL OR state = 'redeemed')
);

CREATE INDEX coupons_by_order ON coupons (order_id);
CREATE INDEX coupons_to_expire ON coupons (expires_at) WHERE state = 'available';
CREATE INDEX coupons_to_refund ON coupons (refund_due_at) WHERE state = 'refunding';
CREATE INDEX coupons_to_settle ON coupons (settles_at)
WHERE state = 'redeemed' AND settled_at IS NULL;

CREATE TABLE preparations (
    verify_token text PRIMARY KEY,
    client_key text NOT NULL,
    order_id bigint NOT NULL REFERENCES orders,
    poi_id text NOT NULL,
    certificate_ids bigint[] NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    -- What verify answered to this token: the answer for ever, to the byte.
    answer text
);

CREATE TABLE verifications (
    verify_id bigint PRIMARY KEY,
    certificate_id bigint NOT NULL REFERENCES coupons,
    order_id bigint NOT NULL,
    account_id text NOT NULL,
    poi_id text NOT NULL,
    verify_token text NOT NULL,
    verified_at timestamptz NOT NULL,
    cancelled_at timestamptz
);

CREATE INDEX verifications_by_order ON verifications (order_id);
CREATE INDEX verifications_by_account ON verifications (account_id, verified_at, verify_id);
-- Whatever the code above it does, one coupon is never spent twice at the same time.
CREATE UNIQUE INDEX verifications_once ON verifications (certificate_id)
WHERE cancelled_at IS NULL;

CREATE TABLE cancellations (
    client_key text NOT NULL,
    cancel_token text NOT NULL,
    verify_ids bigint[] NOT NULL,
    answer text NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (client_key, cancel_token)
);
