"""Refunds that the merchant is asked about: allowed, refused, left open, and at bad moments."""

from typing import Any

import pytest

from tests.integration.simulator.merchant import (
    OWN_SKU,
    REFUND_APPLY,
    REFUND_NOTICE,
    Merchant,
    book_of,
    quick,
)
from tests.integration.simulator.support import Client, Json, Receiver
from tests.integration.simulator.test_third_party import becomes, buy, code, issued, verify
from tests.support.waiting import eventually, until

AUDIT = "/goodlife/v1/fulfilment/refund/audit/"


async def refund(simulator: Client, order: Json, *places: int) -> Json:
    found = await book_of(simulator, order["order_id"])
    ids = [found["coupons"][place]["certificate_id"] for place in places or (0,)]
    return await simulator.control(
        "POST", "refunds", {"certificate_ids": ids, "reason": "不想要了"}
    )


async def state_of(simulator: Client, order: Json) -> Json:
    """Of its only refund."""
    found: Json = (await book_of(simulator, order["order_id"]))["after_sales"][0]
    return found


async def left_open(simulator: Client, merchant: Merchant, **changes: Any) -> tuple[Json, str]:
    """An order whose refund the merchant wants to think about. Any: whatever an order takes."""
    merchant.answers[REFUND_APPLY] = lambda _: {"result": 0}
    order = await issued(simulator, **changes)
    await refund(simulator, order)

    async def pending() -> bool:
        return bool((await state_of(simulator, order))["state"] == "auditing")

    await eventually(pending)
    return order, merchant.of(REFUND_APPLY)[0]["after_sale_id"]


async def test_a_refund_that_is_allowed_is_paid_and_told(
    simulator: Client, merchant: Merchant, receiver: Receiver
) -> None:
    order = await issued(simulator, count=2)

    await refund(simulator, order, 0, 1)

    found = await becomes(simulator, order, "refunded", "refunded")
    asked = merchant.of(REFUND_APPLY)
    assert len(asked) == 1
    assert [one["code"] for one in asked[0]["certificates"]] == [code(order, 0), code(order, 1)]
    assert asked[0]["refund_amount"] == found["refunded_fen"] == found["paid_fen"]
    await until(lambda: len(merchant.of(REFUND_NOTICE)) == 1)
    notice = merchant.of(REFUND_NOTICE)[0]
    assert notice["after_sale_id"] == asked[0]["after_sale_id"]
    assert [one["total_count"] for one in notice["notice_list"]] == [1, 1]
    await until(lambda: receiver.actions().count("refund_success") == 2)
    stats = await simulator.control("GET", "stats")
    assert stats["after_sales"] == {"refunded": {"merchant": 1}}
    assert stats["money_fen"] == {"paid": 17_600, "refunded": 17_600, "settled": 0}


async def test_a_refund_that_is_refused_leaves_the_coupon_as_it_was(
    simulator: Client, merchant: Merchant
) -> None:
    merchant.answers[REFUND_APPLY] = lambda _: {"result": 2, "reason": "已使用"}
    order = await issued(simulator)

    await refund(simulator, order)

    await until(lambda: len(merchant.of(REFUND_APPLY)) == 1)
    await becomes(simulator, order, "available")
    assert (await state_of(simulator, order))["state"] == "rejected"
    assert (await verify(simulator, order, code(order)))["verify_results"][0]["result"] == 0


async def test_an_error_is_asked_again(simulator: Client, merchant: Merchant) -> None:
    await quick(simulator, retry_scale=0.00001)
    answers: list[Json | None] = [None, {"error_code": 100}, {"result": []}, {"result": 1}]
    merchant.answers[REFUND_APPLY] = lambda _: answers.pop(0)
    order = await issued(simulator)

    await refund(simulator, order)

    await becomes(simulator, order, "refunded")
    assert len(merchant.of(REFUND_APPLY)) == 4


