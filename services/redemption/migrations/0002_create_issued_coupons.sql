-- What catalog says of each SKU: the rules that a coupon of it is issued with.
CREATE TABLE skus (
    merchant text NOT NULL,
    platform text NOT NULL,
    sku_id text NOT NULL,
    product_id text NOT NULL,
    third_sku_id text NOT NULL,
    platform_sku_id text,
    kind text NOT NULL,
    title text NOT NULL,
    times bigint NOT NULL,
    usage jsonb NOT NULL,
    version bigint NOT NULL,
    PRIMARY KEY (merchant, platform, sku_id)
);

CREATE INDEX skus_by_third_id ON skus (merchant, platform, third_sku_id);
CREATE INDEX skus_by_platform_id ON skus (merchant, platform, platform_sku_id)
WHERE platform_sku_id IS NOT NULL;

-- One question for codes, answered once and for ever: `sku` is the platform's word for it, or ''.
CREATE TABLE issues (
    platform text NOT NULL,
    order_id text NOT NULL,
    sku text NOT NULL,
    merchant text NOT NULL,
    coupons_asked bigint NOT NULL,
    state text NOT NULL,
    -- The question as it was asked, for one that has to wait.
    ask jsonb NOT NULL,
    -- A snapshot: what is changed in the product later does not change what was sold.
    product_id text,
    sku_id text,
    title text,
    kind text,
    usage jsonb NOT NULL,
    bought_at timestamptz NOT NULL,
    valid_from timestamptz,
    valid_to timestamptz,
    day date,
    slot text,
    -- Whether the platform must still be told, because our answer was "later".
    next_report_at timestamptz,
    report_attempts bigint NOT NULL DEFAULT 0,
    traceparent text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (platform, order_id, sku),
    CONSTRAINT issue_state_is_known CHECK (state IN ('waiting', 'issued', 'failed'))
);

CREATE INDEX issues_to_report ON issues (next_report_at) WHERE next_report_at IS NOT NULL;

-- A coupon whose code is ours. Every change of it counts `version` up by one.
CREATE TABLE issued_coupons (
    platform text NOT NULL,
    coupon_id text NOT NULL,
    merchant text NOT NULL,
    order_id text NOT NULL,
    sku text NOT NULL,
    code_hash bytea NOT NULL,
    sealed_code bytea NOT NULL,
    original_amount_fen bigint,
    pay_amount_fen bigint,
    times_total bigint NOT NULL,
    times_used bigint NOT NULL DEFAULT 0,
    version bigint NOT NULL DEFAULT 1,
    -- The after-sale that keeps it from being spent.
    refund_lock text,
    refunded_at timestamptz,
    PRIMARY KEY (platform, coupon_id),
    FOREIGN KEY (platform, order_id, sku) REFERENCES issues,
    CONSTRAINT a_code_is_issued_once UNIQUE (code_hash),
    CONSTRAINT no_more_uses_than_bought CHECK (times_used BETWEEN 0 AND times_total)
) WITH (fillfactor = 85);

CREATE INDEX issued_coupons_by_order ON issued_coupons (platform, order_id);
CREATE INDEX issued_coupons_locked ON issued_coupons (platform, refund_lock)
WHERE refund_lock IS NOT NULL;

CREATE TABLE refund_locks (
    platform text NOT NULL,
    after_sale_id text NOT NULL,
    merchant text NOT NULL,
    order_id text NOT NULL,
    -- Nothing named: the whole order, with what is issued for it later.
    coupon_ids text [] NOT NULL,
    locked_at timestamptz NOT NULL DEFAULT now(),
    released_at timestamptz,
    PRIMARY KEY (platform, after_sale_id)
);

CREATE INDEX refund_locks_by_order ON refund_locks (platform, order_id) WHERE released_at IS NULL;

-- What the platform must be told of coupons of ours, one order at a time, until it accepts.
CREATE TABLE reports (
    -- The platform's verify or cancel token.
    report_id uuid PRIMARY KEY,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    step text NOT NULL,
    platform text NOT NULL,
    merchant text NOT NULL,
    order_id text NOT NULL,
    coupon_id text NOT NULL,
    use_no bigint NOT NULL,
    redemption_id uuid NOT NULL REFERENCES redemptions,
    poi_id text NOT NULL,
    state text NOT NULL DEFAULT 'waiting',
    -- Counted before the platform is asked.
    attempts bigint NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    verify_id text,
    reason text,
    -- Of a refused one: whether it stays spent here.
    kept boolean,
    created_at timestamptz NOT NULL DEFAULT now(),
    settled_at timestamptz,
    CONSTRAINT report_step_is_known CHECK (step IN ('redeem', 'cancel')),
    CONSTRAINT report_state_is_known CHECK (
        state IN ('waiting', 'asking', 'accepted', 'refused', 'withdrawn')
    ),
    CONSTRAINT refused_report_has_a_reason CHECK ((state = 'refused') = (reason IS NOT NULL)),
    CONSTRAINT settled_report_means_when CHECK (
        (state IN ('waiting', 'asking')) = (settled_at IS NULL)
    )
);

