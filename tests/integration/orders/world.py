"""Orders with its real neighbours, and the simulator as the platform."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from services.simulator.service import running as running_simulator
from services.simulator.settings import Settings as SimulatorSettings
from tests.conftest import NewDatabase
from tests.integration.intake.support import (
    CLIENT_KEY,
    SECRET,
    IntakeUnderTest,
    running_intake,
)
from tests.integration.orders.support import ACCOUNT, MERCHANT, OrdersUnderTest, running_orders
from tests.support.access import MASTER_KEY, running_access

POI = "6601248937917548558"
Json = dict[str, Any]


@dataclass
class Platform:
    """The simulator's controls, and its calls as an app makes them."""

    url: str
    session: aiohttp.ClientSession

    async def control(self, method: str, path: str, body: object = None) -> Json:
        async with self.session.request(method, f"{self.url}/sim/v1/{path}", json=body) as answer:
            assert answer.status < 300, await answer.text()
            read: Json = await answer.json()
            return read

    async def subscribe(self, webhook_url: str | None) -> None:
        """With no address the platform tells us nothing."""
        app = {
            "client_key": CLIENT_KEY,
            "client_secret": SECRET,
            "webhook_url": webhook_url,
            "merchants": [{"account_id": ACCOUNT, "pois": [{"poi_id": POI}]}],
        }
        await self.control("POST", "apps", app)

    async def fetch_token(self) -> None:
        body = {
            "client_key": CLIENT_KEY,
            "client_secret": SECRET,
            "grant_type": "client_credential",
        }
        async with self.session.post(f"{self.url}/oauth/client_token/", json=body) as answer:
            assert (await answer.json())["data"]["error_code"] == 0

    async def place(self, number: int, *, coupons: int = 1) -> list[Json]:
        order = {
            "account_id": ACCOUNT,
            "sku": {"title": "双人下午茶套餐", "price_fen": 8800},
            "count": coupons,
        }
        answer = await self.control("POST", "orders", {"orders": [order] * number})
        placed: list[Json] = answer["orders"]
        return placed

    async def refund(self, *orders: Json) -> None:
        coupons = [one["certificate_id"] for order in orders for one in order["coupons"]]
        await self.control("POST", "refunds", {"certificate_ids": coupons})


@dataclass
class World:
    platform: Platform
    intake: IntakeUnderTest
    orders: OrdersUnderTest


@asynccontextmanager
async def a_world(database: NewDatabase, nats_url: str, **settings: Any) -> AsyncIterator[World]:
    """A merchant whose application the platform does not yet tell anything."""
    async with AsyncExitStack() as stack:
        url = await database()
        simulator = SimulatorSettings(
            postgres_url=url,
            master_key=MASTER_KEY,
            simulator_port=0,
            simulator_refund_seconds=0,
            # Whoever fetches a token ends the one before at once.
            simulator_token_overlap_seconds=0,
        )
        base_url = await stack.enter_async_context(running_simulator(simulator))
        access = await stack.enter_async_context(running_access(url, nats_url))
        await access.add_merchant(MERCHANT, account_id=ACCOUNT)
        platform = Platform(base_url, access.session)
        await platform.subscribe(None)
        intake = await stack.enter_async_context(
            running_intake(url, nats_url, access, douyin_base_url=base_url)
        )
        orders = await stack.enter_async_context(
            running_orders(
                url,
                nats_url,
                access,
                intake_url=intake.url,
                douyin_base_url=base_url,
                **settings,
            )
        )
        yield World(platform, intake, orders)
