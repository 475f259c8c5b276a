"""Products whose codes the merchant issues: asked before, issued after, redeemed by order."""

from uuid import uuid4

import pytest

from tests.integration.simulator.merchant import (
    ISSUE_CODES,
    ORDER_STATUS,
    OWN_SKU,
    PRE_CREATE,
    Merchant,
    book_of,
    issues,
    quick,
)
from tests.integration.simulator.support import (
    ACCOUNT,
    CERTIFICATE,
    POI,
    Client,
    Json,
    Receiver,
)
from tests.support.waiting import eventually, until

VERIFY = f"{CERTIFICATE}/verify/"
CANCEL = f"{CERTIFICATE}/cancel/"
CREATE_CALLBACK = "/goodlife/v1/fulfilment/create/callback/"


async def buy(simulator: Client, **changes: object) -> Json:
    return await simulator.order(**({"sku": OWN_SKU} | changes))


async def becomes(simulator: Client, order: Json, *states: str) -> Json:
    async def look() -> Json | None:
        found = await book_of(simulator, order["order_id"])
        return found if [one["state"] for one in found["coupons"]] == [*states] else None

    found = await eventually(look, what=f"coupons {states}")
    assert found is not None
    return found


async def issued(simulator: Client, **changes: object) -> Json:
    """An order whose codes have been issued, with them."""
    order = await buy(simulator, **changes)
    await becomes(simulator, order, *["available"] * len(order["coupons"]))
    return order


def code(order: Json, number: int = 0) -> str:
    return f"C{order['order_id']}{number}"


async def verify(simulator: Client, order: Json, *codes: str, token: str = "") -> Json:
    body = {
        "verify_token": token or str(uuid4()),
        "poi_id": POI,
        "order_id": order["order_id"],
        "codes": [*codes],
    }
    return await simulator.data("POST", VERIFY, body)


async def test_the_merchant_is_asked_before_there_is_an_order(
    simulator: Client, merchant: Merchant
) -> None:
    order = await buy(simulator, count=2, pay_amount_fen=9_000)

    asked = merchant.asked[0]
    assert (asked.action, asked.genuine) == (PRE_CREATE, True)
    assert asked.body["order_id"] == order["order_id"]
    assert asked.body["sku"]["third_sku_id"] == "tea-for-two"
    assert (asked.body["total_coupon_count"], asked.body["pay_amount"]) == (2, 9_000)
    assert "X-Bytedance-Logid" in asked.headers
    assert (await book_of(simulator, order["order_id"]))["out_order_id"] == (
        f"ours-{order['order_id']}"
    )


@pytest.mark.parametrize("error_code", [1, 2, 3, 4, 5, 6, 7, 20])
async def test_what_the_merchant_refuses_is_no_order(
    simulator: Client, merchant: Merchant, error_code: int
) -> None:
    merchant.answers[PRE_CREATE] = lambda _: {"error_code": error_code}
    body = {"orders": [{"account_id": ACCOUNT, "sku": OWN_SKU, "reference": "one"}]}

    answer = await simulator.control("POST", "orders", body)

    assert answer["orders"] == []
    refused = answer["refused"][0]
    assert (refused["reference"], refused["error_code"]) == ("one", error_code)
    assert (await simulator.control("GET", "books"))["items"] == []
    stats = await simulator.control("GET", "stats")
    assert stats["questions"][f"spi:{PRE_CREATE}"] == {f"refused_{error_code}": 1}


async def test_who_does_not_answer_sells_all_the_same(
    simulator: Client, merchant: Merchant
) -> None:
    merchant.answers[PRE_CREATE] = lambda _: None

    await buy(simulator)

    stats = await simulator.control("GET", "stats")
    assert stats["questions"][f"spi:{PRE_CREATE}"] == {"no_answer_sold": 1}