@pytest.mark.parametrize(("result", "state"), [(1, "refunded"), (2, "available")])
async def test_what_was_left_open_is_decided_by_a_call(
    simulator: Client, merchant: Merchant, result: int, state: str
) -> None:
    order, after_sale_id = await left_open(simulator, merchant)
    body = {"after_sale_id": after_sale_id, "result": result}

    answer = await simulator.data("POST", AUDIT, body)
    again = await simulator.data("POST", AUDIT, body)
    other = await simulator.data("POST", AUDIT, body | {"result": 3 - result})

    assert (answer["error_code"], again["error_code"], other["error_code"]) == (0, 0, 2100005)
    await becomes(simulator, order, state)


async def test_of_several_coupons_some_may_be_refused_and_the_others_allowed(
    simulator: Client, merchant: Merchant
) -> None:
    merchant.answers[REFUND_APPLY] = lambda _: {"result": 0}
    order = await issued(simulator, count=2)
    await refund(simulator, order, 0, 1)
    await until(lambda: len(merchant.of(REFUND_APPLY)) == 1)
    after_sale_id = merchant.of(REFUND_APPLY)[0]["after_sale_id"]
    found = await book_of(simulator, order["order_id"])
    parts = [
        {"certificate": [{"certificate_id": coupon["certificate_id"]}], "result": result}
        for coupon, result in zip(found["coupons"], (2, 1), strict=True)
    ]

    for body in (*parts, *parts):
        answer = await simulator.data("POST", AUDIT, body | {"after_sale_id": after_sale_id})
        assert answer["error_code"] == 0
    found = await becomes(simulator, order, "available", "refunded")

    [after_sale] = found["after_sales"]
    assert (after_sale["state"], after_sale["amount_fen"]) == ("refunded", 8800)
    other = parts[0] | {"after_sale_id": after_sale_id, "result": 1}
    assert (await simulator.data("POST", AUDIT, other))["error_code"] == 2100005


async def test_while_it_is_open_a_redemption_is_told_to_come_again(
    simulator: Client, merchant: Merchant
) -> None:
    order, after_sale_id = await left_open(simulator, merchant)

    early = await verify(simulator, order, code(order))
    await simulator.data("POST", AUDIT, {"after_sale_id": after_sale_id, "result": 2})
    later = await verify(simulator, order, code(order))

    assert early["verify_results"][0]["result"] == 2100004
    assert later["verify_results"][0]["result"] == 0


async def test_what_nobody_decides_passes_by_itself(simulator: Client, merchant: Merchant) -> None:
    await quick(simulator, audit_seconds=0.2)
    order, _ = await left_open(simulator, merchant)

    await becomes(simulator, order, "refunded")

    assert (await state_of(simulator, order))["decided_by"] == "time"


async def test_what_was_redeemed_is_not_refunded(simulator: Client, merchant: Merchant) -> None:
    order = await issued(simulator)
    await verify(simulator, order, code(order))

    answer = await refund(simulator, order)

    assert answer["refused"][0]["state"] == "redeemed"
    assert merchant.of(REFUND_APPLY) == []


async def test_what_was_refunded_is_not_redeemed(simulator: Client, merchant: Merchant) -> None:
    order = await issued(simulator)
    await refund(simulator, order)
    await becomes(simulator, order, "refunded")

    answer = await verify(simulator, order, code(order))

    assert answer["verify_results"][0]["result"] == 1250


async def test_a_refund_of_what_was_never_issued_is_refused_with_the_code(
    simulator: Client, merchant: Merchant
) -> None:
    merchant.answers["fulfilment.order.tripartite_code"] = lambda _: {"result": 0}
    merchant.answers[REFUND_APPLY] = lambda _: {"result": 0}
    await quick(simulator, issue_seconds=0)
    order = await buy(simulator)
    await until(lambda: len(merchant.of(REFUND_APPLY)) == 1)
    asked = merchant.of(REFUND_APPLY)[0]
    body = {"after_sale_id": asked["after_sale_id"], "result": 2}
    certificate_id = asked["certificates"][0]["certificate_id"]

    bare = await simulator.data("POST", AUDIT, body)
    given = body | {"certificate": [{"certificate_id": certificate_id, "code": "late"}]}
    answer = await simulator.data("POST", AUDIT, given)

    assert (bare["error_code"], answer["error_code"]) == (2100005, 0)
    await becomes(simulator, order, "available")
    assert (await verify(simulator, order, "late"))["verify_results"][0]["result"] == 0


