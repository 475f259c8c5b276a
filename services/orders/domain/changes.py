"""From what was known of an order to what is known now: one step per version."""

from collections.abc import Iterator
from typing import NamedTuple

from services.orders.domain.orders import Snapshot
from shared.contracts.orders import OrderState

UPDATED = "order.updated"
CONTRADICTED = "order.contradicted"


class Step(NamedTuple):
    """One version of an order, and the event that says so."""

    event_type: str
    previous_state: OrderState | None
    snapshot: Snapshot


def steps(before: Snapshot | None, after: Snapshot) -> tuple[Step, ...]:
    """The versions between; none if nothing that others see has changed.

    Whatever arrived together, an order says `order.created` once, and `order.paid` once if it was
    ever paid: who counts payments need not hear of refunds. Then it says the state it reached.
    """
    path = (*_milestones(before, after), after)
    taken: list[Step] = []
    for snapshot in path:
        taken.extend(_step(before, snapshot))
        before = snapshot
    return tuple(taken)


def _milestones(before: Snapshot | None, after: Snapshot) -> Iterator[Snapshot]:
    """What the order was on its way, as if each fact had arrived in its turn."""
    early = after._replace(contradicted=False, coupons=(), refunded_amount_fen=0)
    if before is None and after.state is not OrderState.CREATED:
        yield early._replace(state=OrderState.CREATED, paid=False, paid_at=None)
    newly_paid = after.paid and (before is None or not before.paid)
    if newly_paid and after.state is not OrderState.PAID:
        yield early._replace(state=OrderState.PAID)


def _step(before: Snapshot | None, after: Snapshot) -> Iterator[Step]:
    """One version for what moved, and one more where that raises a contradiction."""
    was_contradicted = before is not None and before.contradicted
    moved = after._replace(contradicted=was_contradicted and after.contradicted)
    if before is None:
        yield Step(_type_of(after), None, moved)
    elif before.state is not after.state:
        yield Step(_type_of(after), before.state, moved)
    elif before != moved:
        yield Step(UPDATED, before.state, moved)
    if after.contradicted and not was_contradicted:
        yield Step(CONTRADICTED, after.state, after)


def _type_of(snapshot: Snapshot) -> str:
    return f"order.{snapshot.state}"
