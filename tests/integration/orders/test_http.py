"""What people and programs ask of orders, and what they are not told."""

from typing import Any

import pytest

from shared.errors import Rejection
from tests.integration.orders.support import (
    MERCHANT,
    OrdersUnderTest,
    a_delivery,
    an_order_id,
    at,
    cancelled,
    certificate,
    paid,
    redeemed,
)
from tests.support.access import Access
from tests.support.waiting import eventually


async def token_for(access: Access, merchant: str) -> str:
    """A partner's program that may read the orders of one merchant."""
    await access.add_merchant(merchant)
    body = {"merchant": merchant, "name": "partner", "actions": ["orders:read"]}
    client = await access.as_operator("POST", "/v1/clients", body=body)
    answer = await access.call(
        "POST",
        "/v1/token",
        body={
            "grant_type": "client_credentials",
            "client_id": client["client_id"],
            "client_secret": client["client_secret"],
        },
    )
    return str(answer["access_token"])


async def refusal(orders: OrdersUnderTest, path: str, **options: Any) -> tuple[int, str]:
    with pytest.raises(Rejection) as caught:
        await orders.get(path, **options)
    return caught.value.status, caught.value.reason


async def all_pages(orders: OrdersUnderTest, **query: str) -> list[str]:
    """The order ids of every page, asked for two at a time."""
    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = await orders.get("/v1/orders", limit="2", **query, **cursor)
        assert len(page["items"]) <= 2
        found += [item["order_id"] for item in page["items"]]
        if page["next_cursor"] is None:
            return found
        cursor = {"cursor": page["next_cursor"]}


async def test_a_list_is_filtered_and_read_page_by_page(orders: OrdersUnderTest) -> None:
    ids = [an_order_id() for _ in range(5)]
    await orders.say(*(paid(one, seconds=10 * number) for number, one in enumerate(ids)))
    await orders.say(certificate("verify", ids[1], "c-listed", seconds=60))
    for one in ids:
        await orders.order_in(one, "partly_redeemed" if one == ids[1] else "paid")
    newest_first = ids[::-1]
    assert await all_pages(orders) == newest_first
    assert await all_pages(orders, merchant=MERCHANT) == newest_first
    assert await all_pages(orders, merchant="heytea") == []
    paid_only = [one for one in newest_first if one != ids[1]]
    assert await all_pages(orders, state="paid") == paid_only
    assert await all_pages(orders, merchant=MERCHANT, state="paid") == paid_only
    assert await all_pages(orders, coupon_id="c-listed") == [ids[1]]
    assert await all_pages(orders, account="nobody") == []
    window = {"from": at(-30 + 10).isoformat(), "to": at(-30 + 30).isoformat()}
    assert await all_pages(orders, **window) == [ids[2], ids[1]]
    assert await all_pages(orders, merchant=MERCHANT, **window) == [ids[2], ids[1]]


@pytest.mark.parametrize(
    "query",
    [
        {"state": "eaten"},
        {"contradicted": "perhaps"},
        {"from": "yesterday"},
        {"limit": "0"},
        {"cursor": "x"},
    ],
    ids=str,
)
async def test_what_cannot_be_read_is_refused(
    orders: OrdersUnderTest, query: dict[str, str]
) -> None:
    assert await refusal(orders, "/v1/orders", **query) == (422, "unreadable")


async def test_another_merchants_order_is_not_there(
    orders: OrdersUnderTest, access: Access
) -> None:
    order_id = an_order_id()
    await orders.say(paid(order_id), certificate("verify", order_id, "c-mine", seconds=5))
    await orders.order_in(order_id, "partly_redeemed")
    token = await token_for(access, "heytea")
    for path in (
        f"/v1/orders/{order_id}",
        f"/v1/orders/{order_id}/explain",
        "/v1/coupons/c-mine",
    ):
        assert await refusal(orders, path, token=token) == (404, "not_found")
        assert await refusal(orders, path, token=token, merchant=MERCHANT) == (
            403,
            "wrong_merchant",
        )
    assert (await orders.get("/v1/orders", token=token))["items"] == []
    assert await refusal(orders, f"/v1/orders/{order_id}", token="none") == (401, "token_invalid")


