"""What the mini-programs' calls send and how their answers read, over real HTTP."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from shared.platforms.answers import Outcome
from shared.platforms.douyin.mini_answers import (
    DeliveryItem,
    DeliveryStore,
    OrderStanding,
    RefundStatus,
    TradeOrder,
    TradeSystem,
)
from shared.platforms.douyin.mini_client import MiniProgramClient
from shared.platforms.outcomes import OutcomeUnknown, Refused
from shared.platforms.reasons import Reason
from shared.platforms.scans import EncryptedData, TypedCode
from tests.unit.platforms.answering import Platform, Tokens, answering

EXTRA = {
    "description": "success",
    "error_code": 0,
    "logid": "2022092115392201020812109511046",
    "now": 1663745962686,
    "sub_description": "success",
    "sub_error_code": 0,
}
ITEM = DeliveryItem("123456", "xxx", "ot123")
STORE = DeliveryStore(poi_id="6601136930455291912", name="xx门店", our_id="x0001")
CREATED_AT = datetime.fromtimestamp(1671994501, UTC)
REFUND = {
    "create_at": 1671994501000,
    "merchant_audit_detail": {
        "audit_status": "AGREE",
        "need_refund_audit": 1,
        "refund_audit_deadline": 1673253628929,
    },
    "message": "",
    "order_id": "motb700000000777",
    "out_refund_no": "ext_refund_no_812832",
    "refund_at": 1672994501000,
    "refund_id": "motb7000000007666",
    "refund_status": "SUCCESS",
    "refund_total_amount": 1992,
}


def industry(data: object, **extra: object) -> web.Response:
    """As the documentation's samples of the industry protocol."""
    return web.json_response({"data": data, "extra": EXTRA | extra})


def general(data: object, err_no: int = 0) -> web.Response:
    return web.json_response({"data": data, "err_no": err_no, "err_msg": "", "log_id": "021"})


@asynccontextmanager
async def asking(*answers: web.Response) -> AsyncIterator[tuple[Platform, MiniProgramClient]]:
    async with answering(*answers) as platform, aiohttp.ClientSession() as session:
        yield platform, MiniProgramClient(session, tokens=Tokens(), base_url=platform.url)


def results(code: int) -> web.Response:
    result = {
        "certificate_code": "888888888888",
        "item_order_id": "ot123",
        "result_code": code,
        "result_msg": "验券成功",
        "verify_id": "83717297362537",
        "verify_time": 1658300479000,
    }
    return industry({"error_code": 0, "description": "success", "verify_results": [result]})


async def test_prepare_sends_what_was_scanned_or_typed() -> None:
    certificate = {"certificate_id": "123456", "encrypted_code": "xxx", "item_order_id": "ot123"}
    data = {
        "certificates": [certificate],
        "description": "success",
        "error_code": 0,
        "order_id": "ot123456",
        "out_order_no": "out123456",
        "verify_token": "xxx",
    }
    async with asking(industry(data)) as (platform, client):
        found = await client.delivery_prepare(EncryptedData("17104CFF079C9FDA51D14DD48E12876C"))
        await client.delivery_prepare(TypedCode("102539929601"))

    assert platform.asked[0].path == "/api/apps/trade/v2/fulfillment/delivery_prepare"
    assert platform.asked[0].body == {
        "code": "",
        "encrypted_data": "17104CFF079C9FDA51D14DD48E12876C",
    }
    assert platform.asked[0].headers["access-token"] == "token-0"
    assert platform.asked[1].body == {"code": "102539929601", "encrypted_data": ""}
    assert (found.verify_token, found.order_id, found.items) == ("xxx", "ot123456", (ITEM,))


async def verify(client: MiniProgramClient, **changes: Any) -> Any:
    """Any: whatever verify takes and answers."""
    asked: dict[str, Any] = {
        "verify_token": "xxx",
        "order_id": "ot123456",
        "items": [ITEM],
        "store": STORE,
    }
    return (await client.delivery_verify(**(asked | changes)))[0]


async def test_verify_sends_the_store_as_json_in_a_string() -> None:
    async with asking(results(0)) as (platform, client):
        delivered = await verify(client)

    body = platform.asked[0].body
    assert json.loads(body["poi_info"]) == {
        "shop_name": "xx门店",
        "ext_valid_shop_id": "x0001",
        "valid_poi_id_str": "6601136930455291912",
    }
    assert body["certificates"] == [{"certificate_id": "123456", "encrypted_code": "xxx"}]
    assert (delivered.outcome, delivered.verify_id) == (Outcome.DONE, "83717297362537")
    assert delivered.verified_at == datetime.fromtimestamp(1658300479, UTC)


async def test_used_is_refused_at_first_and_done_when_asked_again() -> None:
    async with asking(results(1208)) as (_, client):
        first = await verify(client)
        again = await verify(client, repeated=True)

    assert (first.outcome, first.reason) == (Outcome.REFUSED, Reason.ALREADY_REDEEMED)
    assert (again.outcome, again.already, again.reason) == (Outcome.DONE, True, None)


async def test_an_item_without_an_answer_is_unknown() -> None:
    other = DeliveryItem("1", "yyy", "ot999")
    async with asking(results(0)) as (_, client):
        delivered = await verify(client, items=[other])

    assert delivered.outcome is Outcome.UNKNOWN


