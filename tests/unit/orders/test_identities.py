"""What makes two observations the same."""

from datetime import datetime, timedelta
from uuid import uuid4

from services.orders.domain import identities
from shared.contracts.observations import Observation, ObservationKind, Source
from tests.unit.orders.histories import at


def a_reading(
    *,
    read_at: datetime,
    since: datetime | None,
    kind: ObservationKind = ObservationKind.COUPON_AVAILABLE,
) -> Observation:
    return Observation(
        kind=kind,
        source=Source.QUERY,
        order_id="o1",
        coupon_id="c1",
        occurred_at=read_at,
        since=since,
    )


def test_what_has_not_changed_since_is_the_same_reading() -> None:
    first = a_reading(read_at=at(60), since=at(5))
    again = a_reading(read_at=at(600), since=at(5))
    assert identities.of_reading(first) == identities.of_reading(again)
    assert identities.settled(first) == identities.settled(again)


def test_what_changed_since_is_another_reading() -> None:
    before, after = a_reading(read_at=at(60), since=at(5)), a_reading(read_at=at(60), since=at(6))
    redeemed = a_reading(read_at=at(60), since=at(5), kind=ObservationKind.COUPON_REDEEMED)
    assert len({identities.of_reading(one) for one in (before, after, redeemed)}) == 3


def test_a_reading_counts_from_its_change_and_no_later_than_it_was_taken() -> None:
    counted = [
        identities.settled(a_reading(read_at=at(read), since=at(5))).occurred_at
        for read in (4, 7, 60)
    ]
    assert counted == [at(5), at(7), at(5) + identities.READING_SETTLES]
    unknown = a_reading(read_at=at(60), since=None)
    assert identities.settled(unknown).occurred_at == at(60)


def test_an_event_told_twice_tells_one_thing_and_each_of_its_coupons_another() -> None:
    event_id = uuid4()
    reading = a_reading(read_at=at(0), since=None)
    other = reading.model_copy(update={"coupon_id": "c2"})
    late = reading.model_copy(update={"occurred_at": at(0) + timedelta(hours=1)})
    assert identities.of_event(event_id, reading) == identities.of_event(event_id, late)
    assert identities.of_event(event_id, reading) != identities.of_event(event_id, other)
    assert identities.of_event(uuid4(), reading) != identities.of_event(event_id, reading)
    assert identities.of_redemption(event_id, "c1") != identities.of_cancellation(event_id, "c1")
