-- What was said. Rows are only ever added; an order's state is a function of the set of its rows.
CREATE TABLE observations (
    order_key bigint NOT NULL,
    observation_id uuid NOT NULL,
    -- The order in which they were seen, which decides nothing and explains much.
    seq bigint GENERATED ALWAYS AS IDENTITY,
    kind text NOT NULL,
    source text NOT NULL,
    coupon_id text,
    -- A reading that is repeated moves forward; since when it held stays.
    occurred_at timestamptz NOT NULL,
    since timestamptz NOT NULL,
    account_id text,
    coupon_count integer,
    title text,
    original_amount_fen bigint,
    pay_amount_fen bigint,
    refund_amount_fen bigint,
    created_at timestamptz,
    paid_at timestamptz,
    -- The event that said it, and its delivery where a platform did; NULL for a query's answer.
    event_id uuid,
    delivery_id uuid,
    seen_at timestamptz NOT NULL DEFAULT now(),
    -- Order first: the rows of one order lie together and are read together.
    PRIMARY KEY (order_key, observation_id),
    CONSTRAINT observation_kind_is_known CHECK (kind IN (
        'order_created', 'order_paid', 'order_closed', 'order_settled', 'coupon_available',
        'coupon_redeemed', 'coupon_redemption_cancelled', 'coupon_refunding',
        'coupon_refund_rejected', 'coupon_refunded', 'coupon_closed'
    )),
    CONSTRAINT observation_source_is_known CHECK (source IN ('webhook', 'redemption', 'query')),
    CONSTRAINT coupon_facts_name_their_coupon CHECK (
        (kind LIKE 'coupon%') = (coupon_id IS NOT NULL)
    ),
    CONSTRAINT only_queries_come_without_event CHECK ((source = 'query') = (event_id IS NULL))
);

-- To answer what was learned only by asking.
CREATE INDEX observations_read_by_time ON observations (seen_at) WHERE source = 'query';

-- Every version of every order: what it moved from and to, and the observations that moved it.
CREATE TABLE order_changes (
    order_key bigint NOT NULL,
    version integer NOT NULL,
    event_id uuid NOT NULL,
    event_type text NOT NULL,
    from_state text,
    to_state text NOT NULL,
    observation_ids uuid[] NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (order_key, version),
    CONSTRAINT only_the_first_version_comes_from_nothing CHECK (
        (version = 1) = (from_state IS NULL)
    )
);
