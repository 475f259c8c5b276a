"""From what was known to what is known: versions, and the events that say so."""

from services.orders.domain.changes import steps
from services.orders.domain.facts import Fact
from services.orders.domain.orders import Snapshot, fold
from shared.contracts.observations import ObservationKind, Source
from shared.contracts.orders import OrderState
from tests.unit.orders.histories import a_fact

_K = ObservationKind
PAID = a_fact(_K.ORDER_PAID)
REDEEMED = a_fact(_K.COUPON_REDEEMED, "c1", seconds=10)
REFUNDED = a_fact(_K.COUPON_REFUNDED, "c1", seconds=20)
CANCELLED = a_fact(_K.COUPON_REDEMPTION_CANCELLED, "c1", seconds=15)
COUNTED = a_fact(_K.ORDER_PAID, seconds=1, source=Source.QUERY, coupon_count=1)


def snapshot(*facts: Fact) -> Snapshot:
    return fold(facts).snapshot


def types(before: Snapshot | None, after: Snapshot) -> list[str]:
    return [step.event_type for step in steps(before, after)]


def test_what_arrives_together_is_said_step_by_step() -> None:
    assert types(None, snapshot(PAID, REDEEMED, COUNTED)) == [
        "order.created",
        "order.paid",
        "order.redeemed",
    ]
    assert types(None, snapshot(PAID)) == ["order.created", "order.paid"]
    assert types(None, snapshot(a_fact(_K.ORDER_CREATED))) == ["order.created"]
    assert types(None, snapshot(a_fact(_K.ORDER_CLOSED))) == ["order.created", "order.closed"]


def test_steps_on_the_way_show_what_the_order_was_then() -> None:
    created, paid, redeemed = steps(None, snapshot(PAID, REDEEMED))
    assert (created.snapshot.state, created.snapshot.coupons) == (OrderState.CREATED, ())
    assert created.snapshot.paid_at is None
    assert (paid.previous_state, paid.snapshot.coupons) == (OrderState.CREATED, ())
    assert redeemed.snapshot == snapshot(PAID, REDEEMED)


def test_nothing_new_is_no_version() -> None:
    known = snapshot(PAID, REDEEMED)
    assert steps(known, snapshot(PAID, REDEEMED, PAID)) == ()


def test_a_change_without_a_new_state_is_an_update() -> None:
    known = snapshot(PAID, REDEEMED)
    another = a_fact(_K.COUPON_REDEEMED, "c2", seconds=11)
    assert types(known, snapshot(PAID, REDEEMED, another)) == ["order.updated"]


def test_a_contradiction_is_said_once_after_the_state_it_came_with() -> None:
    known, contradicted = snapshot(PAID, REDEEMED), snapshot(PAID, REDEEMED, REFUNDED)
    state, raised = steps(known, contradicted)
    assert (state.event_type, state.snapshot.contradicted) == ("order.partly_refunded", False)
    assert (raised.event_type, raised.snapshot) == ("order.contradicted", contradicted)
    assert types(contradicted, snapshot(PAID, REDEEMED, REFUNDED, COUNTED)) == ["order.refunded"]


def test_a_resolved_contradiction_is_an_update() -> None:
    known = snapshot(PAID, REDEEMED, REFUNDED)
    assert types(known, snapshot(PAID, REDEEMED, REFUNDED, CANCELLED)) == ["order.updated"]
