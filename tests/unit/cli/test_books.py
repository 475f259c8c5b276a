"""A difference between the platform's books and ours is found, whatever it is."""

from collections import Counter
from uuid import uuid4

import pytest

from deploy.cli.simulation.books import Json, differences, is_unfinished, valid_verifications
from deploy.cli.simulation.run import ledger_differences
from deploy.cli.simulation.tally import Tally
from deploy.cli.simulation.verdict import Verdict


def a_book(state: str = "partly_redeemed", **changed: object) -> Json:
    return {
        "order_id": "1",
        "state": state,
        "pay_amount_fen": 990,
        "coupons": [
            {
                "certificate_id": "11",
                "state": "redeemed",
                "verifications": [{"cancelled_at": "…"}, {"cancelled_at": None}],
            },
            {"certificate_id": "12", "state": "available", "verifications": []},
        ],
        **changed,
    }


def our_order(state: str = "partly_redeemed", **changed: object) -> Json:
    return {
        "state": state,
        "contradicted": False,
        "pay_amount_fen": 990,
        "coupons": [{"coupon_id": "11", "state": "redeemed"}],
        **changed,
    }


def test_what_the_platform_tells_nobody_is_no_difference() -> None:
    assert list(differences(a_book(), our_order())) == []
    both = [{"coupon_id": "11", "state": "redeemed"}, {"coupon_id": "12", "state": "available"}]
    assert list(differences(a_book(), our_order(coupons=both))) == []


@pytest.mark.parametrize(
    "ours",
    [
        None,
        our_order("redeemed"),
        our_order(contradicted=True),
        our_order(pay_amount_fen=989),
        our_order(pay_amount_fen=None),
        our_order(coupons=[]),
        our_order(coupons=[{"coupon_id": "11", "state": "available"}]),
        our_order(
            coupons=[
                {"coupon_id": "11", "state": "redeemed"},
                {"coupon_id": "9", "state": "closed"},
            ]
        ),
    ],
)
def test_everything_else_is(ours: Json | None) -> None:
    (difference,) = differences(a_book(), ours)
    assert difference


@pytest.mark.parametrize("state", ["created", "closed"])
def test_of_an_order_that_was_never_paid_the_amount_does_not_matter(state: str) -> None:
    book = a_book(state, coupons=[{"certificate_id": "11", "state": "unpaid", "verifications": []}])
    assert list(differences(book, our_order(state, pay_amount_fen=None, coupons=[]))) == []


def test_orders_that_will_change_by_themselves_are_waited_for() -> None:
    refunding = [{"certificate_id": "11", "state": "refunding", "verifications": []}]
    assert is_unfinished(a_book("created"))
    assert is_unfinished(a_book("refunding", coupons=refunding))
    assert not is_unfinished(a_book())


def test_a_redemption_that_was_taken_back_does_not_count_as_spent() -> None:
    assert valid_verifications({"1": a_book()}) == {"11": 1}


def test_platform_ledger_and_tills_must_name_the_same_coupons() -> None:
    same = ({"11": 1}, Counter({"11": 1}), {"11": uuid4()})
    assert ledger_differences(*same) == []
    for missing in range(3):
        seen = [({"11": 1}, {})[number == missing] for number in range(3)]
        (difference,) = ledger_differences(seen[0], Counter(seen[1]), seen[2])
        assert "11" in difference


def test_a_coupon_that_two_tills_were_given_is_noticed_unless_it_was_taken_back() -> None:
    tally = Tally(orders_planned=1, visits_planned=1)
    first, second = uuid4(), uuid4()
    tally.note_redeemed("11", first)
    tally.note_cancelled("11", first)
    tally.note_redeemed("11", second)
    assert (tally.spent_twice, tally.held()) == (set(), {"11": second})
    tally.note_redeemed("11", first)
    assert tally.spent_twice == {"11"}


def test_a_verdict_is_good_only_if_every_claim_holds() -> None:
    verdict = Verdict(scenario="", faults="", seed=1, orders_placed=1)
    assert verdict.good
    for name in verdict.must_be_zero:
        off = Verdict(scenario="", faults="", seed=1, orders_placed=1)
        current = getattr(off, name)
        value = {int: 1, list: ["x"], dict: {"x": 1}}[type(current)]
        setattr(off, name, value)
        assert not off.good, name
        assert off.as_json()["must_be_zero"][name] == 1