async def test_orders_of_both_kinds_come_back_in_the_order_asked_for(
    simulator: Client, merchant: Merchant
) -> None:
    merchant.answers[PRE_CREATE] = lambda body: (
        {"error_code": 5} if body["total_coupon_count"] == 2 else {}
    )
    mine = {"account_id": ACCOUNT, "sku": OWN_SKU}
    plain = {"account_id": ACCOUNT, "sku": {"title": "茶", "price_fen": 5}}
    asked = [
        mine | {"reference": "a"},
        plain | {"reference": "b"},
        mine | {"reference": "c", "count": 2},
        mine | {"reference": "d"},
    ]

    answer = await simulator.control("POST", "orders", {"orders": asked})

    assert [one["reference"] for one in answer["orders"]] == ["a", "b", "d"]
    assert [one["reference"] for one in answer["refused"]] == ["c"]


async def test_a_reference_that_was_placed_is_not_asked_about_again(
    simulator: Client, merchant: Merchant
) -> None:
    first = await buy(simulator, reference="once")
    again = await buy(simulator, reference="once")

    assert first["order_id"] == again["order_id"]
    assert len(merchant.of(PRE_CREATE)) == 1


async def test_codes_are_issued_after_payment(
    simulator: Client, merchant: Merchant, receiver: Receiver
) -> None:
    order = await buy(simulator, count=2, paid=False)
    assert merchant.of(ISSUE_CODES) == []

    await simulator.control("POST", "payments", {"order_ids": [order["order_id"]]})

    found = await becomes(simulator, order, "available", "available")
    assert merchant.of(ISSUE_CODES)[0]["count"] == 2
    assert found["coupons"][0]["certificate_id"] == f"own-{order['order_id']}-0"
    await until(lambda: receiver.actions() == ["pay_success"])


async def test_codes_are_asked_for_again_until_they_can_be_used(
    simulator: Client, merchant: Merchant
) -> None:
    answers: list[Json | None] = [None, {"error_code": 100}, {"result": 1, "certificates": []}]
    merchant.answers[ISSUE_CODES] = lambda body: answers.pop(0) if answers else issues(body)

    await issued(simulator)

    assert len(merchant.of(ISSUE_CODES)) == 4
    stats = await simulator.control("GET", "stats")
    assert stats["questions"][f"spi:{ISSUE_CODES}"] == {"issued": 1}


async def test_codes_may_come_by_a_later_call(simulator: Client, merchant: Merchant) -> None:
    merchant.answers[ISSUE_CODES] = lambda _: {"result": 0}
    order = await buy(simulator, count=2)
    await until(lambda: len(merchant.of(ISSUE_CODES)) == 1)
    body = {"order_id": order["order_id"], "result": 1, "third_order_id": "T1"}

    short = await simulator.data("POST", CREATE_CALLBACK, body | {"codes": ["one"]})
    answer = await simulator.data("POST", CREATE_CALLBACK, body | {"codes": ["one", "two"]})
    again = await simulator.data("POST", CREATE_CALLBACK, body | {"codes": ["one", "two"]})
    other = await simulator.data("POST", CREATE_CALLBACK, body | {"codes": ["one", "three"]})

    assert short["error_code"] == other["error_code"] == 2100005
    assert [one["code"] for one in answer["certificate_info_list"]] == ["one", "two"]
    assert again == answer
    found = await becomes(simulator, order, "available", "available")
    assert found["out_order_id"] == "T1"


async def test_a_merchant_who_cannot_issue_pays_back_at_once(
    simulator: Client, merchant: Merchant
) -> None:
    merchant.answers[ISSUE_CODES] = lambda _: {"result": 2}

    order = await buy(simulator)

    found = await becomes(simulator, order, "refunded")
    refund = found["after_sales"][0]
    assert (refund["cause"], refund["decided_by"]) == ("not_issued", "platform")
    assert merchant.of("fulfilment.order.refund_apply") == []


