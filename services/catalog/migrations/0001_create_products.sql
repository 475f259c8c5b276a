-- As heard from access; the newest version stays.
CREATE TABLE merchants (
    merchant text NOT NULL,
    platform text NOT NULL,
    account_id text,
    name text NOT NULL,
    version bigint NOT NULL,
    PRIMARY KEY (merchant, platform)
);

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

CREATE INDEX stores_of_merchant ON stores (merchant, store_id);

CREATE TABLE products (
    product_key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    product_id text NOT NULL,
    merchant text NOT NULL,
    platform text NOT NULL,
    account_id text,
    platform_product_id text,
    kind text NOT NULL,
    title text NOT NULL,
    -- What is, and what the merchant wants.
    state text NOT NULL DEFAULT 'draft',
    wanted text NOT NULL DEFAULT 'off_shelf',
    code_origin text NOT NULL,
    sale_from timestamptz,
    sale_to timestamptz,
    per_buyer_max integer,
    usage jsonb NOT NULL,
    refund jsonb NOT NULL,
    restock_on_refund text NOT NULL,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT product_is_known_once UNIQUE (product_id),
    CONSTRAINT product_is_one_at_its_platform UNIQUE (platform, platform_product_id),
    CONSTRAINT product_kind_is_known CHECK (
        kind IN ('meal', 'voucher', 'times_card', 'ticket', 'course')
    ),
    CONSTRAINT product_state_is_known CHECK (
        state IN ('draft', 'in_audit', 'rejected', 'on_sale', 'off_shelf', 'banned')
    ),
    CONSTRAINT product_is_wanted_or_not CHECK (wanted IN ('on_shelf', 'off_shelf')),
    CONSTRAINT code_origin_is_known CHECK (code_origin IN ('platform', 'merchant')),
    CONSTRAINT restock_is_known CHECK (restock_on_refund IN ('never', 'before_day', 'always')),
    CONSTRAINT sale_ends_after_it_begins CHECK (sale_from < sale_to),
    CONSTRAINT a_buyer_may_have_one_at_least CHECK (per_buyer_max >= 1)
);

CREATE INDEX products_of_merchant ON products (merchant, product_key DESC);

CREATE TABLE skus (
    sku_key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sku_id text NOT NULL,
    product_key bigint NOT NULL REFERENCES products,
    -- Those of the product: a platform's question is answered by one index.
    merchant text NOT NULL,
    platform text NOT NULL,
    place smallint NOT NULL,
    platform_sku_id text,
    third_sku_id text NOT NULL,
    title text NOT NULL,
    price_fen bigint NOT NULL,
    original_price_fen bigint NOT NULL,
    times integer NOT NULL,
    admits integer NOT NULL,
    stock_by text NOT NULL,
    usage jsonb,
    -- No longer part of its product; what was reserved of it still refers to it.
    retired boolean NOT NULL DEFAULT false,
    CONSTRAINT sku_is_known_once UNIQUE (sku_id),
    CONSTRAINT stock_is_kept_in_a_known_way CHECK (stock_by IN ('sku', 'day', 'slot')),
    CONSTRAINT prices_are_not_negative CHECK (price_fen >= 0 AND original_price_fen >= 0),
    CONSTRAINT a_sku_is_for_one_use_and_person_at_least CHECK (times >= 1 AND admits >= 1)
);

CREATE INDEX skus_of_product ON skus (product_key, place);
CREATE UNIQUE INDEX sku_is_one_under_its_third_id ON skus (merchant, platform, third_sku_id)
    WHERE NOT retired;
CREATE UNIQUE INDEX sku_is_one_at_its_platform ON skus (merchant, platform, platform_sku_id)
    WHERE NOT retired AND platform_sku_id IS NOT NULL;
