"""The platform's rules of prepare, verify, batch_verify and cancel, one by one."""

import asyncio
from collections import Counter
from uuid import uuid4

from tests.conftest import NewDatabase
from tests.integration.simulator.support import (
    ACCOUNT,
    CERTIFICATE,
    OTHER_POI,
    POI,
    SKU,
    Client,
    Json,
    settings,
    simulating,
)
from tests.support.waiting import eventually

PREPARE = f"{CERTIFICATE}/prepare/"
VERIFY = f"{CERTIFICATE}/verify/"
CANCEL = f"{CERTIFICATE}/cancel/"


async def state_of(simulator: Client, order: Json) -> list[str]:
    books = await simulator.control("GET", "books", limit="1000")
    found = next(one for one in books["items"] if one["order_id"] == order["order_id"])
    return [coupon["state"] for coupon in found["coupons"]]


def verify_body(prepared: Json, **changes: object) -> Json:
    codes = [one["encrypted_code"] for one in prepared["certificates"]]
    body = {"verify_token": prepared["verify_token"], "poi_id": POI, "encrypted_codes": codes}
    return body | changes


async def test_a_typed_code_is_prepared_like_a_scanned_one(simulator: Client) -> None:
    order = await simulator.order()
    coupon = order["coupons"][0]

    typed = await simulator.data("GET", PREPARE, code=coupon["code"], poi_id=POI)
    scanned = await simulator.prepare(coupon)

    assert typed["order_id"] == scanned["order_id"] == order["order_id"]
    assert typed["verify_token"] != scanned["verify_token"]
    certificate = typed["certificates"][0]
    assert certificate["certificate_id"] == coupon["certificate_id"]
    assert "code" not in certificate
    assert isinstance(certificate["expire_time"], int)
    assert typed["certificates_v2"] == typed["certificates"]


async def test_prepare_offers_the_unused_coupons_of_the_order(simulator: Client) -> None:
    order = await simulator.order(count=3)
    await simulator.redeem(order["coupons"][0])

    prepared = await simulator.prepare(order["coupons"][1])

    assert [one["certificate_id"] for one in prepared["certificates"]] == [
        coupon["certificate_id"] for coupon in order["coupons"][1:]
    ]


async def test_prepare_says_what_is_wrong(simulator: Client) -> None:
    order = await simulator.order()
    coupon = order["coupons"][0]
    scan = await simulator.scan(coupon)

    async def code(**query: str) -> int:
        return int((await simulator.data("GET", PREPARE, **query))["error_code"])

    assert await code(code="100000000001", poi_id=POI) == 1212
    assert await code(encrypted_data="CgwIARDhJx", poi_id=POI) == 1221
    assert await code(encrypted_data=scan[:-6] + "AAAA==", poi_id=POI) == 1221
    assert await code(poi_id=POI) == 1502
    assert await code(encrypted_data=scan) == 2100005
    assert await code(encrypted_data=scan, poi_id="1") == 3000002


async def test_a_product_sold_for_one_store_is_spent_there_only(simulator: Client) -> None:
    order = await simulator.order(poi_ids=[OTHER_POI])
    coupon = order["coupons"][0]

    assert (await simulator.prepare(coupon, POI))["error_code"] == 3000002
    prepared = await simulator.prepare(coupon, OTHER_POI)
    elsewhere = await simulator.data("POST", VERIFY, verify_body(prepared))
    assert elsewhere["error_code"] == 3000002
    # The token was not spent by that.
    verified = await simulator.verify(prepared, poi_id=OTHER_POI)
    assert verified["verify_results"][0]["result"] == 0


async def test_unpaid_refunded_and_expired_coupons_are_refused(simulator: Client) -> None:
    await simulator.control("PUT", "pace", {"refund_seconds": 3600})
    unpaid = await simulator.order(paid=False)
    refunding = await simulator.order()
    await simulator.control(
        "POST", "refunds", {"certificate_ids": [refunding["coupons"][0]["certificate_id"]]}
    )
    expired = await simulator.order(expires_in_seconds=0)

    codes = [
        (await simulator.prepare(order["coupons"][0]))["error_code"]
        for order in (unpaid, refunding, expired)
    ]

    assert codes == [2119007, 1250, 1250]


