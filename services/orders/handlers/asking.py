"""Answers what people and programs ask about orders."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.orders.domain.orders import OrderView, fold
from services.orders.domain.words import Moment, moments
from services.orders.queries import reading as queries
from services.orders.queries import reconciliation
from services.orders.queries.reading import ChangeRow, CouponRow, Filter, OrderRow, SeenFact
from services.orders.queries.reconciliation import MissedRow, ReconciliationRow
from shared.errors import NotFound, Rejection
from shared.postgres.connection import Connection

_SAME_ID_MAX = 10
# Folding each prefix is quadratic; no true order comes near it.
_EXPLAINED_MAX = 500
_RECONCILIATIONS_MAX = 1000
# A webhook this late is still not missed.
_GRACE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class OrderAnswer:
    order: OrderRow
    coupons: tuple[CouponRow, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    answer: OrderAnswer
    # In the order they were seen.
    seen: tuple[tuple[SeenFact, Moment], ...]
    more_seen: bool
    view: OrderView
    changes: tuple[ChangeRow, ...]


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What reading back has done, and what only it has told."""

    readings: tuple[ReconciliationRow, ...]
    missed: tuple[MissedRow, ...]
    waiting: int
    since: datetime


class AmbiguousOrder(Rejection):
    """Two merchants were told of an order of this id; one must be named."""

    reason = "ambiguous_order"


async def list_orders(conn: Connection, wanted: Filter, *, limit: int) -> list[OrderAnswer]:
    if wanted.coupon_id is not None:
        rows = await queries.list_orders_of_coupon(conn, wanted, limit=limit)
    elif wanted.contradicted:
        rows = await queries.list_contradicted_orders(conn, wanted, limit=limit)
    elif wanted.merchant is None:
        rows = await queries.list_orders(conn, wanted, limit=limit)
    elif wanted.state is None:
        rows = await queries.list_orders_of_merchant(conn, wanted, limit=limit)
    else:
        rows = await queries.list_orders_of_merchant_in_state(conn, wanted, limit=limit)
    return await _with_coupons(conn, rows)


async def find_order(conn: Connection, order_id: str, *, merchant: str | None) -> OrderAnswer:
    """Raises NotFound, also for another merchant's order."""
    rows = await queries.find_orders(conn, order_id, merchant=merchant, limit=_SAME_ID_MAX)
    return (await _with_coupons(conn, [_only(rows, what="order")]))[0]


async def find_coupon(
    conn: Connection, coupon_id: str, *, merchant: str | None
) -> tuple[CouponRow, OrderAnswer]:
    wanted = Filter(
        merchant=merchant,
        state=None,
        account_id=None,
        coupon_id=coupon_id,
        contradicted=False,
        since=None,
        until=None,
        after=None,
    )
    rows = await queries.list_orders_of_coupon(conn, wanted, limit=_SAME_ID_MAX)
    [answer] = await _with_coupons(conn, [_only(rows, what="coupon")])
    coupon = next(one for one in answer.coupons if one.coupon_id == coupon_id)
    return coupon, answer


async def explain(conn: Connection, order_id: str, *, merchant: str | None) -> Explanation:
    answer = await find_order(conn, order_id, merchant=merchant)
    order_key = answer.order.order_key
    seen = await queries.fetch_seen_facts(conn, order_key, limit=_EXPLAINED_MAX + 1)
    shown = seen[:_EXPLAINED_MAX]
    facts = [one.fact for one in shown]
    return Explanation(
        answer=answer,
        seen=tuple(zip(shown, moments(facts), strict=True)),
        more_seen=len(seen) > len(shown),
        view=fold(one.fact for one in seen),
        changes=tuple(await queries.fetch_changes(conn, order_key, limit=_EXPLAINED_MAX)),
    )


async def reconciliation_of(
    conn: Connection, *, merchant: str | None, since: datetime
) -> Reconciliation:
    readings = await reconciliation.list_reconciliations(
        conn, merchant=merchant, limit=_RECONCILIATIONS_MAX
    )
    missed = await reconciliation.count_missed(conn, merchant=merchant, since=since, grace=_GRACE)
    return Reconciliation(
        readings=tuple(readings),
        missed=tuple(missed),
        waiting=await reconciliation.count_waiting(conn, merchant=merchant),
        since=since,
    )


async def _with_coupons(conn: Connection, orders: Sequence[OrderRow]) -> list[OrderAnswer]:
    coupons: defaultdict[int, list[CouponRow]] = defaultdict(list)
    if orders:
        for coupon in await queries.fetch_coupons(conn, [one.order_key for one in orders]):
            coupons[coupon.order_key].append(coupon)
    return [OrderAnswer(one, tuple(coupons[one.order_key])) for one in orders]


def _only(rows: Sequence[OrderRow], *, what: str) -> OrderRow:
    if not rows:
        raise NotFound(f"no such {what}")
    if len(rows) > 1:
        merchants = ", ".join(sorted({row.merchant for row in rows}))
        raise AmbiguousOrder(f"several merchants have this {what}; add ?merchant=: {merchants}")
    return rows[0]