async def test_what_expired_is_applied_for_once(simulator: Client, merchant: Merchant) -> None:
    merchant.answers[REFUND_APPLY] = lambda _: {"result": 2}
    order = await issued(simulator, expires_in_seconds=1.0)

    await until(lambda: len(merchant.of(REFUND_APPLY)) == 1)
    await becomes(simulator, order, "available")

    refund_of = await state_of(simulator, order)
    assert (refund_of["cause"], refund_of["state"]) == ("expiry", "rejected")
    await refund(simulator, order)
    await until(lambda: len(merchant.of(REFUND_APPLY)) == 2)


async def test_the_rest_of_a_times_card_is_asked_for(simulator: Client, merchant: Merchant) -> None:
    sku = OWN_SKU | {"groupon_type": 3, "times_count": 4, "price_fen": 10_000}
    order = await issued(simulator, sku=sku)
    await verify(simulator, order, code(order))

    await refund(simulator, order)

    found = await becomes(simulator, order, "refunded")
    assert merchant.of(REFUND_APPLY)[0]["refund_amount"] == 7_500
    assert (found["refunded_fen"], found["settled_fen"]) == (7_500, 2_500)
    assert merchant.asked[-1].genuine


async def test_a_question_without_an_answer_stays_in_the_queue(
    simulator: Client, merchant: Merchant
) -> None:
    await quick(simulator, retry_scale=1)
    merchant.answers[REFUND_APPLY] = lambda _: None
    order = await issued(simulator)

    await refund(simulator, order)

    await until(lambda: len(merchant.of(REFUND_APPLY)) == 1)
    lines = await simulator.control("GET", "questions", action=REFUND_APPLY, state="queued")
    assert [one["order_id"] for one in lines["items"]] == [order["order_id"]]
    assert (await simulator.control("GET", "idle"))["idle"] is False


async def test_a_buyer_who_changes_his_mind_at_the_till_comes_first(
    simulator: Client, merchant: Merchant
) -> None:
    merchant.answers[REFUND_APPLY] = lambda _: {"result": 2}
    theirs, ours = await simulator.order(), await issued(simulator)
    await simulator.control("PUT", "faults", {"refunds": {"at_verify": 1000}})

    refused = await simulator.redeem(theirs["coupons"][0])
    early = await verify(simulator, ours, code(ours))

    assert refused["result"] == 1250
    assert early["verify_results"][0]["result"] == 2100004
    await becomes(simulator, theirs, "refunded")
    await becomes(simulator, ours, "available")
    # Refused by the merchant: he does not ask again.
    assert (await verify(simulator, ours, code(ours)))["verify_results"][0]["result"] == 0


async def test_a_second_answer_that_says_something_else_is_counted(
    simulator: Client, merchant: Merchant
) -> None:
    await simulator.control("PUT", "faults", {"questions": {"doubled": 1000}})
    answers: list[Json] = [{"result": 1}, {"result": 0}]
    order = await issued(simulator)
    merchant.answers[REFUND_APPLY] = lambda _: answers.pop(0)

    await refund(simulator, order)

    await becomes(simulator, order, "refunded")
    await until(lambda: not answers)
    calls = (await simulator.control("GET", "stats"))["calls"]
    assert calls["second_answer:fulfilment.order.tripartite_code"] == {"0": 1}
    assert calls["second_answer:fulfilment.order.refund_apply"] == {"1": 1}