async def test_a_refund_between_prepare_and_verify_wins(simulator: Client) -> None:
    order = await simulator.order()
    coupon = order["coupons"][0]
    prepared = await simulator.prepare(coupon)
    await simulator.control("POST", "refunds", {"certificate_ids": [coupon["certificate_id"]]})

    verified = await simulator.verify(prepared)

    assert verified["error_code"] == 0
    assert verified["verify_results"][0]["result"] == 1250


async def test_another_apps_merchant_is_out_of_reach(simulator: Client) -> None:
    order = await simulator.order()
    prepared = await simulator.prepare(order["coupons"][0])
    await simulator.control(
        "POST", "apps", {"client_key": "other", "client_secret": "s", "merchants": []}
    )
    body = {"client_key": "other", "client_secret": "s", "grant_type": "client_credential"}
    mine = simulator.token
    simulator.token = (await simulator.data("POST", "/oauth/client_token/", body))["access_token"]

    assert (await simulator.prepare(order["coupons"][0]))["error_code"] == 1508
    assert (await simulator.verify(prepared))["error_code"] == 2100005
    simulator.token = mine
    assert (await simulator.verify(prepared))["verify_results"][0]["result"] == 0


async def test_a_token_is_for_its_coupons_and_its_first_verify(simulator: Client) -> None:
    order = await simulator.order(count=2)
    other = await simulator.order()
    prepared = await simulator.prepare(order["coupons"][0])
    foreign = await simulator.prepare(other["coupons"][0])

    mixed = verify_body(prepared, encrypted_codes=verify_body(foreign)["encrypted_codes"])
    assert (await simulator.data("POST", VERIFY, mixed))["verify_results"][0]["result"] == 1212
    # The token is spent, if on nothing.
    later = await simulator.data("POST", VERIFY, verify_body(prepared))
    assert (later["error_code"], later["description"]) == (2100005, "verify_token已使用")
    assert await state_of(simulator, order) == ["available", "available"]


async def test_a_verify_that_cannot_be_read_changes_nothing(simulator: Client) -> None:
    order = await simulator.order()
    prepared = await simulator.prepare(order["coupons"][0])
    code = prepared["certificates"][0]["encrypted_code"]

    async def error_code(**changes: object) -> int:
        answer = await simulator.data("POST", VERIFY, verify_body(prepared, **changes))
        return int(answer["error_code"])

    assert await error_code(verify_token=str(uuid4())) == 2100005
    assert await error_code(encrypted_codes=[]) == 1502
    assert await error_code(encrypted_codes=[code, code]) == 2100005
    assert await error_code(poi_id="") == 2100005
    assert await error_code(order_id="1") == 2100005
    assert await state_of(simulator, order) == ["available"]
    assert (await simulator.verify(prepared))["verify_results"][0]["result"] == 0


async def test_a_garbled_code_is_refused_for_itself_alone(simulator: Client) -> None:
    order = await simulator.order(count=2)
    prepared = await simulator.prepare(order["coupons"][0])
    codes = [prepared["certificates"][0]["encrypted_code"], "garbled"]

    answer = await simulator.data("POST", VERIFY, verify_body(prepared, encrypted_codes=codes))

    assert [one["result"] for one in answer["verify_results"]] == [0, 1221]
    assert await state_of(simulator, order) == ["redeemed", "available"]


async def test_a_preparation_expires(simulator: Client) -> None:
    await simulator.control("PUT", "pace", {"preparation_seconds": 0})
    order = await simulator.order()
    prepared = await simulator.prepare(order["coupons"][0])

    assert (await simulator.verify(prepared))["error_code"] == 2100005


