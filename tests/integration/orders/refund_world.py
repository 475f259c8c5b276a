"""Refunds with everybody who has a say: platform, intake, redemption and orders, all real."""

import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import aiohttp
import asyncpg

from services.redemption.service import running as running_redemption
from services.redemption.settings import Settings as RedemptionSettings
from services.simulator.service import running as running_simulator
from services.simulator.settings import Settings as SimulatorSettings
from shared.contracts.envelope import Event
from shared.contracts.making import event
from shared.contracts.products import (
    CodeOrigin,
    ProductChanged,
    ProductKind,
    ProductState,
    RefundDecision,
    RefundRules,
    Sku,
    UsageRules,
)
from shared.web.client import call
from tests.conftest import NewDatabase
from tests.integration.intake.support import CLIENT_KEY, SECRET, running_intake
from tests.integration.orders.support import MERCHANT, OrdersUnderTest, running_orders
from tests.integration.redemption.gate import Gate, a_gate
from tests.integration.redemption.platform import ACCOUNT, POI, Json
from tests.integration.redemption.support import Answer, Till
from tests.support.access import MASTER_KEY, Access, running_access
from tests.support.servers import free_port
from tests.support.waiting import eventually

_numbers = itertools.count(1)
OWN_SKU = {
    "title": "双人下午茶套餐",
    "price_fen": 8800,
    "code_origin": "merchant",
    "third_sku_id": "tea-for-two",
}


