"""Whether an order can be had: its SKUs, the sale, the buyer's limit, and the stock that is left.

Pure: counts are those of rows that the caller has locked, and what is granted is taken off them
here, so that a whole batch is decided in the order of its coming.
"""

from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from hashlib import blake2b
from typing import Final, NamedTuple

import orjson

from services.catalog.domain.products import Wanted
from shared.contracts.asks import OrderAsk, OrderLine, OrderRefusal
from shared.contracts.products import ProductState, StockBy, UsageRules

# Clocks differ: an order that its platform dates just inside the sale belongs to it.
_CLOCK_SKEW: Final = timedelta(minutes=1)


class SkuName(NamedTuple):
    """How a question names a SKU; third-party ids and the platform's own never meet."""

    merchant: str
    platform: str
    third_party: bool
    name: str


class StockName(NamedTuple):
    """None where stock is not kept by day, by slot."""

    sku_key: int
    day: date | None
    slot: str | None


class BuyerName(NamedTuple):
    product_key: int
    buyer: str


@dataclass(frozen=True, slots=True)
class Offer:
    """A SKU as it is on sale now."""

    sku_key: int
    product_key: int
    sku_id: str
    third_sku_id: str
    price_fen: int
    stock_by: StockBy
    state: ProductState
    wanted: Wanted
    sale_from: datetime | None
    sale_to: datetime | None
    per_buyer_max: int | None
    usage: UsageRules


@dataclass(slots=True)
class Bucket:
    """A locked row of stock. `left` None is without limit."""

    stock_key: int
    left: int | None
    taken: int = 0

    def has(self, count: int) -> bool:
        return self.left is None or self.left - self.taken >= count