async def test_of_many_tills_one_spends_the_coupon(simulator: Client) -> None:
    order = await simulator.order()
    prepared = [await simulator.prepare(order["coupons"][0]) for _ in range(40)]

    answers = await asyncio.gather(*(simulator.verify(one) for one in prepared))

    results = Counter(answer["verify_results"][0]["result"] for answer in answers)
    assert results == {0: 1, 1208: 39}


async def test_the_same_call_at_the_same_time_gets_one_answer(simulator: Client) -> None:
    order = await simulator.order()
    prepared = await simulator.prepare(order["coupons"][0])

    answers = await asyncio.gather(*(simulator.verify(prepared) for _ in range(20)))

    assert {str(answer) for answer in answers} == {str(answers[0])}
    assert answers[0]["verify_results"][0]["result"] == 0


async def test_a_batch_is_spent_as_a_whole_or_not_at_all(simulator: Client) -> None:
    first, second = await simulator.order(), await simulator.order(count=2)
    prepared = [await simulator.prepare(order["coupons"][0]) for order in (first, second)]
    body = {
        "poi_id": POI,
        "certificate_batch_verify_list": [verify_body(one, poi_id="") for one in prepared],
    }
    await simulator.redeem(second["coupons"][1])

    refused = await simulator.data("POST", f"{CERTIFICATE}/batch_verify/", body)
    assert [one["result"] for one in refused["verify_results"]] == [2100004, 2100004, 1208]
    assert await state_of(simulator, first) == ["available"]

    prepared[1] = await simulator.prepare(second["coupons"][0])
    body["certificate_batch_verify_list"] = [verify_body(one) for one in prepared]
    spent = await simulator.data("POST", f"{CERTIFICATE}/batch_verify/", body)
    assert [one["result"] for one in spent["verify_results"]] == [0, 0]
    assert await simulator.data("POST", f"{CERTIFICATE}/batch_verify", body) == spent


async def test_prepare_has_a_limit_a_second(simulator: Client) -> None:
    await simulator.control("PUT", "pace", {"prepare_per_second": 1})
    order = await simulator.order()

    answers = await asyncio.gather(
        *(
            simulator.data("GET", PREPARE, code=order["coupons"][0]["code"], poi_id=POI)
            for _ in range(20)
        )
    )

    codes = Counter(answer["error_code"] for answer in answers)
    assert set(codes) == {0, 2119003}
    assert codes[0] < codes[2119003]


async def cancel(simulator: Client, **body: object) -> Json:
    return await simulator.data("POST", CANCEL, body)


async def test_a_redemption_is_taken_back_once(simulator: Client) -> None:
    order = await simulator.order()
    verified = await simulator.redeem(order["coupons"][0])
    ids = {name: verified[name] for name in ("verify_id", "certificate_id")}

    first = await cancel(simulator, **ids)
    assert first["cancel_results"][0]["result_code"] == 0
    assert (await cancel(simulator, **ids))["error_code"] == 1265
    assert await state_of(simulator, order) == ["available"]


async def test_a_cancel_token_is_for_its_redemption(simulator: Client) -> None:
    order = await simulator.order(count=2)
    first, second = [await simulator.redeem(coupon) for coupon in order["coupons"]]

    done = await cancel(simulator, verify_id=first["verify_id"], cancel_token="t")
    assert done["error_code"] == 0
    reused = await cancel(simulator, verify_id=second["verify_id"], cancel_token="t")
    assert reused["error_code"] == 2100005
    # Spent again and asked again with the old token: the old answer, and nothing happens.
    await simulator.redeem(order["coupons"][0])
    assert await cancel(simulator, verify_id=first["verify_id"], cancel_token="t") == done
    assert await state_of(simulator, order) == ["redeemed", "redeemed"]