async def test_codes_that_never_come_open_a_refund(simulator: Client, merchant: Merchant) -> None:
    await quick(simulator, issue_seconds=0)
    merchant.answers[ISSUE_CODES] = lambda _: {"result": 0}

    order = await buy(simulator)

    found = await becomes(simulator, order, "refunded")
    assert found["after_sales"][0]["decided_by"] == "merchant"
    asked = merchant.of("fulfilment.order.refund_apply")[0]
    assert asked["certificates"][0]["code"] == ""


async def test_a_code_is_redeemed_by_its_order_and_a_token_of_the_merchant(
    simulator: Client, merchant: Merchant, receiver: Receiver
) -> None:
    order = await issued(simulator, count=2)

    first = await verify(simulator, order, code(order), token="mine")
    again = await verify(simulator, order, code(order), token="mine")
    used = await verify(simulator, order, code(order), token="another")
    other = await verify(simulator, order, code(order, 1), token="mine")

    result = first["verify_results"][0]
    assert (result["result"], result["certificate_id"]) == (0, f"own-{order['order_id']}-0")
    assert result["origin_code"] == code(order)
    assert again == first
    assert used["verify_results"][0]["result"] == 1208
    assert other["error_code"] == 2100005
    await until(lambda: receiver.actions() == ["pay_success", "verify"])
    told = receiver.received[-1].content["certificate"]["certificate_id"]
    assert told == f"own-{order['order_id']}-0"


async def test_codes_and_orders_that_are_not_known_are_refused(
    simulator: Client, merchant: Merchant
) -> None:
    order = await issued(simulator)

    unknown = await verify(simulator, order, "never issued")
    nowhere = await verify(simulator, {"order_id": "1"}, code(order))

    assert unknown["verify_results"][0]["result"] == 1212
    assert nowhere["error_code"] == 3100101


async def test_a_redemption_of_a_code_is_taken_back(simulator: Client, merchant: Merchant) -> None:
    order = await issued(simulator)
    result = (await verify(simulator, order, code(order)))["verify_results"][0]
    body = {"verify_id": result["verify_id"], "certificate_id": result["certificate_id"]}

    answer = await simulator.data("POST", CANCEL, body)

    assert answer["cancel_results"][0]["result_code"] == 0
    await becomes(simulator, order, "available")


async def test_a_times_card_with_codes_is_spent_use_by_use(
    simulator: Client, merchant: Merchant
) -> None:
    order = await issued(simulator, sku=OWN_SKU | {"groupon_type": 3, "times_count": 3})
    body = {
        "verify_token": "t",
        "poi_id": POI,
        "order_id": order["order_id"],
        "code_with_time_list": [{"code": code(order), "verify_time": "1", "serial_num": 2}],
    }

    answer = await simulator.data("POST", VERIFY, body)
    more = await verify(simulator, order, *[code(order)] * 3)

    assert answer["verify_results"][0]["result"] == 0
    assert [one["result"] for one in more["verify_results"]] == [0, 0, 1241]


async def test_certificates_of_such_an_order_are_queried_by_its_id(
    simulator: Client, merchant: Merchant
) -> None:
    order = await issued(simulator)

    answer = await simulator.data("GET", f"{CERTIFICATE}/query/", order_id=order["order_id"])

    shown = answer["certificates"][0]
    assert (shown["certificate_id"], shown["status"]) == (f"own-{order['order_id']}-0", 1)
    assert shown["sku"]["third_sku_id"] == "tea-for-two"


async def test_the_merchant_is_asked_how_orders_stand(
    simulator: Client, merchant: Merchant
) -> None:
    order = await issued(simulator)

    await simulator.control("POST", "status-checks")

    await until(lambda: len(merchant.of(ORDER_STATUS)) == 1)
    asked = merchant.of(ORDER_STATUS)[0]
    assert asked == {"scene": "fulfil", "order_ids": [order["order_id"]]}
