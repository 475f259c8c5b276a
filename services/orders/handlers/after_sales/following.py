"""What became of the money: a refund's facts close its after-sale, in the very same commit."""

from collections.abc import Mapping, Sequence

from services.orders.domain.after_sales import Move, after
from services.orders.domain.coupons import CouponView
from services.orders.domain.orders import OrderView
from services.orders.domain.refunds import RefundReason
from services.orders.handlers.after_sales.releasing import see_to_locks
from services.orders.handlers.after_sales.steps import (
    PLATFORM,
    Change,
    events_of,
    moved_by,
    named_coupons,
    tell,
)
from services.orders.queries import after_sales as queries
from services.orders.queries.after_sales import AfterSale
from services.orders.queries.applying import OrderName
from shared.contracts.envelope import Event
from shared.contracts.observations import ObservationKind, Source
from shared.contracts.orders import CouponState, OrderState
from shared.postgres.connection import Connection


async def follow_refunds(conn: Connection, views: Mapping[OrderName, OrderView]) -> Sequence[Event]:
    """Close what these orders show to be over. Their rows are locked by the caller."""
    events: list[Event] = []
    for matter in await queries.lock_open_of_orders(conn, sorted(views)):
        change = _change(matter, views[matter.order_name])
        state = None if change is None else after(matter.state, change.move)
        if change is None or state is None:
            continue
        moved, step = moved_by(matter, change, state)
        await queries.move_after_sale(conn, matter, step)
        await see_to_locks(conn, moved, change.move)
        tell(moved, change)
        events += events_of(matter, moved, step.event_id)
    return events


def _change(matter: AfterSale, view: OrderView) -> Change | None:
    """All its coupons refunded; or none being refunded any more, because the platform said so."""
    coupon_ids = matter.granted_coupon_ids or named_coupons(matter, matter.judgement)
    if not coupon_ids:
        whole = view.snapshot.state is OrderState.REFUNDED
        return Change(Move.REFUNDED, PLATFORM) if whole else None
    by_id = {coupon.coupon_id: coupon for coupon in view.coupons}
    coupons = [by_id[coupon_id] for coupon_id in coupon_ids if coupon_id in by_id]
    refunded = [one for one in coupons if one.state is CouponState.REFUNDED]
    if len(refunded) == len(coupon_ids):
        return Change(Move.REFUNDED, PLATFORM)
    over = len(coupons) == len(coupon_ids) and all(
        one in refunded or _turned_down(one, matter) for one in coupons
    )
    if not over:
        return None
    if refunded:
        granted = tuple(one.coupon_id for one in refunded)
        return Change(Move.REFUNDED, PLATFORM, granted=granted, partial=True)
    return Change(Move.WITHDRAWN, PLATFORM, reason=RefundReason.WITHDRAWN)


def _turned_down(coupon: CouponView, matter: AfterSale) -> bool:
    """The platform itself says that this refund will not be; a mere "available" may lag behind."""
    fact = coupon.decided_by
    return (
        fact.kind is ObservationKind.COUPON_REFUND_REJECTED
        and fact.source is not Source.AFTER_SALES
        and fact.occurred_at >= matter.asked_at
    )
