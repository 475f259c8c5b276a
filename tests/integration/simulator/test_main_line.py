"""A customer orders, the app hears of it, the coupon is spent in a store."""

from tests.integration.simulator.support import (
    CERTIFICATE,
    OTHER_POI,
    POI,
    Client,
    Receiver,
)
from tests.support.waiting import eventually, until


async def test_an_order_is_told_and_its_coupon_spent_once(
    simulator: Client, receiver: Receiver
) -> None:
    order = await simulator.order()
    await until(lambda: receiver.actions() == ["pay_success"])
    told = receiver.received[0]
    assert told.genuine
    assert told.content["order"]["order_id"] == order["order_id"]

    prepared = await simulator.prepare(order["coupons"][0])
    assert prepared["error_code"] == 0
    assert prepared["order_id"] == order["order_id"]

    verified = await simulator.verify(prepared)
    assert [one["result"] for one in verified["verify_results"]] == [0]
    await until(lambda: receiver.actions() == ["pay_success", "verify"])

    again = await simulator.verify(prepared)
    assert again == verified

    refused = await simulator.prepare(order["coupons"][0])
    assert refused["error_code"] == 1208
    await eventually(simulator.idle)


async def test_two_preparations_spend_a_coupon_once(simulator: Client) -> None:
    order = await simulator.order()
    first = await simulator.prepare(order["coupons"][0])
    second = await simulator.prepare(order["coupons"][0], OTHER_POI)

    assert (await simulator.verify(first))["verify_results"][0]["result"] == 0
    result = (await simulator.verify(second, poi_id=OTHER_POI))["verify_results"][0]["result"]

    assert result == 1208


async def test_a_redemption_is_taken_back_and_told(simulator: Client, receiver: Receiver) -> None:
    order = await simulator.order()
    coupon = order["coupons"][0]
    verified = await simulator.redeem(coupon)

    body = {
        "verify_id": verified["verify_id"],
        "certificate_id": coupon["certificate_id"],
        "cancel_token": "once",
    }
    cancelled = await simulator.data("POST", f"{CERTIFICATE}/cancel/", body)
    assert cancelled["error_code"] == 0
    assert await simulator.data("POST", f"{CERTIFICATE}/cancel/", body) == cancelled

    await until(lambda: receiver.actions() == ["pay_success", "verify", "verify_cancel"])
    assert (await simulator.redeem(coupon))["result"] == 0


async def test_lists_show_what_was_done(simulator: Client) -> None:
    order = await simulator.order(count=2)
    await simulator.redeem(order["coupons"][0])

    account_id = order["account_id"]
    found = await simulator.data(
        "GET", "/goodlife/v1/trade/order/query/", account_id=account_id, order_id=order["order_id"]
    )
    assert [one["item_status"] for one in found["orders"][0]["certificate"]] == [401, 200]
    assert found["orders"][0]["order_status"] == 201
    records = await simulator.data(
        "GET", f"{CERTIFICATE}/verify_record/query", account_id=account_id, cursor="0", size="20"
    )
    assert [one["can_cancel"] for one in records["records"]] == [True]
    shown = await simulator.data("GET", f"{CERTIFICATE}/query/", order_id=order["order_id"])
    assert [one["status"] for one in shown["certificates"]] == [2, 1]
    books = await simulator.control("GET", "books")
    assert [one["state"] for one in books["items"][0]["coupons"]] == ["redeemed", "available"]
    assert books["items"][0]["coupons"][0]["verifications"][0]["poi_id"] == POI
