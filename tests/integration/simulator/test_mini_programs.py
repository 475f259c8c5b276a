"""Mini-programs: told of what happens by signed callbacks, and called by their servers."""

import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from shared.platforms.douyin.signatures import (
    byte_authorization,
    load_public_key,
    verify_bytes,
    verify_ecpay,
)
from tests.integration.simulator.merchant import Merchant, book_of, quick
from tests.integration.simulator.support import APP, SKU, Client, Json, Receiver
from tests.support.waiting import eventually, until

V2 = "/api/apps/trade/v2"
BASIC = "/api/trade_basic/v1/developer"
TOKEN = "the token of the older callbacks"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PUBLIC_KEY = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@pytest_asyncio.fixture(loop_scope="session")
async def mini(
    simulator: Client, merchant: Merchant, receiver: Receiver
) -> AsyncIterator[Merchant]:
    changes = {"public_key": PUBLIC_KEY.decode(), "callback_token": TOKEN}
    await merchant.register(simulator, receiver.url, **changes)
    yield merchant


async def buy(simulator: Client, channel: str = "v3", **changes: object) -> Json:
    return await simulator.order(channel=channel, out_order_no=f"out-{time.time_ns()}", **changes)


async def life(simulator: Client, path: str, body: Json) -> Json:
    return await simulator.call("POST", f"{V2}/{path}", body)


async def basic(simulator: Client, path: str, body: Json) -> Json:
    return await simulator.call("POST", f"{BASIC}/{path}/", body)


async def signed(simulator: Client, path: str, body: Json, **changes: Any) -> Json:
    """As the older paths are called; the platform signs its answer too. Any: of the header."""
    raw = json.dumps(body).encode()
    named: dict[str, Any] = {
        "app_id": APP["client_key"],
        "method": "POST",
        "uri": f"{V2}/{path}",
        "timestamp": str(int(time.time())),
        "nonce": "n",
        "body": raw,
    }
    headers = {"Byte-Authorization": byte_authorization(KEY, **(named | changes))}
    url = f"{simulator.url}{V2}/{path}"
    async with simulator.session.post(url, data=raw, headers=headers) as response:
        answered = await response.read()
        key = (await simulator.control("GET", "platform-key"))["public_key"]
        assert verify_bytes(
            response.headers["Byte-Signature"],
            timestamp=response.headers["Byte-Timestamp"],
            nonce=response.headers["Byte-Nonce-Str"],
            raw=answered,
            keys=[load_public_key(key)],
        )
        answer: Json = json.loads(answered)
        return answer


async def scanned(simulator: Client, order: Json) -> Json:
    encrypted = await simulator.scan(order["coupons"][0])
    answer = await life(simulator, "fulfillment/delivery_prepare", {"encrypted_data": encrypted})
    assert answer["data"]["error_code"] == 0
    data: Json = answer["data"]
    return data


def verify_body(prepared: Json) -> Json:
    return {
        "verify_token": prepared["verify_token"],
        "order_id": prepared["order_id"],
        "poi_info": "{}",
        "certificates": [
            {"certificate_id": one["certificate_id"], "encrypted_code": one["encrypted_code"]}
            for one in prepared["certificates"]
        ],
    }


@pytest.mark.parametrize(("channel", "version"), [("v3", "3.0"), ("v2", "2.0"), ("v1", "1.0")])
async def test_a_payment_is_told_by_a_signed_callback(
    simulator: Client, mini: Merchant, channel: str, version: str
) -> None:
    order = await buy(simulator, channel, pay_amount_fen=8_000, cp_extra="extra")

    await until(lambda: len(mini.msgs("payment")) == 1)
    told = next(one for one in mini.asked if one.action == "payment")
    assert (told.genuine, told.body["version"]) == (True, version)
    assert told.headers["Byte-Identifyname"] == "/msg/basic/payment/notify"
    msg = told.msg
    assert (msg["order_id"], msg["status"]) == (order["order_id"], "SUCCESS")
    assert (msg["total_amount"], msg["discount_amount"]) == (8_800, 800)
    assert (msg["cp_extra"], msg["app_id"]) == ("extra", APP["client_key"])
    # Compact, as the platform writes it.
    assert b'": ' not in told.raw


