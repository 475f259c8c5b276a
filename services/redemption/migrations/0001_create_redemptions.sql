-- The stores as the access service names them; the highest version wins.
CREATE TABLE stores (
    store_id text PRIMARY KEY,
    merchant text NOT NULL,
    platform text NOT NULL,
    poi_id text NOT NULL,
    name text NOT NULL,
    time_zone text NOT NULL,
    open boolean NOT NULL,
    version bigint NOT NULL
);

-- What a scan stood for when the platform was asked.
CREATE TABLE preparations (
    preparation_id uuid PRIMARY KEY,
    merchant text NOT NULL,
    store_id text NOT NULL,
    terminal_id text NOT NULL,
    platform text NOT NULL,
    poi_id text NOT NULL,
    account_id text,
    order_id text NOT NULL,
    scan_hash bytea NOT NULL,
    coupons jsonb NOT NULL,
    -- The verify token and the codes; gone as soon as nobody can need them.
    sealed bytea,
    -- The platform's clock.
    prepared_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);

CREATE INDEX preparations_by_scan ON preparations (scan_hash, created_at DESC);
CREATE INDEX preparations_with_secrets ON preparations (expires_at) WHERE sealed IS NOT NULL;
CREATE INDEX preparations_by_age ON preparations (created_at);

-- One attempt to spend coupons, named by the caller, answered once and for ever.
CREATE TABLE redemptions (
    redemption_id uuid PRIMARY KEY,
    request_digest bytea NOT NULL,
    merchant text NOT NULL,
    store_id text NOT NULL,
    terminal_id text NOT NULL,
    platform text NOT NULL,
    order_id text NOT NULL,
    preparation_id uuid NOT NULL,
    -- A verify token pays for one verify: whoever asks the platform claims the preparation.
    claimed_preparation_id uuid,
    coupon_ids text [] NOT NULL,
    -- Which change of each coupon this is, in the same order; nothing where nothing was held.
    coupon_versions bigint [] NOT NULL DEFAULT '{}',
    state text NOT NULL,
    reason text,
    -- Counted before the platform is asked, so that a crash leaves it too high, never too low.
    attempts bigint NOT NULL,
    next_attempt_at timestamptz,
    pending_said boolean NOT NULL DEFAULT false,
    -- As it was sent: json, not jsonb, so that a retry gets the same bytes.
    answer json,
    traceparent text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    settled_at timestamptz,
    CONSTRAINT one_verify_per_preparation UNIQUE (claimed_preparation_id),
    CONSTRAINT redemption_state_is_known CHECK (state IN ('pending', 'redeemed', 'refused')),
    CONSTRAINT settled_redemption_means_all_of_it CHECK (
        (state = 'pending') = (answer IS NULL)
        AND (state = 'pending') = (settled_at IS NULL)
        AND (state = 'pending') = (next_attempt_at IS NOT NULL)
    ),
    CONSTRAINT refused_redemption_has_a_reason CHECK ((state = 'refused') = (reason IS NOT NULL))
);

CREATE INDEX redemptions_by_store ON redemptions (store_id, created_at, redemption_id)
WHERE state <> 'refused';
CREATE INDEX redemptions_due ON redemptions (next_attempt_at) WHERE state = 'pending';

-- Who holds or has spent which use of which coupon.
CREATE TABLE ledger (
    redemption_id uuid NOT NULL REFERENCES redemptions,
    coupon_id text NOT NULL,
    platform text NOT NULL,
    -- 1, or which use of a card with several.
    use_no bigint NOT NULL,
    times_card boolean NOT NULL,
    state text NOT NULL,
    title text,
    original_amount_fen bigint,
    pay_amount_fen bigint,
    verify_id text,
    -- The platform's clock.
    redeemed_at timestamptz,
    cancel_until timestamptz,
    released_at timestamptz,
    released_because text,
    PRIMARY KEY (redemption_id, coupon_id),
    CONSTRAINT ledger_state_is_known CHECK (state IN ('held', 'spent', 'released')),
    CONSTRAINT spent_means_when CHECK (
        state <> 'spent' OR (redeemed_at IS NOT NULL AND cancel_until IS NOT NULL)
    ),
    CONSTRAINT released_means_when_and_why CHECK (
        (state = 'released') = (released_at IS NOT NULL)
        AND (state = 'released') = (released_because IS NOT NULL)
    )
);

