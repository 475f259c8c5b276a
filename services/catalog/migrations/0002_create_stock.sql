-- How many there are of a SKU, of one of its days, or of a slot of a day.
CREATE TABLE stock (
    stock_key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sku_key bigint NOT NULL REFERENCES skus,
    -- '-infinity' and '': stock that is not kept by day, by slot.
    day date NOT NULL DEFAULT '-infinity',
    slot text NOT NULL DEFAULT '',
    -- NULL: without limit.
    total bigint,
    held bigint NOT NULL DEFAULT 0,
    sold bigint NOT NULL DEFAULT 0,
    -- Grows with each thing said about it.
    version integer NOT NULL DEFAULT 0,
    changed_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT stock_is_counted_once UNIQUE (sku_key, day, slot),
    CONSTRAINT stock_is_never_below_zero CHECK (held >= 0 AND sold >= 0 AND total >= 0),
    CONSTRAINT no_more_is_taken_than_there_is CHECK (held + sold <= total)
) WITH (fillfactor = 50);

CREATE TABLE reservations (
    -- Our own id of the order, as the platform is told.
    out_order_id uuid PRIMARY KEY,
    merchant text NOT NULL,
    platform text NOT NULL,
    order_id text NOT NULL,
    buyer text,
    -- What was asked: the same order id with other lines is a conflict.
    ask_digest bytea NOT NULL,
    state text NOT NULL,
    refusal text,
    -- The answer as it was given, the same for ever.
    answer json NOT NULL,
    pay_until timestamptz,
    -- When unpaid stock goes back; a little after the platform has closed the order.
    release_at timestamptz,
    -- Of the order, as heard: older news changes nothing.
    order_version bigint NOT NULL DEFAULT 0,
    decided_at timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT an_order_is_decided_once UNIQUE (order_id, platform),
    CONSTRAINT reservation_state_is_known CHECK (
        state IN ('refused', 'held', 'sold', 'refunded', 'released', 'oversold')
    ),
    CONSTRAINT refused_for_a_reason CHECK ((state = 'refused') = (refusal IS NOT NULL)),
    CONSTRAINT held_until_a_time CHECK (state <> 'held' OR release_at IS NOT NULL)
);

CREATE INDEX reservations_to_release ON reservations (release_at) WHERE state = 'held';
CREATE INDEX reservations_of_merchant ON reservations (merchant, out_order_id DESC);
CREATE INDEX reservations_oversold ON reservations (out_order_id DESC) WHERE state = 'oversold';

CREATE TABLE reservation_lines (
    out_order_id uuid NOT NULL REFERENCES reservations,
    line smallint NOT NULL,
    sku_key bigint NOT NULL REFERENCES skus,
    stock_key bigint NOT NULL REFERENCES stock,
    product_key bigint NOT NULL REFERENCES products,
    count integer NOT NULL,
    price_fen bigint NOT NULL,
    -- How many of them were refunded and can be sold again.
    restocked integer NOT NULL DEFAULT 0,
    PRIMARY KEY (out_order_id, line),
    CONSTRAINT a_line_is_for_one_at_least CHECK (count >= 1),
    CONSTRAINT no_more_goes_back_than_was_taken CHECK (restocked BETWEEN 0 AND count)
);

-- How many a buyer has of a product whose sale is limited for each buyer.
CREATE TABLE buyer_takings (
    product_key bigint NOT NULL REFERENCES products,
    -- A keyed hash, never the platform's id of a person.
    buyer text NOT NULL,
    taken integer NOT NULL,
    PRIMARY KEY (product_key, buyer),
    CONSTRAINT takings_are_never_below_zero CHECK (taken >= 0)
);
