"""When a rehearsal has nothing more to show."""

from uuid import uuid4

from deploy.cli.simulation.tally import Tally


def test_only_refusals_in_a_row_for_one_reason_count_as_always_refused() -> None:
    tally = Tally(orders_planned=10, visits_planned=10)
    for _ in range(3):
        tally.note_refused("store_closed")
    assert tally.always_refused_because(times=3) == "store_closed"
    tally.note_refused("expired")
    assert tally.always_refused_because(times=2) is None
    tally.note_refused("expired")
    assert tally.always_refused_because(times=2) == "expired"
    tally.note_redeemed("c-1", uuid4())
    assert tally.always_refused_because(times=1) is None
