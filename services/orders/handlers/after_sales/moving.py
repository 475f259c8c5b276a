"""The one place where an after-sale changes: its row, its step, its facts and its event."""

from datetime import timedelta
from uuid import UUID

from services.orders.domain import identities
from services.orders.domain.after_sales import after
from services.orders.handlers.after_sales.releasing import see_to_locks
from services.orders.handlers.after_sales.steps import (
    ALLOWED,
    Change,
    Outrun,
    events_of,
    moved_by,
    refundable_coupons,
    tell,
)
from services.orders.handlers.applying import Said, apply_observations
from services.orders.queries import after_sales as queries
from services.orders.queries.after_sales import AfterSale
from shared.contracts.after_sales import AfterSaleState
from shared.contracts.observations import Observation, ObservationKind, Source
from shared.messaging.outbox import Transaction

_S = AfterSaleState


async def move(
    transaction: Transaction, matter: AfterSale, change: Change, *, read_back_after: timedelta
) -> AfterSale:
    """Move it, or raise Outrun. Orders are locked before after-sales, by everybody."""
    state = after(matter.state, change.move)
    if state is None:
        raise Outrun
    moved, step = moved_by(matter, change, state)
    events = list(
        await apply_observations(
            transaction.conn, _said(matter, moved, step.event_id), read_back_after=read_back_after
        )
    )
    if not await queries.move_after_sale(transaction.conn, matter, step):
        raise Outrun
    await see_to_locks(transaction.conn, moved, change.move)
    transaction.emit(events + events_of(matter, moved, step.event_id))
    tell(moved, change)
    return moved


def _said(before: AfterSale, moved: AfterSale, event_id: UUID) -> list[Said]:
    """What the step says of the coupons: they are being refunded, or are not after all."""
    refunding: tuple[str, ...] = ()
    rejected: tuple[str, ...] = ()
    if moved.state is _S.PENDING:
        refunding = refundable_coupons(moved)
    elif before.state in (_S.ASKED, _S.WAITING) and moved.outcome == ALLOWED:
        refunding = moved.granted_coupon_ids
    elif moved.state is _S.REJECTED and before.state is _S.REJECTING:
        rejected = refundable_coupons(moved)
    elif moved.state is _S.APPROVED and moved.partial:
        granted = set(moved.granted_coupon_ids)
        rejected = tuple(one for one in refundable_coupons(moved) if one not in granted)
    return [
        *(_fact(moved, one, ObservationKind.COUPON_REFUNDING, event_id) for one in refunding),
        *(_fact(moved, one, ObservationKind.COUPON_REFUND_REJECTED, event_id) for one in rejected),
    ]


def _fact(matter: AfterSale, coupon_id: str, kind: ObservationKind, event_id: UUID) -> Said:
    asked = kind is ObservationKind.COUPON_REFUNDING
    return Said(
        merchant=matter.merchant,
        platform=matter.platform,
        observation_id=identities.of_after_sale(matter.out_refund_id, kind, coupon_id),
        observation=Observation(
            kind=kind,
            source=Source.AFTER_SALES,
            order_id=matter.order_id,
            coupon_id=coupon_id,
            occurred_at=matter.asked_at if asked else matter.changed_at,
            account_id=matter.account_id,
        ),
        traceparent=matter.traceparent,
        event_id=event_id,
    )
