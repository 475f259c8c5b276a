"""What the routes answer, and what stands in their queries."""

from collections.abc import Sequence
from datetime import date, datetime

from pydantic import Field
from typing_extensions import TypedDict

from services.catalog.domain.products import Wanted
from services.catalog.domain.settling import ReservationState
from shared.contracts.asks import OrderRefusal
from shared.contracts.products import (
    CodeOrigin,
    ProductKind,
    ProductState,
    RefundRules,
    Restock,
    Sku,
    UsageRules,
)
from shared.web.pages import cursor_parts, wrong_cursor
from shared.web.query import Day, PageQuery, Text
from shared.web.shapes import IdText

_DIGITS_MAX = 18


class ProductsQuery(PageQuery):
    """`text` is looked for in titles, and among the ids."""

    merchant: Text | None = None
    platform: Text | None = None
    kind: ProductKind | None = None
    state: ProductState | None = None
    text: Text | None = None


class StockQuery(PageQuery):
    merchant: Text | None = None
    product_id: Text | None = None
    sku_id: Text | None = None
    first_day: Day | None = Field(default=None, alias="from")
    last_day: Day | None = Field(default=None, alias="to")


class ReservationsQuery(PageQuery):
    merchant: Text | None = None
    platform: Text | None = None
    order_id: Text | None = None
    state: ReservationState | None = None


class ShownProduct(TypedDict):
    merchant: str
    product_id: str
    platform: str
    account_id: str | None
    platform_product_id: str | None
    kind: ProductKind
    title: str
    state: ProductState
    wanted: Wanted
    code_origin: CodeOrigin
    sale_from: datetime | None
    sale_to: datetime | None
    per_buyer_max: int | None
    usage: UsageRules
    refund: RefundRules
    restock_on_refund: Restock
    skus: Sequence[Sku]
    version: int
    created_at: datetime
    changed_at: datetime


class ShownStock(TypedDict):
    """`total` and `left` null: without limit."""

    stock_id: str
    merchant: str
    product_id: str
    sku_id: str
    platform: str
    platform_sku_id: str | None
    third_sku_id: str
    day: date | None
    slot: str | None
    total: int | None
    held: int
    sold: int
    left: int | None
    changed_at: datetime


class ShownTotals(TypedDict):
    items: Sequence[ShownStock]


class ShownLine(TypedDict):
    sku_id: str
    count: int
    price_fen: int
    day: date | None
    slot: str | None
    restocked: int


class ShownReservation(TypedDict):
    """The buyer stays out of it: nobody needs it to find an order."""

    out_order_id: IdText
    merchant: str
    platform: str
    order_id: str
    state: ReservationState
    refusal: OrderRefusal | None
    detail: str | None
    pay_until: datetime | None
    decided_at: datetime
    changed_at: datetime
    lines: Sequence[ShownLine]


def read_key(query: PageQuery) -> int | None:
    """The row number that the cursor of the page before holds."""
    parts = cursor_parts(query.cursor, length=1)
    if parts is None:
        return None
    text = parts[0]
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS_MAX):
        raise wrong_cursor()
    return int(text)
