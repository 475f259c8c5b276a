from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.simulator.domain.codes import WORDS, Code
from services.simulator.domain.coupons import (
    REFUSALS,
    TRANSITIONS,
    Coupon,
    CouponState,
    Move,
    Order,
    OrderState,
    Sku,
    Verification,
    split,
)
from services.simulator.domain.limits import TokenBucket
from services.simulator.domain.paging import Position, position, read_position
from services.simulator.domain.scenarios import Scenario
from services.simulator.domain.statuses import order_status, order_word
from shared.contracts.orders import OrderState as Word

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SCENARIOS = Path(__file__).parents[3] / "services" / "simulator" / "scenarios"


def coupon(state: CouponState = CouponState.AVAILABLE, place: int = 0) -> Coupon:
    made = Coupon(
        certificate_id=100 + place,
        order_id=1,
        place=place,
        code="102539929601",
        short_id="eHHc1ft",
        state=state,
        original_amount_fen=100,
        pay_amount_fen=80,
        starts_at=NOW,
        expires_at=NOW + 24 * HOUR,
    )
    if state is CouponState.REDEEMED:
        made.verifications = [Verification(9, made.certificate_id, 1, "a", "p", "t", NOW)]
        made.times_used = 1
    return made


def order(*coupons: Coupon, state: OrderState = OrderState.OPEN) -> Order:
    return Order(
        order_id=1,
        account_id="a",
        client_key="app",
        reference="r",
        open_id="u",
        sku=Sku("1", "套餐", 1),
        poi_ids=None,
        original_amount_fen=100,
        pay_amount_fen=80,
        state=state,
        created_at=NOW,
        paid_at=NOW,
        closes_at=None,
        updated_at=NOW,
        coupons=list(coupons),
    )


def test_what_is_not_available_has_a_reason_and_every_reason_words() -> None:
    assert {*REFUSALS} | {CouponState.AVAILABLE} == {*CouponState}
    assert {*WORDS} == {*Code}


def test_final_states_stay_final() -> None:
    moves = {state for state, _ in TRANSITIONS}

    assert {*CouponState} - moves == {CouponState.REFUNDED, CouponState.CLOSED}


@pytest.mark.parametrize(("state", "move"), sorted({*product(CouponState, Move)} - {*TRANSITIONS}))
def test_no_other_move_is_possible(state: CouponState, move: Move) -> None:
    with pytest.raises(KeyError):
        coupon(state).move(move)


def test_a_coupon_can_be_redeemed_until_it_expires() -> None:
    assert coupon().refusal(NOW) is None
    assert coupon().refusal(NOW + 24 * HOUR) is Code.NO_LONGER_VALID


def test_a_redemption_can_be_taken_back_for_an_hour() -> None:
    redeemed = coupon(CouponState.REDEEMED)

    assert redeemed.cancel_refusal(9, now=NOW + HOUR, window=HOUR) is None
    late = redeemed.cancel_refusal(9, now=NOW + HOUR + timedelta(seconds=1), window=HOUR)
    assert late is not None
    assert late.code is Code.BAD_PARAMETER


def test_a_settled_redemption_stays() -> None:
    redeemed = coupon(CouponState.REDEEMED)
    redeemed.settle(NOW)

    refusal = redeemed.cancel_refusal(9, now=NOW, window=HOUR)
    assert refusal is not None
    assert "已结算" in refusal.description


def test_a_redemption_taken_back_is_not_taken_back_again() -> None:
    redeemed = coupon(CouponState.REDEEMED)
    redeemed.verify_cancel(9)

    refusal = redeemed.cancel_refusal(9, now=NOW, window=HOUR)
    assert refusal is not None
    assert refusal.code is Code.ALREADY_CANCELLED


_A, _R, _G, _D = (
    CouponState.AVAILABLE,
    CouponState.REDEEMED,
    CouponState.REFUNDING,
    CouponState.REFUNDED,
)


@pytest.mark.parametrize(
    ("states", "status", "word"),
    [
        ((_A, _A), 200, Word.PAID),
        ((_A, _R), 201, Word.PARTLY_REDEEMED),
        ((_R, _R), 201, Word.REDEEMED),
        ((_A, _G), 300, Word.REFUNDING),
        ((_R, _G), 300, Word.REFUNDING),
        ((_A, _D), 200, Word.PARTLY_REFUNDED),
        ((_R, _D), 201, Word.PARTLY_REFUNDED),
        ((_D, _D), 301, Word.REFUNDED),
    ],
)
def test_an_order_shows_what_its_coupons_are(
    states: tuple[CouponState, ...], status: int, word: Word
) -> None:
    shown = order(*(coupon(state, place) for place, state in enumerate(states)))

    assert (order_status(shown), order_word(shown)) == (status, word)


@pytest.mark.parametrize(
    ("state", "status", "word"),
    [
        (OrderState.UNPAID, 100, Word.CREATED),
        (OrderState.CLOSED, 101, Word.CLOSED),
        (OrderState.COMPLETED, 1, Word.SETTLED),
    ],
)
def test_an_order_that_is_not_open_says_so(state: OrderState, status: int, word: Word) -> None:
    shown = order(coupon(CouponState.REDEEMED), state=state)

    assert (order_status(shown), order_word(shown)) == (status, word)


def test_an_order_is_completed_when_its_last_coupon_is_settled_or_refunded() -> None:
    used, refunded = coupon(CouponState.REDEEMED), coupon(CouponState.REFUNDED, 1)
    shown = order(used, refunded)
    reached = []
    shown.complete_if_final()
    reached.append(shown.state)
    used.settle(NOW)
    shown.complete_if_final()
    reached.append(shown.state)

    assert reached == [OrderState.OPEN, OrderState.COMPLETED]


def test_an_order_refunded_as_a_whole_is_not_completed() -> None:
    shown = order(coupon(CouponState.REFUNDED))
    shown.complete_if_final()

    assert shown.state is OrderState.OPEN


@given(st.integers(0, 10**9), st.integers(1, 20))
def test_no_fen_is_lost_between_the_coupons(amount_fen: int, count: int) -> None:
    shares = split(amount_fen, count)

    assert sum(shares) == amount_fen
    assert max(shares) - min(shares) <= 1


def test_a_bucket_lets_a_second_worth_through_and_fills_again() -> None:
    bucket = TokenBucket(10)

    assert sum(bucket.take(100.0) for _ in range(20)) == 10
    assert sum(bucket.take(100.5) for _ in range(20)) == 5
    assert sum(bucket.take(200.0) for _ in range(20)) == 10


@given(
    st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1)),  # noqa: DTZ001
    st.integers(0, 2**63 - 1),
)
def test_a_place_in_a_list_is_found_again(naive: datetime, entity_id: int) -> None:
    moment = naive.replace(tzinfo=UTC)
    place = position(moment, entity_id)

    assert place.time == moment
    assert read_position(list(place.as_strings())) == place


@pytest.mark.parametrize(
    "parts", [[], ["1"], ["a", "1"], ["1", "2", "3"], ["-1", "2"], ["9" * 17, "1"]]
)
def test_what_is_no_place_is_turned_away(parts: list[str]) -> None:
    assert read_position(parts) is None


def test_places_sort_as_postgres_does() -> None:
    assert Position(1, 2).time < Position(2, 1).time


@pytest.mark.parametrize("file", sorted(SCENARIOS.glob("*.json")), ids=lambda file: file.stem)
def test_every_scenario_can_be_played(file: Path) -> None:
    scenario = Scenario.model_validate_json(file.read_bytes())

    assert scenario.name == file.stem