-- A coupon is spent once: whatever else fails, this holds.
CREATE UNIQUE INDEX one_spend_per_use ON ledger (platform, coupon_id, use_no)
WHERE state <> 'released';

-- Undoes the whole statement of a redemption that got some coupons and not all, or coupons and not
-- its own row. One that got nothing has nothing to undo.
CREATE FUNCTION all_or_none(held bigint, wanted bigint, begun bigint) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    IF held > 0 AND (held < wanted OR begun = 0) THEN
        RAISE EXCEPTION 'another redemption was faster'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN held > 0;
END
$$;

-- What is known of a coupon beside the ledger: the latest fact heard, and how often it changed.
CREATE TABLE coupons (
    platform text NOT NULL,
    coupon_id text NOT NULL,
    merchant text NOT NULL,
    version bigint NOT NULL DEFAULT 0,
    fact text,
    fact_at timestamptz,
    PRIMARY KEY (platform, coupon_id),
    CONSTRAINT fact_is_known CHECK (fact IN ('redeemed', 'available', 'refunded')),
    CONSTRAINT fact_means_when CHECK ((fact IS NULL) = (fact_at IS NULL))
);

CREATE TABLE cancellations (
    cancel_id uuid PRIMARY KEY,
    redemption_id uuid NOT NULL REFERENCES redemptions,
    request_digest bytea NOT NULL,
    merchant text NOT NULL,
    store_id text NOT NULL,
    terminal_id text NOT NULL,
    cause text NOT NULL,
    state text NOT NULL,
    reason text,
    attempts bigint NOT NULL,
    next_attempt_at timestamptz,
    answer json,
    traceparent text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    settled_at timestamptz,
    CONSTRAINT cancellation_state_is_known CHECK (state IN ('pending', 'cancelled', 'refused')),
    CONSTRAINT settled_cancellation_means_all_of_it CHECK (
        (state = 'pending') = (answer IS NULL)
        AND (state = 'pending') = (settled_at IS NULL)
        AND (state = 'pending') = (next_attempt_at IS NOT NULL)
    ),
    CONSTRAINT refused_cancellation_has_a_reason CHECK ((state = 'refused') = (reason IS NOT NULL))
);

CREATE UNIQUE INDEX one_cancellation_at_a_time ON cancellations (redemption_id)
WHERE state = 'pending';
CREATE INDEX cancellations_by_redemption ON cancellations (redemption_id, created_at);
CREATE INDEX cancellations_due ON cancellations (next_attempt_at) WHERE state = 'pending';

-- Every attempt that was turned down, by whom, where and why.
CREATE TABLE refusals (
    refusal_id uuid PRIMARY KEY,
    step text NOT NULL,
    merchant text NOT NULL,
    store_id text NOT NULL,
    terminal_id text NOT NULL,
    reason text NOT NULL,
    redemption_id uuid,
    order_id text,
    coupon_ids text [] NOT NULL,
    scan_hash bytea,
    typed boolean NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT step_is_known CHECK (step IN ('prepare', 'redeem', 'cancel'))
);

CREATE INDEX refusals_by_store ON refusals (store_id, created_at, refusal_id);
CREATE INDEX wrong_codes_by_terminal ON refusals (terminal_id, created_at)
WHERE typed AND reason = 'code_unknown';
CREATE INDEX wrong_codes_by_store ON refusals (store_id, created_at)
WHERE typed AND reason = 'code_unknown';