async def test_the_same_cancel_at_the_same_time_gets_one_answer(simulator: Client) -> None:
    order = await simulator.order()
    verified = await simulator.redeem(order["coupons"][0])

    answers = await asyncio.gather(
        *(cancel(simulator, verify_id=verified["verify_id"], cancel_token="t") for _ in range(10))
    )

    assert {str(answer) for answer in answers} == {str(answers[0])}
    assert answers[0]["error_code"] == 0


async def test_what_does_not_belong_together_is_not_cancelled(simulator: Client) -> None:
    order = await simulator.order(count=2)
    first, second = [await simulator.redeem(coupon) for coupon in order["coupons"]]

    async def code(**body: object) -> int:
        return int((await cancel(simulator, **body))["error_code"])

    crossed = {"verify_id": first["verify_id"], "certificate_id": second["certificate_id"]}
    assert await code(**crossed) == 2100005
    assert await code(verify_id="1") == 1212
    assert await code() == 2100005
    assert await state_of(simulator, order) == ["redeemed", "redeemed"]


async def test_cancelling_several_takes_back_all_or_none(simulator: Client) -> None:
    order = await simulator.order(count=2)
    verify_ids = [(await simulator.redeem(coupon))["verify_id"] for coupon in order["coupons"]]
    batch = {"order_id": order["order_id"], "verify_id_list": [*verify_ids, "1"]}

    refused = await cancel(simulator, verify_id="0", certificate_id="0", batch_cancel_info=batch)
    assert refused["error_code"] == 1212
    assert [one["result_code"] for one in refused["cancel_results"]] == [0, 0, 1212]
    assert await state_of(simulator, order) == ["redeemed", "redeemed"]

    batch["verify_id_list"] = verify_ids
    done = await cancel(simulator, verify_id="0", batch_cancel_info_list=[batch])
    assert [one["result_code"] for one in done["cancel_results"]] == [0, 0]
    assert await state_of(simulator, order) == ["available", "available"]


async def test_the_cancel_window_closes(simulator: Client) -> None:
    order = await simulator.order()
    verified = await simulator.redeem(order["coupons"][0])
    await simulator.control("PUT", "pace", {"cancel_window_seconds": 0})

    late = await cancel(simulator, verify_id=verified["verify_id"])

    assert (late["error_code"], late["description"]) == (2100005, "已超过可撤销核销的时间")
    shown = await simulator.data("GET", f"{CERTIFICATE}/query/", order_id=order["order_id"])
    # Now that it cannot be spent again, the plain code is shown.
    assert shown["certificates"][0]["code"] == order["coupons"][0]["code"]
    assert shown["certificates"][0]["verify"]["can_cancel"] is False


async def test_nothing_is_cancelled_after_settlement(simulator: Client) -> None:
    await simulator.control("PUT", "pace", {"settle_seconds": 0})
    order = await simulator.order()
    verified = await simulator.redeem(order["coupons"][0])

    async def is_settled() -> bool:
        found = await simulator.data(
            "GET",
            "/goodlife/v1/trade/order/query/",
            account_id=ACCOUNT,
            order_id=order["order_id"],
        )
        return bool(found["orders"][0]["order_status"] == 1)

    await eventually(is_settled)
    refused = await cancel(simulator, verify_id=verified["verify_id"])
    assert (refused["error_code"], refused["description"]) == (2100005, "已结算，不可撤销核销")


async def test_two_simulators_on_one_database_spend_a_coupon_once(database: NewDatabase) -> None:
    configured = settings(await database("simulator"))
    async with simulating(configured) as one, simulating(configured) as two:
        await one.register(None)
        two.token = await one.sign_in()
        orders = await one.control(
            "POST", "orders", {"orders": [{"account_id": ACCOUNT, "sku": SKU}] * 50}
        )
        for order in orders["orders"]:
            coupon = order["coupons"][0]
            prepared = [await client.prepare(coupon) for client in (one, two)]
            answers = await asyncio.gather(
                *(client.verify(each) for client, each in zip((one, two), prepared, strict=True))
            )
            results = sorted(answer["verify_results"][0]["result"] for answer in answers)
            assert results == [0, 1208]
