"""What the demo's merchants sell: plain data, and what puts it on the shelf where it is missing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from deploy.cli.system import Qiao, everything
from shared.errors import Rejection

_NOT_FOUND = 404
_DAYS_AHEAD = 14


@dataclass(frozen=True, slots=True)
class Goods:
    """`stock` None is without limit; of a dated ticket it is so many for each day."""

    product: Mapping[str, Any]
    stock: int | None

    @property
    def product_id(self) -> str:
        return str(self.product["product_id"])


def goods(today: date) -> Sequence[Goods]:
    """Each kind once: a meal, a voucher, a times card, tickets, a course."""
    return (
        Goods(
            {
                "merchant": "yihetang",
                "product_id": "yht-afternoon",
                "kind": "meal",
                "title": "双人下午茶团餐券",
                "per_buyer_max": 5,
                "usage": {"days_after_purchase": 30, "hours": [{"start": "10:00", "end": "22:00"}]},
                "skus": [_sku("双人下午茶", 990, 1900)],
            },
            2000,
        ),
        Goods(
            {
                "merchant": "yihetang",
                "product_id": "yht-voucher-30",
                "kind": "voucher",
                "title": "30 元代金券",
                "usage": {"days_after_purchase": 60},
                "skus": [_sku("30 元代金券", 1990, 3000)],
            },
            5000,
        ),
        Goods(
            {
                "merchant": "yihetang",
                "product_id": "yht-card-10",
                "kind": "times_card",
                "title": "奶茶十次卡",
                "code_origin": "merchant",
                "usage": {"days_after_purchase": 180, "uses_per_day": 2},
                "skus": [{**_sku("奶茶十次卡", 8800, 15000), "times": 10}],
            },
            300,
        ),
        *_tickets(today),
        Goods(
            {
                "merchant": "atan",
                "product_id": "atan-course",
                "kind": "course",
                "title": "阿谭 21 天瘦身课",
                "skus": [_sku("21 天瘦身课", 19900, 39900)],
            },
            None,
        ),
    )


def _tickets(today: date) -> Sequence[Goods]:
    sale_to = datetime.combine(today + timedelta(days=30), datetime.min.time(), UTC)
    return (
        Goods(
            {
                "merchant": "shouke",
                "product_id": "shouke-family",
                "kind": "ticket",
                "title": "家庭票(两大一小)",
                "code_origin": "merchant",
                "skus": [{**_sku("家庭票", 118800, 142600), "admits": 3, "stock_by": "day"}],
            },
            200,
        ),
        Goods(
            {
                "merchant": "shouke",
                "product_id": "shouke-douyin-only",
                "kind": "ticket",
                "title": "抖音专享夜场票",
                "code_origin": "merchant",
                "sale_to": sale_to.isoformat(),
                "per_buyer_max": 2,
                "usage": {"days_after_purchase": 30},
                "skus": [_sku("夜场票", 19900, 29900)],
            },
            500,
        ),
    )


def _sku(title: str, price_fen: int, original_price_fen: int) -> dict[str, Any]:
    return {"title": title, "price_fen": price_fen, "original_price_fen": original_price_fen}


async def put_on_shelf(qiao: Qiao, one: Goods) -> None:
    """Only where it is missing; days that were never counted get their stock at every start."""
    try:
        product = await qiao.catalog.call("GET", f"/v1/products/{one.product_id}")
    except Rejection as rejection:
        if rejection.status != _NOT_FOUND:
            raise
        product = await qiao.catalog.call("POST", "/v1/products", body=dict(one.product))
        await qiao.catalog.call("POST", f"/v1/products/{one.product_id}/publish")
    query = {"product_id": one.product_id}
    rows = await everything(qiao.catalog, "/v1/stock", query)
    counted = {(row["sku_id"], row["day"]) for row in rows}
    items = [
        {"sku_id": sku["sku_id"], "day": day, "total": one.stock}
        for sku in product["skus"]
        for day in _days(dated=sku["stock_by"] == "day")
        if (sku["sku_id"], day) not in counted
    ]
    if items:
        await qiao.catalog.call("PUT", "/v1/stock", body={"items": items})


def _days(*, dated: bool) -> Sequence[str | None]:
    today = datetime.now().astimezone().date()
    if not dated:
        return (None,)
    return [(today + timedelta(days=number)).isoformat() for number in range(_DAYS_AHEAD)]