async def test_the_older_callbacks_are_signed_with_a_token(
    simulator: Client, mini: Merchant
) -> None:
    await buy(simulator, "ecpay")

    await until(lambda: len(mini.msgs("payment")) == 1)
    body = mini.of("payment")[0]
    assert {"timestamp", "nonce", "msg", "type", "msg_signature"} == {*body}
    assert verify_ecpay(body, [TOKEN])
    assert not verify_ecpay(body, ["another"])


async def test_a_callback_comes_again_until_it_is_acknowledged(
    simulator: Client, mini: Merchant
) -> None:
    answers: list[Json | None] = [None, {"err_no": 1}, {}]
    mini.answers["payment"] = lambda _: answers.pop(0)

    await buy(simulator)

    await until(lambda: len(mini.msgs("payment")) == 3)
    assert len({one.raw for one in mini.asked}) == 1


async def test_the_merchant_is_asked_before_an_order_of_the_industry_protocol(
    simulator: Client, mini: Merchant
) -> None:
    mini.answers["pre_create_order"] = lambda _: {"data": {"out_order_no": "theirs"}}
    order = await simulator.order(channel="v2")
    mini.answers["pre_create_order"] = lambda _: {"err_no": 5, "err_tips": "sold out"}
    body = {"account_id": order["account_id"], "sku": SKU, "channel": "v2"}
    refused = await simulator.control("POST", "orders", {"orders": [body]})

    asked = mini.msgs("pre_create_order")[0]
    assert (asked["order_id"], asked["total_amount"]) == (order["order_id"], 8_800)
    assert (await book_of(simulator, order["order_id"]))["out_order_id"] == "theirs"
    assert refused["orders"] == []
    assert refused["refused"][0]["error_code"] == 5


async def test_what_is_not_paid_in_time_is_told_as_cancelled(
    simulator: Client, mini: Merchant
) -> None:
    await quick(simulator, unpaid_seconds=0)

    await buy(simulator, paid=False)

    await until(lambda: [one["status"] for one in mini.msgs("payment")] == ["CANCEL"])


async def test_coupons_are_prepared_verified_and_taken_back(
    simulator: Client, mini: Merchant
) -> None:
    order = await buy(simulator, "v2", count=2)
    prepared = await scanned(simulator, order)

    answer = await life(simulator, "fulfillment/delivery_verify/", verify_body(prepared))
    again = await life(simulator, "fulfillment/delivery_verify/", verify_body(prepared))

    results = answer["data"]["verify_results"]
    assert [one["result_code"] for one in results] == [0, 0]
    assert again["data"]["verify_results"] == results
    assert results[0]["item_order_id"] == prepared["certificates"][0]["item_order_id"]
    assert results[0]["verify_time"] > 10**12
    await until(lambda: len(mini.msgs("coupon_verify")) == 2)
    body = {"verify_id": results[0]["verify_id"], "certificate_id": ""}
    taken = await simulator.data("POST", "/api/trade/v2/fulfillment/verify_cancel", body)
    assert taken["error_code"] == 0
    await until(lambda: len(mini.msgs("coupon_verify_cancel")) == 1)


async def test_the_older_paths_want_a_signature(simulator: Client, mini: Merchant) -> None:
    order = await buy(simulator, "v2")
    encrypted = await simulator.scan(order["coupons"][0])
    body = {"encrypted_data": encrypted}

    prepared = await signed(simulator, "delivery_prepare", body)
    bare = await signed(simulator, "delivery_prepare/", body, quoted=False)
    wrong = await signed(simulator, "delivery_prepare", body, method="GET")
    stranger = await signed(simulator, "delivery_prepare", body, app_id="stranger")
    old = await signed(simulator, "delivery_prepare", body, timestamp=str(int(time.time()) - 7200))

    assert (prepared["err_no"], prepared["err_tips"], bare["err_no"]) == (0, "success", 0)
    odd = await signed(simulator, "delivery_prepare", body, timestamp="9" * 400)
    assert odd["err_tips"] == "验签失败"
    assert {one["err_tips"] for one in (wrong, stranger, old)} == {"验签失败"}
    assert {one["err_no"] for one in (wrong, stranger, old)} == {10000}
    verified = await signed(simulator, "delivery_verify", verify_body(prepared["data"]))
    assert verified["data"]["verify_results"][0]["result_code"] == 0