@dataclass
class RefundWorld:
    platform_url: str
    redemption_url: str
    redemption_database: str
    access: Access
    orders: OrdersUnderTest
    session: aiohttp.ClientSession
    store_id: str
    to_redemption: Gate
    to_platform: Gate
    tills: list[Till] = field(default_factory=list)

    async def control(self, method: str, path: str, body: object = None) -> Json:
        async with self.session.request(
            method, f"{self.platform_url}/sim/v1/{path}", json=body
        ) as answer:
            assert answer.status < 300, await answer.text()
            read: Json = await answer.json()
            return read

    async def place(
        self, number: int = 1, *, coupons: int = 1, sku: Json | None = None
    ) -> list[Json]:
        """Orders of our own codes, paid, with the codes as the platform shows them to buyers."""
        wanted = [
            {
                "account_id": ACCOUNT,
                "sku": sku or OWN_SKU,
                "count": coupons,
                "reference": f"refunds-{next(_numbers)}",
            }
            for _ in range(number)
        ]
        answer = await self.control("POST", "orders", {"orders": wanted})
        placed = [one["order_id"] for one in answer["orders"]]

        async def issued() -> bool:
            books = await self.books(placed)
            return {one["state"] for book in books for one in book["coupons"]} == {"available"}

        await eventually(issued, within_seconds=60, what="codes of every coupon")
        # The same references again: the same orders, now with their codes.
        answer = await self.control("POST", "orders", {"orders": wanted})
        orders: list[Json] = answer["orders"]
        return orders

    async def books(self, order_ids: Sequence[str]) -> list[Json]:
        found: dict[str, Json] = {}
        query = "books?limit=1000"
        cursor = ""
        while True:
            page = await self.control("GET", query + cursor)
            found |= {one["order_id"]: one for one in page["items"]}
            if page.get("next_cursor") is None:
                return [found[one] for one in order_ids]
            cursor = f"&cursor={page['next_cursor']}"

    async def book(self, order: Json) -> Json:
        return (await self.books([order["order_id"]]))[0]

    async def wish_money_back(self, *coupon_ids: str) -> Json:
        """What the buyer taps: the platform asks us over its SPI."""
        return await self.control("POST", "refunds", {"certificate_ids": list(coupon_ids)})

    async def ledger(self, statement: str, *arguments: Any) -> list[asyncpg.Record]:
        """Asked of redemption's own tables."""
        conn = await asyncpg.connect(
            self.redemption_database,
            server_settings={"role": "qiao_redemption", "search_path": "redemption"},
        )
        try:
            return list(await conn.fetch(statement, *arguments))
        finally:
            await conn.close()

    async def till(self) -> Till:
        if not self.tills:
            terminal = await self.access.add_terminal(self.store_id)
            self.tills.append(Till(self.redemption_url, self.session, await terminal.token()))
        return self.tills[0]

    async def ask(self, order: Json, after_sale_id: str, *coupon_ids: str, **more: Any) -> Json:
        """As intake asks for the platform."""
        body = {
            "merchant": MERCHANT,
            "platform": "douyin",
            "client_key": CLIENT_KEY,
            "account_id": ACCOUNT,
            "order_id": order["order_id"],
            "after_sale_id": after_sale_id,
            "coupon_ids": list(coupon_ids),
            "asked_at": datetime.now(UTC).isoformat(),
        } | more
        answer: Json = await self.post("/v1/after-sales", body)
        return answer

    async def post(self, path: str, body: object, *, token: str | None = None) -> Any:
        token = token or await self.access.operator_token()
        return await call(self.session, "POST", self.orders.url + path, body=body, token=token)

    async def after_sale(self, after_sale_id: str) -> Json:
        found: Json = await self.orders.get(f"/v1/after-sales/{after_sale_id}")
        return found

    async def after_sale_in(self, after_sale_id: str, *states: str) -> Json:
        async def look() -> Json | None:
            found = await self.after_sale(after_sale_id)
            return found if found["state"] in states else None

        found = await eventually(look, within_seconds=20, what=f"{after_sale_id} {states}")
        assert found is not None
        return found

    async def decide(self, after_sale_id: str, decision: str, **more: Any) -> Json:
        decided: Json = await self.post(
            f"/v1/after-sales/{after_sale_id}/decision", {"decision": decision} | more
        )
        return decided

    async def says(self, order: Json, **rules: RefundDecision) -> None:
        """Catalog says what the product of this order allows; it is asked about no further."""

        async def sku() -> str | None:
            found = await self.orders.order(order["order_id"])
            return found["platform_sku_id"] if found else None

        platform_sku_id = await eventually(sku, what="the SKU of the order")
        assert platform_sku_id is not None
        await self.orders.say(a_product(platform_sku_id, RefundRules(**rules)))

        async def known() -> bool:
            """Seen only when somebody asks: for a coupon that nobody has."""
            after_sale_id = f"look-{next(_numbers)}"
            await self.ask(order, after_sale_id, "nobodys")
            found = await self.after_sale(after_sale_id)
            return bool(found["judgement"]["rules_of"].startswith("product"))

        await eventually(known, what="the product's rules")

    async def after_sale_of(self, order: Json, *states: str) -> Json:
        """The newest of the order, once it is in one of these states."""

        async def look() -> Json | None:
            page = await self.orders.get("/v1/after-sales", order_id=order["order_id"])
            items = page["items"]
            return items[0] if items and items[0]["state"] in states else None

        found = await eventually(look, within_seconds=20, what=f"an after-sale {states}")
        assert found is not None
        return found


def a_product(platform_sku_id: str, rules: RefundRules) -> Event:
    number = next(_numbers)
    sku = Sku(
        sku_id=f"sku-{platform_sku_id}",
        platform_sku_id=platform_sku_id,
        third_sku_id=f"third-{number}",
        title="双人下午茶套餐",
        price_fen=8800,
        original_price_fen=8800,
    )
    product = ProductChanged(
        product_id=f"product-{platform_sku_id}",
        platform="douyin",
        account_id=ACCOUNT,
        platform_product_id=None,
        kind=ProductKind.MEAL,
        title="双人下午茶套餐",
        state=ProductState.ON_SALE,
        code_origin=CodeOrigin.MERCHANT,
        sale_from=None,
        sale_to=None,
        per_buyer_max=None,
        usage=UsageRules(),
        refund=rules,
        skus=(sku,),
    )
    return event(
        product,
        subject=product.product_id,
        merchant=MERCHANT,
        version=number,
        event_type="product.updated",
    )


