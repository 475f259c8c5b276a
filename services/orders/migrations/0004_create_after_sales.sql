-- Our own after-sales say that a refund was asked for, or turned down.
-- squawk-ignore ban-drop-constraint
ALTER TABLE observations DROP CONSTRAINT observation_source_is_known;
ALTER TABLE observations ADD CONSTRAINT observation_source_is_known CHECK (
    source IN ('webhook', 'redemption', 'query', 'after_sales')
) NOT VALID;
ALTER TABLE observations ADD COLUMN platform_sku_id text;
ALTER TABLE orders ADD COLUMN platform_sku_id text;
ALTER TABLE order_coupons ADD COLUMN refund_amount_fen bigint;

-- Of each SKU what its product allows to be refunded, as catalog says it; highest version wins.
CREATE TABLE refund_rules (
    merchant text NOT NULL,
    platform text NOT NULL,
    product_id text NOT NULL,
    sku_id text NOT NULL,
    platform_sku_id text,
    third_sku_id text NOT NULL,
    title text NOT NULL,
    before_use text NOT NULL,
    after_expiry text NOT NULL,
    partly_used text NOT NULL,
    version bigint NOT NULL,
    PRIMARY KEY (merchant, sku_id),
    CONSTRAINT refund_decisions_are_known CHECK (
        before_use IN ('allow', 'ask', 'refuse')
        AND after_expiry IN ('allow', 'ask', 'refuse')
        AND partly_used IN ('allow', 'ask', 'refuse')
    )
);

CREATE INDEX refund_rules_by_platform_sku ON refund_rules (merchant, platform, platform_sku_id);

-- Each refund that a platform asked us about, recorded before anything is done for it.
CREATE TABLE after_sales (
    platform text NOT NULL,
    after_sale_id text NOT NULL,
    merchant text NOT NULL,
    order_id text NOT NULL,
    -- By what the platform knows it from us.
    out_refund_id uuid NOT NULL,
    client_key text NOT NULL,
    account_id text,
    channel text,
    -- None named: the whole order.
    coupon_ids text [] NOT NULL,
    without_code integer NOT NULL,
    amount_fen bigint,
    -- The buyer's own words, sealed.
    buyer_reason text,
    asked_at timestamptz NOT NULL,
    answer_until timestamptz NOT NULL,
    state text NOT NULL,
    version integer NOT NULL DEFAULT 1,
    -- What the rules saw and made of it.
    judgement jsonb,
    granted_coupon_ids text [] NOT NULL DEFAULT '{}',
    -- Some of the asked coupons only: the platform hears of them one by one, never as a whole.
    partial boolean NOT NULL DEFAULT false,
    -- What we say, or would have said: NULL until it is decided.
    outcome text,
    reason text,
    decided_by text,
    decided_at timestamptz,
    due_soon_said boolean NOT NULL DEFAULT false,
    -- When to go on by ourselves; NULL if only others can move it.
    next_attempt_at timestamptz,
    attempts integer NOT NULL DEFAULT 0,
    last_failure text,
    traceparent text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (platform, after_sale_id),
    CONSTRAINT after_sale_state_is_known CHECK (state IN (
        'asked', 'waiting', 'pending', 'approving', 'rejecting', 'approved', 'rejected', 'passed',
        'closed'
    )),
    CONSTRAINT outcome_is_known CHECK (outcome IN ('allowed', 'refused')),
    CONSTRAINT decision_means_all_of_it CHECK (
        (outcome IS NULL) = (decided_at IS NULL) AND (outcome IS NULL) = (decided_by IS NULL)
    ),
    CONSTRAINT decided_states_have_a_decision CHECK (
        state IN ('asked', 'waiting', 'pending', 'closed') OR outcome IS NOT NULL
    )
);

CREATE INDEX after_sales_by_time ON after_sales (created_at DESC, after_sale_id DESC);
CREATE INDEX after_sales_of_merchant ON after_sales (
    merchant, created_at DESC, after_sale_id DESC
);
CREATE INDEX after_sales_of_order ON after_sales (order_id, merchant, platform);
CREATE INDEX after_sales_to_go_on ON after_sales (next_attempt_at)
WHERE next_attempt_at IS NOT NULL;
CREATE INDEX after_sales_unanswered ON after_sales (answer_until)
WHERE state IN ('asked', 'waiting', 'pending', 'approving', 'rejecting');

-- What keeps coupons from being spent meanwhile: written down before redemption is asked.
CREATE TABLE after_sale_locks (
    platform text NOT NULL,
    after_sale_id text NOT NULL,
    number integer NOT NULL,
    -- Under this name redemption keeps it.
    lock_id text NOT NULL,
    coupon_ids text [] NOT NULL,
    state text NOT NULL,
    -- What redemption knew of the coupons when it answered.
    answer jsonb,
    next_attempt_at timestamptz,
    attempts integer NOT NULL DEFAULT 0,
    changed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (platform, after_sale_id, number),
    FOREIGN KEY (platform, after_sale_id) REFERENCES after_sales,
    CONSTRAINT lock_state_is_known CHECK (
        state IN ('wanted', 'held', 'refused', 'releasing', 'released')
    )
);

CREATE INDEX after_sale_locks_to_do ON after_sale_locks (next_attempt_at)
WHERE next_attempt_at IS NOT NULL;

-- Who did what, in the order in which it was done. Rows are only ever added.
CREATE TABLE after_sale_steps (
    platform text NOT NULL,
    after_sale_id text NOT NULL,
    version integer NOT NULL,
    step text NOT NULL,
    from_state text,
    to_state text NOT NULL,
    -- `rules`, `platform`, `redemption`, `clock`, or the subject of a token.
    done_by text NOT NULL,
    reason text,
    -- What a person typed, sealed.
    words text,
    event_id uuid,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (platform, after_sale_id, version),
    FOREIGN KEY (platform, after_sale_id) REFERENCES after_sales
);