async def test_orders_are_queried_in_three_envelopes(simulator: Client, mini: Merchant) -> None:
    order = await buy(simulator)
    body = {"order_id": order["order_id"]}

    of_life = await life(simulator, "order/query_order/", body)
    older = await signed(simulator, "query_item_order_info", body)
    general = await basic(simulator, "order_query", body)
    unknown = await basic(simulator, "order_query", {"order_id": "1"})

    assert (of_life["data"]["order_status"], of_life["data"]["total_fee"]) == ("SUCCESS", 8_800)
    assert of_life["extra"]["error_code"] == 0
    assert older["data"][0]["item_order_status"] == 1
    assert (general["err_no"], general["data"]["pay_status"]) == (0, "SUCCESS")
    assert "log_id" in general
    assert unknown["err_no"] == 13000


async def test_the_merchant_creates_and_closes_an_order(simulator: Client, mini: Merchant) -> None:
    goods = {"goods_id": "700843652", "quantity": 2, "price": 80}
    body = {"out_order_no": "mine", "goods_list": [goods], "total_amount": 160}

    made = await life(simulator, "order/create_order/", body)
    again = await life(simulator, "order/create_order", body)
    closed = await life(simulator, "order/close_order", {"out_order_no": "mine"})

    assert made["data"]["order_id"] == again["data"]["order_id"]
    info = made["data"]["item_order_info_list"][0]
    assert (len(info["item_order_id_list"]), info["item_order_detail"][0]["price"]) == (2, 80)
    assert closed["data"]["error_code"] == 0
    shown = await life(simulator, "order/query_order", {"out_order_no": "mine"})
    assert shown["data"]["order_status"] == "TIMEOUT"


async def test_the_merchant_delivers_by_himself(simulator: Client, mini: Merchant) -> None:
    order = await buy(simulator, "v2", count=2)
    name = (await book_of(simulator, order["order_id"]))["out_order_id"]
    item = order["coupons"][0]["certificate_id"]
    pushed = {"out_order_no": name, "item_order_list": [{"item_order_id": item}], "poi_info": "{}"}

    first = await signed(simulator, "push_delivery", pushed)
    rest = await basic(
        simulator, "fulfill_push_status", {"order_id": order["order_id"], "to_status": "fulfilled"}
    )
    unknown = await basic(
        simulator, "fulfill_push_status", {"order_id": order["order_id"], "to_status": "eaten"}
    )

    assert first["data"]["delivery_id"]
    assert (rest["err_no"], unknown["err_no"]) == (0, 10000)
    assert (await book_of(simulator, order["order_id"]))["state"] == "redeemed"


async def test_a_buyers_refund_is_put_to_the_merchant(simulator: Client, mini: Merchant) -> None:
    mini.answers["pre_create_refund"] = lambda _: {
        "data": {"out_refund_no": "R1", "order_entry_schema": {"path": "p", "params": ""}}
    }
    order = await buy(simulator)
    ids = [order["coupons"][0]["certificate_id"]]
    await simulator.control("POST", "refunds", {"certificate_ids": ids})
    await until(lambda: len(mini.msgs("pre_create_refund")) == 1)
    asked = mini.msgs("pre_create_refund")[0]

    async def acknowledged() -> bool:
        found = await basic(simulator, "refund_query", {"refund_id": asked["refund_id"]})
        status: str = found["data"]["refund_list"][0]["merchant_audit_detail"]["audit_status"]
        return status == "TOAUDIT"

    await eventually(acknowledged)
    audit = {"refund_id": asked["refund_id"], "refund_audit_status": 1}
    answer = await basic(simulator, "refund_audit_callback", audit)

    assert (asked["need_refund_audit"], asked["refund_total_amount"]) == (1, 8_800)
    assert answer["err_no"] == 0
    await until(lambda: len(mini.msgs("refund")) == 1)
    told = mini.msgs("refund")[0]
    assert (told["status"], told["out_refund_no"]) == ("SUCCESS", "R1")
    assert told["refund_total_amount"] == 8_800


