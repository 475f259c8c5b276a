"""Offers, orders and reservations for the tests of catalog's rules."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from services.catalog.domain.deciding import Counters, Offer, SkuName
from services.catalog.domain.products import Content, ProductDraft, Wanted, content_of
from services.catalog.domain.settling import Line, Reservation, ReservationState
from shared.contracts.asks import OrderAsk
from shared.contracts.products import ProductState, Restock, StockBy, UsageRules

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
BUYER = "a keyed hash"


def content(kind: str = "meal", *skus: dict[str, Any], **members: Any) -> Content:
    """A product as a merchant writes it, with ids made."""
    written = {"title": "双人下午茶", "price_fen": 990, "original_price_fen": 1900}
    draft = ProductDraft.model_validate(
        {"kind": kind, "title": "团餐券", "skus": [written | sku for sku in skus or ({},)]}
        | members
    )
    return content_of(
        draft,
        product_id="tea",
        merchant="yihetang",
        account_id=None,
        sku_ids=[f"tea-{place}" for place in range(1, len(draft.skus) + 1)],
    )


def an_offer(sku_key: int = 1, **changes: Any) -> Offer:
    members: dict[str, Any] = {
        "sku_key": sku_key,
        "product_key": 1,
        "sku_id": f"tea-{sku_key}",
        "third_sku_id": f"tea-{sku_key}",
        "price_fen": 990,
        "stock_by": StockBy.SKU,
        "state": ProductState.ON_SALE,
        "wanted": Wanted.ON_SHELF,
        "sale_from": None,
        "sale_to": None,
        "per_buyer_max": None,
        "usage": UsageRules(),
    }
    return Offer(**members | changes)


def offers(*several: Offer) -> dict[SkuName, Offer]:
    return {
        SkuName("yihetang", "douyin", third_party=True, name=one.third_sku_id): one
        for one in several
    }


def an_ask(*lines: dict[str, Any], **changes: Any) -> OrderAsk:
    """One piece of the first SKU, unless lines say otherwise."""
    written = [{"third_sku_id": "tea-1", "count": 1} | line for line in lines or ({},)]
    members = {
        "merchant": "yihetang",
        "platform": "douyin",
        "client_key": "awdemo",
        "order_id": "1",
        "buyer": BUYER,
        "lines": written,
        "ordered_at": NOW,
    }
    return OrderAsk.model_validate(members | changes)


def nothing_left() -> Counters:
    return Counters(stock={}, takings={})


def a_line(number: int = 0, **changes: Any) -> Line:
    members: dict[str, Any] = {
        "line": number,
        "sku_id": f"tea-{number + 1}",
        "stock_key": number + 1,
        "product_key": 1,
        "count": 2,
        "restocked": 0,
        "restock": Restock.ALWAYS,
        "day": None,
        "limited": True,
    }
    return Line(**members | changes)


def a_reservation(state: ReservationState, *lines: Line) -> Reservation:
    return Reservation(
        out_order_id=UUID(int=1),
        merchant="yihetang",
        order_id="1",
        platform="douyin",
        buyer=BUYER,
        state=state,
        lines=lines or (a_line(),),
    )


TODAY = date(2026, 11, 22)