async def test_what_was_used_of_our_codes_is_pushed() -> None:
    async with asking(industry({"delivery_id": "ots72469746338730662849975"})) as (
        platform,
        client,
    ):
        delivery_id = await client.push_delivery(
            out_order_no="out123456", item_order_ids=["ot123", "ot456"], store=STORE
        )

    assert delivery_id == "ots72469746338730662849975"
    body = platform.asked[0].body
    assert body["item_order_list"] == [{"item_order_id": "ot123"}, {"item_order_id": "ot456"}]
    assert (body["out_order_no"], body["use_all"]) == ("out123456", False)


async def test_the_general_system_is_told_how_far_a_delivery_is() -> None:
    async with asking(web.json_response({"err_no": "0", "err_msg": "success"})) as (
        platform,
        client,
    ):
        await client.fulfill_push_status(
            order_id="motb123123131", item_order_ids=["motb123123132"], status="fulfilling"
        )

    assert platform.asked[0].path == "/api/trade_basic/v1/developer/fulfill_push_status/"
    assert platform.asked[0].body == {
        "item_order_id_list": ["motb123123132"],
        "order_id": "motb123123131",
        "to_status": "fulfilling",
    }


@pytest.mark.parametrize(
    ("system", "path", "answer"),
    [
        (
            TradeSystem.INDUSTRY,
            "/api/apps/trade/v2/refund/create_refund",
            industry({"error_code": 0, "description": "success", "refund_id": "ot12312312"}),
        ),
        (
            TradeSystem.GENERAL,
            "/api/trade_basic/v1/developer/refund_create/",
            general({"refund_audit_deadline": 151231321231, "refund_id": "ot12312312"}),
        ),
    ],
)
async def test_a_refund_is_of_items_or_of_all(
    system: TradeSystem, path: str, answer: web.Response
) -> None:
    order = TradeOrder(out_order_no="123123131")
    async with asking(answer) as (platform, client):
        refund_id = await client.create_refund(
            system, order, out_refund_no="123123", item_order_ids=["xxx"]
        )
        await client.create_refund(system, order, out_refund_no="123123")

    assert refund_id == "ot12312312"
    assert [one.path for one in platform.asked] == [path, path]
    assert platform.asked[0].body["item_order_detail"] == [{"item_order_id": "xxx"}]
    assert "refund_all" not in platform.asked[0].body
    assert platform.asked[1].body["refund_all"] is True


@pytest.mark.parametrize("wrap", [industry, general])
async def test_refunds_are_read_in_both_envelopes(wrap: Any) -> None:
    """Any: a function that wraps data."""
    system = TradeSystem.INDUSTRY if wrap is industry else TradeSystem.GENERAL
    async with asking(wrap({"refund_list": [REFUND]})) as (platform, client):
        (refund,) = await client.query_refund(system, refund_id="ot1231231")

    assert platform.asked[0].body == {"refund_id": "ot1231231"}
    assert (refund.status, refund.amount_fen) == (RefundStatus.DONE, 1992)
    assert (refund.asked_at, refund.out_refund_no) == (CREATED_AT, "ext_refund_no_812832")


async def test_a_settlement_is_named_by_the_platform() -> None:
    data = {"settle_id": "ots72735132864849697720652", "wallet_settle_id": "7273456075280828716"}
    async with asking(general(data)) as (platform, client):
        settle_id = await client.create_settle(
            TradeSystem.GENERAL,
            TradeOrder(out_order_no="out_order_example_1"),
            out_settle_no="out_settle_example_1",
            description="分账描述",
        )

    assert settle_id == "ots72735132864849697720652"
    assert platform.asked[0].body["settle_desc"] == "分账描述"


async def test_orders_are_read_in_both_protocols() -> None:
    of_industry = {
        "order_id": "mock_order_id",
        "order_status": "SUCCESS",
        "out_order_no": "mock_out_order_no",
        "refund_amount": 10000,
        "settle_amount": 0,
        "total_fee": 10000,
    }
    of_general = {
        "order_id": "ac97KUfZJk",
        "pay_status": "TIMEOUT",
        "total_amount": "500",
        "discount_amount": "20",
    }
    async with asking(industry(of_industry), general(of_general)) as (_, client):
        first = await client.query_order(TradeSystem.INDUSTRY, TradeOrder("mock_order_id"))
        second = await client.query_order(TradeSystem.GENERAL, TradeOrder("ac97KUfZJk"))

    assert (first.standing, first.pay_amount_fen, first.refunded_fen) == (
        OrderStanding.PAID,
        10000,
        10000,
    )
    assert (second.standing, second.pay_amount_fen) == (OrderStanding.CLOSED, 480)


async def test_wrong_parameters_are_refused_and_other_failures_are_unknown() -> None:
    async with asking(general({}, 10000), general({}, 13000)) as (_, client):
        with pytest.raises(Refused):
            await client.fulfill_push_status(order_id="1", item_order_ids=[], status="x")
        with pytest.raises(OutcomeUnknown):
            await client.fulfill_push_status(order_id="1", item_order_ids=[], status="x")