def simulator_settings(url: str) -> SimulatorSettings:
    return SimulatorSettings.model_validate(
        {
            "postgres_url": url,
            "master_key": MASTER_KEY,
            "simulator_port": 0,
            "simulator_webhook_retry_seconds": 0.05,
            "simulator_refund_seconds": 0.1,
            "simulator_prepare_per_second": 100_000,
            "simulator_retry_scale": 0.002,
        }
    )


@asynccontextmanager
async def a_refund_world(
    database: NewDatabase, nats_url: str, *, gated: bool = False, **settings: Any
) -> AsyncIterator[RefundWorld]:
    """One merchant whose application asks intake. `settings` replace those of orders.

    Gated: what orders says to redemption and to the platform goes through doors.
    """
    ports = {name: free_port() for name in ("orders", "redemption", "catalog")}
    # Nobody is at catalog's: the platform then sells all the same.
    urls = {f"{name}_url": f"http://127.0.0.1:{port}" for name, port in ports.items()}
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        session = await enter(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))
        platform_url = await enter(
            running_simulator(simulator_settings(await database("simulator")))
        )
        access = await enter(running_access(await database("access"), nats_url))
        await access.add_merchant(MERCHANT, account_id=ACCOUNT)
        intake = await enter(
            running_intake(
                await database("intake"), nats_url, access, douyin_base_url=platform_url, **urls
            )
        )
        added = await intake.add_app()
        assert added.status < 300, added.body
        redemption = _redemption(
            access,
            postgres_url=await database("redemption"),
            nats_url=nats_url,
            intake_url=intake.url,
            douyin_base_url=platform_url,
            redemption_port=ports["redemption"],
        )
        redemption_url = await enter(running_redemption(redemption))
        to_redemption = await enter(a_gate(redemption_url)) if gated else Gate(redemption_url)
        to_platform = await enter(a_gate(platform_url)) if gated else Gate(platform_url)
        of_orders: dict[str, Any] = {
            "orders_port": ports["orders"],
            "intake_url": intake.url,
            "redemption_url": to_redemption.url,
            "douyin_base_url": to_platform.url,
            "orders_refund_tick_seconds": 0.1,
        }
        orders = await enter(
            running_orders(await database("orders"), nats_url, access, **of_orders | settings)
        )
        world = RefundWorld(
            platform_url=platform_url,
            redemption_url=redemption_url,
            redemption_database=redemption.postgres_url.get_secret_value(),
            access=access,
            orders=orders,
            session=session,
            store_id=await access.add_store(MERCHANT, poi_id=POI, time_zone="Asia/Shanghai"),
            to_redemption=to_redemption,
            to_platform=to_platform,
        )
        await _introduce(world, intake.url)
        yield world


def _redemption(access: Access, **settings: Any) -> RedemptionSettings:
    chosen = settings | {
        "master_key": access.master_key,
        "access_url": access.url,
        "douyin_short_link_origins": settings["douyin_base_url"],
        "redemption_calls_per_second": 5000,
    }
    return RedemptionSettings.model_validate(chosen)


async def _introduce(world: RefundWorld, intake_url: str) -> None:
    app = {
        "client_key": CLIENT_KEY,
        "client_secret": SECRET,
        "webhook_url": f"{intake_url}/webhooks/douyin/{CLIENT_KEY}",
        "spi_url": f"{intake_url}/spi/douyin/{{action}}",
        "merchants": [{"account_id": ACCOUNT, "name": "一禾堂", "pois": [{"poi_id": POI}]}],
    }
    await world.control("POST", "apps", app)


async def redeem(till: Till, code: str) -> Answer:
    """Scan and redeem; the first refusal ends it."""
    prepared = await till.scan(code)
    if prepared.status != 200:
        return prepared
    coupon_ids = [one["coupon_id"] for one in prepared.body["coupons"] if one["usable"]]
    if not coupon_ids:
        return Answer(409, prepared.body, prepared.raw, prepared.headers)
    return await till.put(prepared.body["preparation_id"], coupon_ids)
