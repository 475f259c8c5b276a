"""What time does: refunds, expiry, settlement, unpaid orders."""

from tests.integration.simulator.support import ACCOUNT, Client, Json, Receiver
from tests.support.waiting import eventually, until


async def found(simulator: Client, order: Json) -> Json:
    answer = await simulator.data(
        "GET", "/goodlife/v1/trade/order/query/", account_id=ACCOUNT, order_id=order["order_id"]
    )
    shown: Json = answer["orders"][0]
    return shown


async def becomes(simulator: Client, order: Json, status: int) -> Json:
    async def look() -> Json | None:
        shown = await found(simulator, order)
        return shown if shown["order_status"] == status else None

    shown = await eventually(look, what=f"order status {status}")
    assert shown is not None
    return shown


async def pace(simulator: Client, **changes: float) -> None:
    await simulator.control("PUT", "pace", changes)


async def test_a_refund_is_applied_for_then_done_then_told(
    simulator: Client, receiver: Receiver
) -> None:
    order = await simulator.order(pay_amount_fen=7_000)
    certificate_id = order["coupons"][0]["certificate_id"]

    answer = await simulator.control("POST", "refunds", {"certificate_ids": [certificate_id]})

    assert answer == {"accepted": [certificate_id], "refused": []}
    assert (await found(simulator, order))["order_status"] in {300, 301}
    shown = await becomes(simulator, order, 301)
    item = shown["certificate"][0]
    assert (item["item_status"], item["refund_amount"]) == (301, 7_000)
    await until(lambda: receiver.actions() == ["pay_success", "refund_success"])
    assert receiver.received[1].content["certificate"]["certificate_id"] == certificate_id


async def test_only_what_is_unused_and_paid_is_refunded(simulator: Client) -> None:
    await pace(simulator, refund_seconds=3600)
    order = await simulator.order(count=2)
    used, unused = order["coupons"]
    await simulator.redeem(used)
    unpaid = (await simulator.order(paid=False))["coupons"][0]
    asked = [used["certificate_id"], unused["certificate_id"], unpaid["certificate_id"], "1"]

    answer = await simulator.control("POST", "refunds", {"certificate_ids": asked})
    again = await simulator.control("POST", "refunds", {"certificate_ids": asked[1:2]})

    assert answer["accepted"] == [unused["certificate_id"]]
    assert [one["state"] for one in answer["refused"]] == ["redeemed", "unpaid", None]
    assert [one["state"] for one in again["refused"]] == ["refunding"]


async def test_what_expires_is_refunded_unasked(simulator: Client, receiver: Receiver) -> None:
    order = await simulator.order(expires_in_seconds=0)

    await becomes(simulator, order, 301)

    await until(lambda: receiver.actions() == ["pay_success", "refund_success"])


async def test_an_order_is_completed_when_all_of_it_is_settled_or_refunded(
    simulator: Client,
) -> None:
    await pace(simulator, settle_seconds=0.1)
    order = await simulator.order(count=2)
    await simulator.redeem(order["coupons"][0])

    async def is_settled() -> bool:
        books = await simulator.control("GET", "books")
        return books["items"][0]["coupons"][0]["settled_at"] is not None

    await eventually(is_settled)
    assert (await found(simulator, order))["order_status"] == 201
    refund = {"certificate_ids": [order["coupons"][1]["certificate_id"]]}
    await simulator.control("POST", "refunds", refund)
    await becomes(simulator, order, 1)


async def test_an_order_that_nobody_pays_is_closed(simulator: Client, receiver: Receiver) -> None:
    await pace(simulator, unpaid_seconds=0.1)
    order = await simulator.order(paid=False)
    assert order["order_status"] in {100, 101}

    shown = await becomes(simulator, order, 101)

    assert shown["certificate"][0]["item_status"] == 101
    # Nothing was issued, so nothing is named.
    assert shown["certificate"][0]["certificate_id"] == ""
    late = await simulator.control("POST", "payments", {"order_ids": [order["order_id"]]})
    assert late == {"paid": []}
    assert receiver.received == []


async def test_an_order_paid_later_is_told_then(simulator: Client, receiver: Receiver) -> None:
    order = await simulator.order(paid=False)
    assert (await found(simulator, order))["order_status"] == 100

    paid = await simulator.control("POST", "payments", {"order_ids": [order["order_id"]]})

    assert paid == {"paid": [order["order_id"]]}
    await until(lambda: receiver.actions() == ["pay_success"])
    assert (await simulator.redeem(order["coupons"][0]))["result"] == 0