async def test_a_refused_refund_is_told_as_failed(simulator: Client, mini: Merchant) -> None:
    mini.answers["pre_create_refund"] = lambda _: {"data": {"out_refund_no": "R2"}}
    order = await buy(simulator, "v2")
    ids = [order["coupons"][0]["certificate_id"]]
    await simulator.control("POST", "refunds", {"certificate_ids": ids})

    async def refused() -> bool:
        body = {"out_refund_no": "R2", "refund_audit_status": 2, "deny_message": "不同意退款"}
        answer = await life(simulator, "refund/merchant_audit_callback", body)
        return bool(answer["data"]["error_code"] == 0)

    await eventually(refused)
    await until(lambda: [one["status"] for one in mini.msgs("refund")] == ["FAIL"])
    assert (await book_of(simulator, order["order_id"]))["coupons"][0]["state"] == "available"


async def test_a_refund_that_is_not_acknowledged_passes_in_time(
    simulator: Client, mini: Merchant
) -> None:
    await quick(simulator, mini_audit_seconds=0.3)
    mini.answers["pre_create_refund"] = lambda _: None
    order = await buy(simulator)
    ids = [order["coupons"][0]["certificate_id"]]

    await simulator.control("POST", "refunds", {"certificate_ids": ids})

    await until(lambda: [one["status"] for one in mini.msgs("refund")] == ["SUCCESS"])


async def test_the_merchant_refunds_by_himself(simulator: Client, mini: Merchant) -> None:
    order = await buy(simulator, count=2)
    item = order["coupons"][0]["certificate_id"]
    body = {
        "order_id": order["order_id"],
        "out_refund_no": "mine",
        "item_order_detail": [{"item_order_id": item, "refund_amount": 8_800}],
    }

    made = await basic(simulator, "refund_create", body)
    again = await basic(simulator, "refund_create", body)
    odd = await basic(
        simulator,
        "refund_create",
        {"order_id": order["order_id"], "out_refund_no": "odd", "refund_total_amount": 1},
    )

    assert made["data"]["refund_id"] == again["data"]["refund_id"]
    assert odd["err_no"] == 13000
    await until(lambda: len(mini.msgs("refund")) == 1)
    assert mini.msgs("pre_create_refund") == []
    found = await life(simulator, "refund/query_refund", {"out_refund_no": "mine"})
    shown = found["data"]["refund_list"][0]
    assert (shown["refund_status"], shown["refund_total_amount"]) == ("SUCCESS", 8_800)


async def test_what_was_used_is_settled_by_hand_or_by_time(
    simulator: Client, mini: Merchant
) -> None:
    by_hand, by_time = await buy(simulator), await buy(simulator)
    prepared = await scanned(simulator, by_hand)
    await life(simulator, "fulfillment/delivery_verify", verify_body(prepared))
    body = {"order_id": by_hand["order_id"], "out_settle_no": "S1", "settle_desc": "分账描述"}

    made = await basic(simulator, "settle_create", body)
    again = await basic(simulator, "settle_create", body)
    await quick(simulator, settle_seconds=0)
    prepared = await scanned(simulator, by_time)
    await life(simulator, "fulfillment/delivery_verify", verify_body(prepared))

    assert made["data"]["settle_id"] == again["data"]["settle_id"]
    await until(lambda: len(mini.msgs("settle")) == 2)
    assert [one["is_auto_settle"] for one in mini.msgs("settle")] == [False, True]
    found = await life(simulator, "settle/query_settle/", {"out_settle_no": "S1"})
    assert (found["data"][0]["settle_amount"], found["extra"]["error_code"]) == (8_800, 0)
    assert (await book_of(simulator, by_time["order_id"]))["settled_fen"] == 8_800


async def test_tokens_of_mini_programs_have_errors_of_their_own(
    simulator: Client, mini: Merchant
) -> None:
    async def ask(**changes: str) -> Json:
        body = {
            "appid": APP["client_key"],
            "secret": APP["client_secret"],
            "grant_type": "client_credential",
        }
        url = f"{simulator.url}/api/apps/v2/token"
        async with simulator.session.post(url, json=body | changes) as response:
            answer: Json = await response.json()
            return answer

    assert (await ask())["data"]["access_token"].startswith("clt.")
    wrong = [await ask(appid="x"), await ask(secret="x"), await ask(grant_type="x")]
    assert [one["err_no"] for one in wrong] == [40015, 40017, 40020]