async def test_an_id_that_two_merchants_were_told_of_needs_the_merchant(
    orders: OrdersUnderTest,
) -> None:
    order_id = an_order_id()
    await orders.say(paid(order_id), paid(order_id, merchant="heytea"))

    async def ambiguous() -> bool:
        try:
            await orders.get(f"/v1/orders/{order_id}")
        except Rejection as rejection:
            return rejection.reason == "ambiguous_order"
        return False

    await eventually(ambiguous)
    order = await orders.get(f"/v1/orders/{order_id}", merchant="heytea")
    assert order["merchant"] == "heytea"


async def test_a_coupon_names_its_order(orders: OrdersUnderTest) -> None:
    order_id = an_order_id()
    await orders.say(paid(order_id), redeemed(order_id, "c-known", seconds=30))
    await orders.order_in(order_id, "partly_redeemed")
    coupon = await orders.get("/v1/coupons/c-known")
    assert (coupon["state"], coupon["order"]["order_id"]) == ("redeemed", order_id)
    assert coupon["order"]["title"] == "杨枝甘露"
    assert await refusal(orders, "/v1/coupons/nobody") == (404, "not_found")


async def test_an_order_explains_itself(orders: OrdersUnderTest) -> None:
    """Refund and use arrive before the payment; then the use turns out to be taken back."""
    order_id = an_order_id()
    refund = certificate("refund_success", order_id, "c1", seconds=90)
    await orders.say(refund)
    await orders.order_in(order_id, "partly_refunded")
    await orders.say(redeemed(order_id, "c1", seconds=60))
    contradicted = await orders.explained(order_id, observations=2)
    assert contradicted["contradicted"]
    assert await all_pages(orders, contradicted="true") == [order_id]
    assert await all_pages(orders, contradicted="true", merchant="heytea") == []
    assert "redeemed and refunded" in contradicted["because"]["contradictions"][0]["en"]
    await orders.say(cancelled(order_id, "c1", seconds=70), paid(order_id))
    answer = await orders.explained(order_id, observations=4)
    assert not answer["contradicted"]
    assert await all_pages(orders, contradicted="true") == []
    assert {one["source"] for one in answer["observations"]} == {"webhook", "redemption"}
    first = answer["observations"][0]
    assert first["event_id"] == str(refund.id)
    assert first["delivery_id"] == refund.data["delivery_id"]
    assert first["changed"] == {
        "order": [None, "partly_refunded"],
        "coupon": [None, "refunded"],
        "contradicted": False,
    }
    [coupon] = answer["because"]["coupons"]
    assert (coupon["decided_by"], coupon["why"]) == (first["observation_id"], "latest")
    assert {"zh", "en"} <= coupon.keys()
    versions = [one["version"] for one in answer["versions"]]
    assert versions == list(range(1, answer["version"] + 1))
    said = await eventually(lambda: orders.heard_all(order_id, count=answer["version"]))
    assert [str(one.id) for one in said] == [one["event_id"] for one in answer["versions"]]


async def test_a_delivery_that_cannot_be_read_becomes_a_dead_letter_alone(
    orders: OrdersUnderTest,
) -> None:
    broken = a_delivery("life_trade_order_notify", {"action": "pay_success", "order": {}})
    order_ids = [an_order_id() for _ in range(3)]
    await orders.say(paid(order_ids[0]), broken, paid(order_ids[1]), paid(order_ids[2]))
    for order_id in order_ids:
        await orders.order_in(order_id, "paid")

    async def buried() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await orders.get("/v1/dead-letters"))["items"]
        return found

    [letter] = await eventually(buried)
    assert (letter["event_id"], letter["attempts"]) == (str(broken.id), 1)
    assert (letter["cause"], letter["state"]) == ("Unreadable", "dead")


async def test_events_of_one_trace_carry_it_on(orders: OrdersUnderTest) -> None:
    order_id = an_order_id()
    payment = paid(order_id)
    await orders.say(payment)
    await orders.order_in(order_id, "paid")
    said = await eventually(lambda: orders.heard_all(order_id, count=2))
    assert {one.traceparent for one in said} == {payment.traceparent}
