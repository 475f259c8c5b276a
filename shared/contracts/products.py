"""What catalog says: a merchant's products, whole, after each change; newest version wins."""

from datetime import date, datetime, time
from enum import StrEnum
from typing import ClassVar

from pydantic import Field

from shared.contracts.envelope import Contract, EventData


class ProductKind(StrEnum):
    MEAL = "meal"
    VOUCHER = "voucher"
    TIMES_CARD = "times_card"
    TICKET = "ticket"
    COURSE = "course"


class ProductState(StrEnum):
    DRAFT = "draft"
    IN_AUDIT = "in_audit"
    REJECTED = "rejected"
    ON_SALE = "on_sale"
    OFF_SHELF = "off_shelf"
    BANNED = "banned"


class CodeOrigin(StrEnum):
    """Who makes the coupon's code: the platform, or we (三方码)."""

    PLATFORM = "platform"
    MERCHANT = "merchant"


class StockBy(StrEnum):
    """One number for the SKU, one for each date, or one for each time slot of each date."""

    SKU = "sku"
    DAY = "day"
    SLOT = "slot"


class Restock(StrEnum):
    """Whether a refunded piece can be sold again: `before_day` until the day it is for begins."""

    NEVER = "never"
    BEFORE_DAY = "before_day"
    ALWAYS = "always"


class RefundDecision(StrEnum):
    ALLOW = "allow"
    ASK = "ask"
    REFUSE = "refuse"


class Hours(Contract):
    """From `start` until just before `end`, the store's clock; an end before the start is the
    next day's.
    """

    start: time
    end: time


class Days(Contract):
    """Both ends belong to it; the store's calendar."""

    first: date
    last: date


class UsageRules(Contract):
    """When and where a coupon may be spent. What is None or empty does not restrict.

    Dates, weekdays and hours are read off the clock of the store's time zone.
    """

    # Fixed dates, or a number of days of which the day of purchase is the first.
    dates: Days | None = None
    days_after_purchase: int | None = Field(default=None, ge=1, le=3650)
    # ISO 8601: Monday is 1.
    weekdays: tuple[int, ...] = ()
    hours: tuple[Hours, ...] = ()
    blackouts: tuple[Days, ...] = ()
    store_ids: tuple[str, ...] | None = None
    # Of a times card: uses on one day, and uses within so many days (the day itself is one).
    uses_per_day: int | None = Field(default=None, ge=1)
    period_days: int | None = Field(default=None, ge=1)
    uses_per_period: int | None = Field(default=None, ge=1)


class RefundRules(Contract):
    before_use: RefundDecision = RefundDecision.ALLOW
    after_expiry: RefundDecision = RefundDecision.ALLOW
    partly_used: RefundDecision = RefundDecision.ASK


class Sku(Contract):
    """`third_sku_id` is what the platform calls this SKU when it asks us: our own id by default."""

    sku_id: str
    platform_sku_id: str | None = None
    third_sku_id: str
    title: str
    price_fen: int = Field(ge=0)
    original_price_fen: int = Field(ge=0)
    # How often a coupon of it can be spent: more than once is a times card.
    times: int = Field(default=1, ge=1)
    # How many people a ticket lets in.
    admits: int = Field(default=1, ge=1)
    stock_by: StockBy = StockBy.SKU
    usage: UsageRules | None = None


class ProductChanged(EventData):
    """A product with all its SKUs; subject is its id. `product.created`, `product.updated`."""

    TYPE: ClassVar[str] = "product"
    SOURCE: ClassVar[str] = "qiao/catalog"

    product_id: str
    platform: str
    account_id: str | None
    platform_product_id: str | None
    kind: ProductKind
    title: str
    state: ProductState
    code_origin: CodeOrigin
    sale_from: datetime | None
    sale_to: datetime | None
    per_buyer_max: int | None
    # A SKU with rules of its own replaces these for its coupons.
    usage: UsageRules
    refund: RefundRules
    restock_on_refund: Restock = Restock.NEVER
    skus: tuple[Sku, ...]
