-- An order as its observations make it. Version 0: heard of by name only, nothing known yet.
CREATE TABLE orders (
    order_key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    merchant text NOT NULL,
    platform text NOT NULL,
    order_id text NOT NULL,
    version integer NOT NULL DEFAULT 0,
    state text NOT NULL DEFAULT 'created',
    paid boolean NOT NULL DEFAULT false,
    contradicted boolean NOT NULL DEFAULT false,
    account_id text,
    coupon_count integer,
    title text,
    original_amount_fen bigint,
    pay_amount_fen bigint,
    refunded_amount_fen bigint NOT NULL DEFAULT 0,
    created_at timestamptz,
    paid_at timestamptz,
    -- When it was ordered, or the first time that anybody speaks of: lists are ordered by it.
    ordered_at timestamptz NOT NULL DEFAULT now(),
    first_seen_at timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT now(),
    -- When the platform is to be asked about this order; NULL if nothing is open.
    read_back_at timestamptz,
    read_back_attempts integer NOT NULL DEFAULT 0,
    -- Order id first: people ask for an order without naming its merchant.
    CONSTRAINT order_is_known_once UNIQUE (order_id, merchant, platform),
    CONSTRAINT order_state_is_known CHECK (state IN (
        'created', 'paid', 'partly_redeemed', 'redeemed', 'refunding', 'partly_refunded',
        'refunded', 'closed', 'settled'
    )),
    CONSTRAINT order_version_grows_from_zero CHECK (version >= 0),
    CONSTRAINT amounts_are_not_negative CHECK (refunded_amount_fen >= 0)
);

CREATE INDEX orders_of_merchant_by_time ON orders (merchant, ordered_at DESC, order_key DESC);
CREATE INDEX orders_of_merchant_by_state
    ON orders (merchant, state, ordered_at DESC, order_key DESC);
CREATE INDEX orders_by_time ON orders (ordered_at DESC, order_key DESC);
CREATE INDEX orders_contradicted ON orders (ordered_at DESC, order_key DESC) WHERE contradicted;
CREATE INDEX orders_to_read_back ON orders (read_back_at) WHERE read_back_at IS NOT NULL;

CREATE TABLE order_coupons (
    order_key bigint NOT NULL REFERENCES orders,
    coupon_id text NOT NULL,
    state text NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (order_key, coupon_id),
    CONSTRAINT coupon_state_is_known CHECK (
        state IN ('available', 'redeemed', 'refunding', 'refunded', 'closed')
    )
);

CREATE INDEX order_coupons_by_id ON order_coupons (coupon_id);