CREATE INDEX reports_due ON reports (next_attempt_at) WHERE state IN ('waiting', 'asking');
CREATE INDEX reports_of_an_order ON reports (platform, order_id, seq)
WHERE state IN ('waiting', 'asking');
CREATE UNIQUE INDEX one_report_of_an_order_at_a_time ON reports (platform, order_id)
WHERE state = 'asking';
CREATE INDEX reports_of_a_redemption ON reports (redemption_id);
CREATE INDEX reports_refused ON reports (merchant, settled_at, report_id) WHERE state = 'refused';

-- A scan of a code of ours: which coupon it stood for.
ALTER TABLE preparations ADD COLUMN issued_coupon_id text;

-- Codes of ours that were typed and that nobody has, by their hashed beginning: who guesses the
-- rest is slowed down.
CREATE TABLE wrong_codes (
    wrong_code_id uuid PRIMARY KEY,
    prefix_hash bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX wrong_codes_by_prefix ON wrong_codes (prefix_hash, created_at);
CREATE INDEX wrong_codes_by_age ON wrong_codes (created_at);

-- A redemption may spend several uses of one card. The table is locked for as long as the index
-- takes, seconds for millions of rows.
-- squawk-ignore ban-drop-constraint
ALTER TABLE ledger DROP CONSTRAINT ledger_pkey;
-- squawk-ignore adding-serial-primary-key-field, constraint-missing-not-valid
ALTER TABLE ledger ADD PRIMARY KEY (redemption_id, coupon_id, use_no);

-- What goes into one statement for a whole batch. Types of their own: a column that is added to a
-- table must not change what a worker that still runs may send.
CREATE TYPE new_scan AS (
    preparation_id uuid,
    merchant text,
    store_id text,
    terminal_id text,
    platform text,
    poi_id text,
    order_id text,
    scan_hash bytea,
    coupons text,
    prepared_at timestamptz,
    expires_at timestamptz,
    issued_coupon_id text
);

CREATE TYPE new_spend AS (
    redemption_id uuid,
    digest bytea,
    merchant text,
    store_id text,
    terminal_id text,
    platform text,
    order_id text,
    preparation_id uuid,
    poi_id text,
    coupon_id text,
    seen bigint,
    times bigint,
    answer text,
    traceparent text,
    title text,
    times_card boolean,
    redeemed_at timestamptz,
    cancel_until timestamptz,
    event_id uuid,
    subject text,
    payload bytea
);

CREATE TYPE new_use AS (
    redemption_id uuid,
    use_no bigint,
    original_amount_fen bigint,
    pay_amount_fen bigint,
    report_id uuid
);

CREATE TYPE new_refusal AS (
    refusal_id uuid,
    redemption_id uuid,
    digest bytea,
    merchant text,
    store_id text,
    terminal_id text,
    platform text,
    order_id text,
    preparation_id uuid,
    coupon_ids text [],
    reason text,
    answer text,
    scan_hash bytea,
    traceparent text,
    event_id uuid,
    subject text,
    payload bytea
);

CREATE TYPE new_issue AS (
    platform text,
    order_id text,
    sku text,
    merchant text,
    coupons_asked bigint,
    state text,
    ask text,
    product_id text,
    sku_id text,
    title text,
    kind text,
    usage text,
    bought_at timestamptz,
    valid_from timestamptz,
    valid_to timestamptz,
    day date,
    slot text,
    next_report_at timestamptz,
    traceparent text
);

CREATE TYPE new_coupon AS (
    platform text,
    coupon_id text,
    merchant text,
    order_id text,
    sku text,
    code_hash bytea,
    sealed_code bytea,
    original_amount_fen bigint,
    pay_amount_fen bigint,
    times_total bigint,
    refund_lock text,
    event_id uuid,
    subject text,
    payload bytea
);
