"""What catalog says of stock: that something is sold out, back again, or sold once too often."""

from datetime import date, datetime
from typing import ClassVar

from shared.contracts.envelope import EventData


class StockChanged(EventData):
    """`stock.sold_out`, `stock.replenished`. Subject is `stock_id`: a SKU, or its day or slot."""

    TYPE: ClassVar[str] = "stock"
    SOURCE: ClassVar[str] = "qiao/catalog"

    stock_id: str
    product_id: str
    sku_id: str
    platform: str
    platform_sku_id: str | None
    third_sku_id: str
    day: date | None
    slot: str | None
    # None: without limit.
    total: int | None
    held: int
    sold: int


class StockOversold(EventData):
    """An order was paid after its stock had been released and sold to others.

    Nothing is below zero: the order is kept on a list until somebody has found a way.
    """

    TYPE: ClassVar[str] = "stock.oversold"
    SOURCE: ClassVar[str] = "qiao/catalog"

    order_id: str
    platform: str
    out_order_id: str
    sku_ids: tuple[str, ...]
    paid_seen_at: datetime
