"""What becomes of reserved stock when its order is paid, refunded or closed, or never paid."""

from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from typing import Final
from uuid import UUID

from shared.contracts.orders import CouponState, OrderChanged, OrderState
from shared.contracts.products import Restock


class ReservationState(StrEnum):
    REFUSED = "refused"
    HELD = "held"
    SOLD = "sold"
    REFUNDED = "refunded"
    RELEASED = "released"
    # Paid when its stock had been released and was gone: somebody has to find a way.
    OVERSOLD = "oversold"


class Fate(StrEnum):
    """Of an order, as far as stock is concerned."""

    PAID = "paid"
    REFUNDED = "refunded"
    CLOSED = "closed"


FATES: Final[Mapping[OrderState, Fate | None]] = {
    OrderState.CREATED: None,
    OrderState.PAID: Fate.PAID,
    OrderState.PARTLY_REDEEMED: Fate.PAID,
    OrderState.REDEEMED: Fate.PAID,
    OrderState.REFUNDING: Fate.PAID,
    OrderState.PARTLY_REFUNDED: Fate.PAID,
    OrderState.SETTLED: Fate.PAID,
    OrderState.REFUNDED: Fate.REFUNDED,
    OrderState.CLOSED: Fate.CLOSED,
}


@dataclass(frozen=True, slots=True)
class Line:
    """`day` None: not for a day. `limited`: its buyer's pieces are counted."""

    line: int
    sku_id: str
    stock_key: int
    product_key: int
    count: int
    restocked: int
    restock: Restock
    day: date | None
    limited: bool


@dataclass(frozen=True, slots=True)
class Reservation:
    out_order_id: UUID
    merchant: str
    order_id: str
    platform: str
    buyer: str | None
    state: ReservationState
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class News:
    """Of an order. `refunded` of `coupons`: how many went back so far; none known is 0 of 0."""

    fate: Fate
    refunded: int = 0
    coupons: int = 0


def news_of(order: OrderChanged) -> News | None:
    """None while nothing is decided."""
    fate = FATES[order.state]
    if fate is None:
        return None
    refunded = sum(coupon.state is CouponState.REFUNDED for coupon in order.coupons)
    return News(fate, refunded, order.coupon_count or len(order.coupons))


@dataclass(slots=True)
class Count:
    """A locked row of stock as the batch goes on. `total` None is without limit."""

    total: int | None
    held: int
    sold: int

    def has(self, count: int) -> bool:
        return self.total is None or self.total - self.held - self.sold >= count


@dataclass(frozen=True, slots=True)
class Move:
    """What a reservation becomes. `buyer_delta`: by how much its buyer's pieces change."""

    before: Reservation
    after: Reservation
    buyer_delta: Mapping[int, int] = field(default_factory=dict)


def settle(
    reservation: Reservation,
    news: News,
    stock: MutableMapping[int, Count],
    *,
    today: date,
) -> Move:
    """Change the counts and say what the reservation becomes; news twice changes nothing."""
    match reservation.state, news.fate:
        case ((ReservationState.REFUSED | ReservationState.REFUNDED), _):
            return Move(reservation, reservation)
        case ((ReservationState.RELEASED | ReservationState.OVERSOLD), Fate.PAID):
            taken = _take_again(reservation, stock)
            if taken.after.state is ReservationState.OVERSOLD:
                return taken
            return _refund(taken, news, stock, today=today)
        case ((ReservationState.RELEASED | ReservationState.OVERSOLD), _):
            return Move(reservation, replace(reservation, state=ReservationState.RELEASED))
        case _, Fate.CLOSED:
            return _release(reservation, stock)
        case _:
            return _refund(_confirm(reservation, stock), news, stock, today=today)


def _confirm(reservation: Reservation, stock: MutableMapping[int, Count]) -> Move:
    if reservation.state is not ReservationState.HELD:
        return Move(reservation, reservation)
    for line in reservation.lines:
        count = stock[line.stock_key]
        count.held -= line.count
        count.sold += line.count
    return Move(reservation, replace(reservation, state=ReservationState.SOLD))


def _take_again(reservation: Reservation, stock: MutableMapping[int, Count]) -> Move:
    wanted = _sum((line.stock_key, line.count) for line in reservation.lines)
    if not all(stock[key].has(count) for key, count in wanted.items()):
        return Move(reservation, replace(reservation, state=ReservationState.OVERSOLD))
    for key, count in wanted.items():
        stock[key].sold += count
    after = replace(
        reservation,
        state=ReservationState.SOLD,
        lines=tuple(replace(line, restocked=0) for line in reservation.lines),
    )
    return Move(reservation, after, _buyers(reservation.lines, sign=1))


def _release(reservation: Reservation, stock: MutableMapping[int, Count]) -> Move:
    held = reservation.state is ReservationState.HELD
    for line in reservation.lines:
        if held:
            stock[line.stock_key].held -= line.count
        else:
            stock[line.stock_key].sold -= line.count - line.restocked
    after = replace(
        reservation,
        state=ReservationState.RELEASED,
        lines=tuple(replace(line, restocked=0) for line in reservation.lines),
    )
    return Move(reservation, after, _buyers(reservation.lines, sign=-1))


def _refund(move: Move, news: News, stock: MutableMapping[int, Count], *, today: date) -> Move:
    """Put back what was refunded, where the product says so."""
    whole = news.fate is Fate.REFUNDED
    lines = []
    for line in move.after.lines:
        back = _goes_back(line, news, only=len(move.after.lines) == 1, today=today)
        stock[line.stock_key].sold -= back
        lines.append(replace(line, restocked=line.restocked + back))
    after = replace(move.after, lines=tuple(lines))
    if not whole:
        return replace(move, after=after)
    after = replace(after, state=ReservationState.REFUNDED)
    return Move(move.before, after, _buyers(after.lines, sign=-1))


def _goes_back(line: Line, news: News, *, only: bool, today: date) -> int:
    """How many more pieces of a line can be sold again.

    Coupons do not say of which line they are: of an order of several lines part of which was
    refunded, nothing goes back before all of it was.
    """
    if line.restock is Restock.NEVER:
        return 0
    if line.restock is Restock.BEFORE_DAY and line.day is not None and today >= line.day:
        return 0
    if news.fate is Fate.REFUNDED:
        refunded = line.count
    elif only and news.coupons > 0:
        refunded = line.count * min(news.refunded, news.coupons) // news.coupons
    else:
        refunded = 0
    return max(refunded - line.restocked, 0)


def _buyers(lines: Sequence[Line], *, sign: int) -> Mapping[int, int]:
    """By product, those with a limit only."""
    return _sum((line.product_key, sign * line.count) for line in lines if line.limited)


def _sum(pairs: Iterable[tuple[int, int]]) -> dict[int, int]:
    summed: dict[int, int] = {}
    for key, number in pairs:
        summed[key] = summed.get(key, 0) + number
    return summed