@dataclass(slots=True)
class Counters:
    """What is left as the batch goes on."""

    stock: Mapping[StockName, Bucket]
    # What each buyer already has of products with a limit, before this batch.
    takings: Mapping[BuyerName, int]
    taken_by: MutableMapping[BuyerName, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Take:
    """One line of a granted order."""

    offer: Offer
    stock_key: int
    count: int
    day: date | None
    slot: str | None


@dataclass(frozen=True, slots=True)
class Decision:
    """`refusal` None: all the takes are to be held."""

    refusal: OrderRefusal | None
    detail: str | None
    takes: tuple[Take, ...] = ()


class _Refused(Exception):
    def __init__(self, refusal: OrderRefusal, detail: str) -> None:
        self.refusal, self.detail = refusal, detail


def digest_of(ask: OrderAsk) -> bytes:
    """Of whose order it is and what is ordered; when and for how much may be told differently."""
    lines = sorted(
        [line.third_sku_id or "", line.platform_sku_id or "", line.count, str(line.day), line.slot]
        for line in ask.lines
    )
    return blake2b(orjson.dumps([ask.merchant, lines]), digest_size=16).digest()


def sku_name(ask: OrderAsk, line: OrderLine) -> SkuName | None:
    """Our own id goes before the platform's; None where neither is given."""
    if line.third_sku_id is not None:
        return SkuName(ask.merchant, ask.platform, third_party=True, name=line.third_sku_id)
    if line.platform_sku_id is not None:
        return SkuName(ask.merchant, ask.platform, third_party=False, name=line.platform_sku_id)
    return None


def stock_name(offer: Offer, line: OrderLine) -> StockName | None:
    """None where the line does not say which day or slot of it is meant."""
    if offer.stock_by is StockBy.SKU:
        return StockName(offer.sku_key, None, None)
    if line.day is None:
        return None
    if offer.stock_by is StockBy.DAY:
        return StockName(offer.sku_key, line.day, None)
    return None if line.slot is None else StockName(offer.sku_key, line.day, line.slot)


def decide(
    ask: OrderAsk, offers: Mapping[SkuName, Offer], counters: Counters, *, now: datetime
) -> Decision:
    """All lines or none. What is granted is taken off the counters."""
    try:
        takes = [_take(ask, line, offers, now=now) for line in ask.lines]
        _check_buyer(ask, [offer for offer, _, _ in takes], counters)
        _check_stock(takes, counters)
    except _Refused as refused:
        return Decision(refused.refusal, refused.detail)
    return Decision(None, None, tuple(_grant(ask, takes, counters)))


def _take(
    ask: OrderAsk, line: OrderLine, offers: Mapping[SkuName, Offer], *, now: datetime
) -> tuple[Offer, OrderLine, StockName]:
    name = sku_name(ask, line)
    offer = None if name is None else offers.get(name)
    if offer is None:
        raise _Refused(OrderRefusal.PRODUCT_UNKNOWN, _named(line))
    if offer.state is not ProductState.ON_SALE or offer.wanted is not Wanted.ON_SHELF:
        raise _Refused(OrderRefusal.OFF_SHELF, offer.sku_id)
    earliest = min(now, max(ask.ordered_at, now - _CLOCK_SKEW))
    latest = max(now, min(ask.ordered_at, now + _CLOCK_SKEW))
    if offer.sale_from is not None and latest < offer.sale_from:
        raise _Refused(OrderRefusal.NOT_YET_ON_SALE, f"from {offer.sale_from.isoformat()}")
    if offer.sale_to is not None and earliest >= offer.sale_to:
        raise _Refused(OrderRefusal.SALE_ENDED, f"until {offer.sale_to.isoformat()}")
    if line.price_fen is not None and line.price_fen != offer.price_fen:
        raise _Refused(OrderRefusal.PRICE_CHANGED, f"{offer.price_fen} fen now")
    stock = stock_name(offer, line)
    if stock is None:
        raise _Refused(OrderRefusal.OTHER, f"{offer.sku_id}: say for which {offer.stock_by}")
    return offer, line, stock


def _named(line: OrderLine) -> str:
    return line.third_sku_id or line.platform_sku_id or "a line names no SKU"


def _check_buyer(ask: OrderAsk, offers: Sequence[Offer], counters: Counters) -> None:
    wanted: dict[int, int] = {}
    for offer, line in zip(offers, ask.lines, strict=True):
        if offer.per_buyer_max is None:
            continue
        wanted[offer.product_key] = wanted.get(offer.product_key, 0) + line.count
        if wanted[offer.product_key] + _has(ask, offer, counters) > offer.per_buyer_max:
            raise _Refused(OrderRefusal.OVER_LIMIT, f"{offer.per_buyer_max} for each buyer")


def _has(ask: OrderAsk, offer: Offer, counters: Counters) -> int:
    """Of a buyer who is not named only this order is known."""
    if ask.buyer is None:
        return 0
    name = BuyerName(offer.product_key, ask.buyer)
    return counters.takings.get(name, 0) + counters.taken_by.get(name, 0)


def _check_stock(takes: Sequence[tuple[Offer, OrderLine, StockName]], counters: Counters) -> None:
    wanted: dict[StockName, int] = {}
    for offer, line, name in takes:
        wanted[name] = wanted.get(name, 0) + line.count
        bucket = counters.stock.get(name)
        if bucket is None or not bucket.has(wanted[name]):
            raise _Refused(OrderRefusal.SOLD_OUT, offer.sku_id)


def _grant(
    ask: OrderAsk, takes: Sequence[tuple[Offer, OrderLine, StockName]], counters: Counters
) -> Sequence[Take]:
    granted = []
    for offer, line, name in takes:
        bucket = counters.stock[name]
        bucket.taken += line.count
        if offer.per_buyer_max is not None and ask.buyer is not None:
            buyer = BuyerName(offer.product_key, ask.buyer)
            counters.taken_by[buyer] = counters.taken_by.get(buyer, 0) + line.count
        granted.append(Take(offer, bucket.stock_key, line.count, name.day, name.slot))
    return granted
