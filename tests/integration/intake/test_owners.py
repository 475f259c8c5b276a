"""Questions, from the platform's signature to the owner's word and back; every service is real."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import pytest_asyncio

from services.redemption.service import running as running_redemption
from services.redemption.settings import Settings as RedemptionSettings
from shared.errors import Rejection
from tests.conftest import NewDatabase
from tests.integration.catalog.support import CatalogUnderTest, running_catalog
from tests.integration.intake.asking import Platform, add_mini_program, err_no, error_code
from tests.integration.intake.support import CLIENT_KEY, IntakeUnderTest, running_intake
from tests.integration.orders.support import OrdersUnderTest, running_orders
from tests.support.access import Access
from tests.support.servers import free_port
from tests.support.waiting import eventually

PRE_CREATE = "trade.order.pre_create_order"


@dataclass
class Shop:
    """One merchant with everything it needs to sell, and the platform that asks it."""

    platform: Platform
    intake: IntakeUnderTest
    catalog: CatalogUnderTest
    orders: OrdersUnderTest
    merchant: str
    # Closing it sends catalog away.
    catalog_runs: AsyncExitStack

    async def product(self, *, stock: int | None = 1) -> str:
        """The third-party id of the SKU of a product on sale."""
        product = await self.catalog.add(merchant=self.merchant, stock=stock)
        return str(product["skus"][0]["third_sku_id"])

    async def order(self, order_id: str) -> Any:
        async def look() -> Any:
            with contextlib.suppress(Rejection):
                return await self.orders.get(f"/v1/orders/{order_id}")
            return None

        return await eventually(look, what=f"order {order_id}")

    async def answer_on_record(self, event: str) -> Any:
        (shown, *_) = (await self.intake.call("GET", f"/v1/deliveries?event={event}")).body["items"]
        return shown["answer"]


@pytest_asyncio.fixture(loop_scope="session")
async def shop(database: NewDatabase, nats_url: str, access: Access) -> AsyncIterator[Shop]:
    ports = {name: free_port() for name in ("catalog", "orders", "redemption")}
    urls = {f"{name}_url": f"http://127.0.0.1:{port}" for name, port in ports.items()}
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        intake = await enter(running_intake(await database("intake"), nats_url, access, **urls))
        catalog_runs = await enter(AsyncExitStack())
        catalog = await catalog_runs.enter_async_context(
            running_catalog(
                await database("catalog"), nats_url, access, catalog_port=ports["catalog"]
            )
        )
        of_redemption: Mapping[str, Any] = {
            "postgres_url": await database("redemption"),
            "nats_url": nats_url,
            "master_key": access.master_key,
            "access_url": access.url,
            "intake_url": intake.url,
            "redemption_port": ports["redemption"],
        }
        await enter(running_redemption(RedemptionSettings.model_validate(of_redemption)))
        orders = await enter(
            running_orders(
                await database("orders"),
                nats_url,
                access,
                orders_port=ports["orders"],
                redemption_url=urls["redemption_url"],
                intake_url=intake.url,
            )
        )
        merchant = await catalog.new_merchant()
        await intake.call(
            "POST",
            "/v1/apps",
            {
                "client_key": CLIENT_KEY,
                "merchant": merchant,
                "secret": "0123456789abcdef0123456789abcdef",
            },
        )
        await add_mini_program(intake, order_path="pages/order", pay_notify_url="https://q.cn/t")
        yield Shop(Platform(intake), intake, catalog, orders, merchant, catalog_runs)


async def test_an_order_is_let_through_while_there_is_stock_and_refused_by_number_after(
    shop: Shop,
) -> None:
    sku = await shop.product(stock=1)
    order = {"third_sku_id": sku, "count": 1, "open_id": "buyer-1"}
    first = await shop.platform.ask(PRE_CREATE, {**order, "order_id": "8001"})
    again = await shop.platform.ask(PRE_CREATE, {**order, "order_id": "8001"})
    second = await shop.platform.ask(PRE_CREATE, {**order, "order_id": "8002"})
    assert error_code(first) == 0
    assert isinstance(first.body["data"]["ext_order_id"], str)
    assert again.body == first.body
    assert error_code(second) == 5
    answer = await shop.answer_on_record("spi_trade_order_pre_create_order")
    assert (answer["outcome"], answer["reason"]) == ("refused", "sold_out")
    unknown = await shop.platform.ask(
        PRE_CREATE, {**order, "order_id": "8003", "third_sku_id": "no such SKU"}
    )
    assert error_code(unknown) == 1


async def test_buyers_reach_the_owner_as_a_keyed_hash_alone(shop: Shop) -> None:
    sku = await shop.product(stock=5)
    order = {"third_sku_id": sku, "count": 1, "open_id": "buyer-1", "order_id": "8001"}
    assert error_code(await shop.platform.ask(PRE_CREATE, order)) == 0
    held = json.dumps(await shop.catalog.reservation("8001"))
    await shop.intake.until_published()
    told = [event.model_dump_json() for event in await shop.intake.events("qiao.v1.>")]
    assert not [text for text in (held, *told) if "buyer-1" in text]


async def test_while_catalog_is_away_a_final_answer_is_given_again_and_a_new_one_is_not(
    shop: Shop,
) -> None:
    sku = await shop.product(stock=5)
    order = {"third_sku_id": sku, "count": 1, "order_id": "8001"}
    first = await shop.platform.ask(PRE_CREATE, order)
    await shop.catalog_runs.aclose()
    again = await shop.platform.ask(PRE_CREATE, order)
    new = await shop.platform.ask(PRE_CREATE, {**order, "order_id": "8002"})
    assert error_code(first) == 0
    assert again.body == first.body
    assert error_code(new) == 100


async def test_many_ask_for_the_last_ones_and_exactly_those_are_sold(shop: Shop) -> None:
    sku = await shop.product(stock=7)
    orders = [{"third_sku_id": sku, "count": 1, "order_id": f"8{number}"} for number in range(60)]
    answers = await asyncio.gather(*(shop.platform.ask(PRE_CREATE, order) for order in orders))
    codes = sorted(error_code(answer) for answer in answers)
    assert codes == [0] * 7 + [5] * 53


async def test_codes_are_issued_once_and_appear_nowhere_but_in_the_answer(shop: Shop) -> None:
    wanted = {
        "order_id": "8001",
        "count": 3,
        "sku": {"sku_id": "7", "sku_name": "双人餐", "third_sku_id": "tea", "groupon_type": 1},
        "open_id": "buyer-1",
        "start_time": 1_790_000_000,
        "expire_time": 1_900_000_000,
        "amount": 29_700,
    }
    first, again = await asyncio.gather(
        *(shop.platform.ask("fulfilment.order.tripartite_code", wanted) for _ in range(2))
    )
    data = first.body["data"]
    assert (error_code(first), data["result"]) == (0, 1)
    assert again.body == first.body
    assert [set(each) for each in data["certificates"]] == [{"certificate_id", "code"}] * 3
    codes = [each["code"] for each in data["certificates"]]
    assert len(set(codes)) == 3
    await shop.intake.until_published()
    told = [event.model_dump_json() for event in await shop.intake.events("qiao.v1.>")]
    assert not [text for text in told if any(code in text for code in codes)]
    (shown,) = (await shop.intake.call("GET", "/v1/deliveries")).body["items"]
    assert not any(code in json.dumps(shown) for code in codes)
    (row,) = await shop.intake.fetch("SELECT body FROM delivery_answers")
    assert not any(code.encode() in row["body"] for code in codes)


async def test_a_refund_is_answered_by_number_and_the_order_says_so(shop: Shop) -> None:
    issued = await shop.platform.ask(
        "fulfilment.order.tripartite_code", {"order_id": "8001", "count": 2, "amount": 2000}
    )
    certificates = issued.body["data"]["certificates"]
    refund = {"order_id": "8001", "after_sale_id": "a-1", "certificates": certificates}
    answer = await shop.platform.ask("fulfilment.order.refund_apply", refund)
    assert error_code(answer) == 0
    assert answer.body["data"]["result"] in {0, 1, 2}
    order = await shop.order("8001")
    assert {coupon["coupon_id"] for coupon in order["coupons"]} == {
        each["certificate_id"] for each in certificates
    }
    told = await shop.platform.ask(
        "fulfilment.order.refund_notice",
        {"order_id": "8001", "after_sale_id": "a-1", "notice_list": certificates},
    )
    assert error_code(told) == 0

    async def refunded() -> bool:
        coupons = (await shop.order("8001"))["coupons"]
        return {coupon["state"] for coupon in coupons} == {"refunded"}

    await eventually(refunded, what="both coupons refunded")
    statuses = await shop.platform.ask("fulfilment.order.query", {"order_ids": ["8001", "none"]})
    (status,) = statuses.body["data"]["result"].values()
    assert (status["order_id"], status["refund_quantity"]) == ("8001", 2)
    assert type(status["order_status"]) is int


async def test_a_mini_programs_order_lives_from_question_to_settlement(shop: Shop) -> None:
    sku = await shop.product(stock=5)
    message = {
        "app_id": shop.platform.app_id,
        "order_id": "9001",
        "goods": [{"goods_id": "g-1", "out_id": sku, "quantity": 2, "price": 990}],
        "total_amount": 1980,
        "discount": 0,
        "open_id": "buyer-1",
        "phone_num": "13800001234",
    }
    acknowledged = await shop.platform.call_back("pre_create_order", message)
    assert err_no(acknowledged) == 0, acknowledged.body
    data = acknowledged.body["data"]
    assert isinstance(data["out_order_no"], str)
    assert type(data["pay_expire_seconds"]) is int
    assert data["order_entry_schema"]["path"] == "pages/order"
    assert data["pay_notify_url"] == "https://q.cn/t"
    paid = {"order_id": "9001", "total_amount": 1980, "status": "SUCCESS"}
    assert err_no(await shop.platform.call_back("payment", paid)) == 0
    assert (await shop.order("9001"))["state"] == "paid"
    refund = {"order_id": "9001", "refund_id": "r-1", "refund_total_amount": 990}
    asked = await shop.platform.call_back("pre_create_refund", refund)
    assert err_no(asked) == 0
    assert isinstance(asked.body["data"]["out_refund_no"], str)
    await shop.platform.call_back("refund", {**refund, "status": "SUCCESS"})

    async def partly_refunded() -> bool:
        order = await shop.order("9001")
        return (order["state"], order["refunded_amount_fen"]) == ("partly_refunded", 990)

    await eventually(partly_refunded, what="half of the money back")
    await shop.platform.call_back("settle", {"order_id": "9001", "status": "SUCCESS"})

    async def settled() -> bool:
        return bool((await shop.order("9001"))["state"] == "settled")

    await eventually(settled, what="settled")


async def test_a_payment_that_is_given_up_closes_the_order(shop: Shop) -> None:
    given_up = {"order_id": "9002", "status": "CANCEL", "total_amount": 5}
    await shop.platform.call_back("payment", given_up, version="3.0")
    assert (await shop.order("9002"))["state"] == "closed"
