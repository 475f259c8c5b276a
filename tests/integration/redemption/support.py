"""A counter in a store: redemption with its real neighbours, and the simulator as the platform."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import aiohttp
import asyncpg
import nats

from services.redemption.service import running
from services.redemption.settings import Settings
from services.simulator.service import running as running_simulator
from services.simulator.settings import Settings as SimulatorSettings
from shared.contracts.envelope import Event
from shared.messaging.broker import STREAM
from tests.conftest import NewDatabase
from tests.integration.intake.support import CLIENT_KEY, SECRET, IntakeUnderTest, running_intake
from tests.support.access import Access, running_access
from tests.support.waiting import eventually

MERCHANT = "yihetang"
ACCOUNT = "7113893944009705516"
POI, OTHER_POI = "6601248937917548558", "6601248937917548559"
PRICE_FEN = 8800
SKU = {"title": "双人下午茶套餐", "price_fen": PRICE_FEN}

Json = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    status: int
    body: Json
    raw: bytes
    headers: Mapping[str, str]

    @property
    def reason(self) -> str | None:
        return self.body.get("reason")

    @property
    def outcome(self) -> str | None:
        return self.body.get("outcome")


@dataclass
class Platform:
    """The simulator: its customers' orders, its moods, and what it knows in the end."""

    url: str
    session: aiohttp.ClientSession
    postgres_url: str = ""
    webhook_url: str = ""

    async def control(self, method: str, path: str, body: object = None) -> Json:
        async with self.session.request(method, f"{self.url}/sim/v1/{path}", json=body) as response:
            assert response.status < 300, await response.text()
            answer: Json = await response.json()
            return answer

    async def orders(
        self, number: int, *, coupons: int = 1, sku: Json | None = None, **changes: Any
    ) -> list[Json]:
        order = {"account_id": ACCOUNT, "sku": SKU | (sku or {}), "count": coupons, **changes}
        answer = await self.control("POST", "orders", {"orders": [order] * number})
        placed: list[Json] = answer["orders"]
        return placed

    async def order(self, **changes: Any) -> Json:
        return (await self.orders(1, **changes))[0]

    async def faults(self, **calls: Json) -> None:
        """`verify={"dropped_after": 1000}` and so on; none at all ends them."""
        await self.control("PUT", "faults", {"calls": calls})

    async def add_poi(self, poi_id: str) -> None:
        await introduce_app(self, self.webhook_url, [POI, OTHER_POI, poi_id])

    async def webhooks_late(self, seconds: float) -> None:
        late = {"late": 1000 if seconds else 0, "late_seconds": seconds}
        await self.control("PUT", "faults", {"webhooks": late})

    async def webhooks_lost(self) -> None:
        await self.control("PUT", "faults", {"webhooks": {"lost": 1000}})

    async def coupons(self, order: Json) -> list[str]:
        """The states of an order's coupons as the platform knows them."""
        after = base64.urlsafe_b64encode(json.dumps([str(int(order["order_id"]) - 1)]).encode())
        book = await self.control("GET", f"books?limit=1&cursor={after.decode()}")
        (found,) = book["items"]
        assert found["order_id"] == order["order_id"]
        return [coupon["state"] for coupon in found["coupons"]]

    async def redeem_elsewhere(self, order: Json, *, poi_id: str) -> str:
        """With the platform's own app, say. Gives the verify_id."""
        prepared = await self.call(
            "GET", "prepare/", code=order["coupons"][0]["code"], poi_id=poi_id
        )
        verified = await self.call(
            "POST",
            "verify/",
            {
                "verify_token": prepared["verify_token"],
                "poi_id": poi_id,
                "encrypted_codes": [prepared["certificates"][0]["encrypted_code"]],
            },
        )
        (result,) = verified["verify_results"]
        assert result["result"] == 0
        return str(result["verify_id"])

    async def cancel_elsewhere(self, order: Json, *, verify_id: str) -> None:
        coupon_id = order["coupons"][0]["certificate_id"]
        await self.call("POST", "cancel/", {"verify_id": verify_id, "certificate_id": coupon_id})

    async def call(self, method: str, call: str, body: object = None, **query: str) -> Json:
        app = {"client_key": CLIENT_KEY, "client_secret": SECRET}
        async with self.session.post(
            f"{self.url}/oauth/stable_client_token/",
            json=app | {"grant_type": "client_credential"},
        ) as response:
            token = (await response.json())["data"]["access_token"]
        async with self.session.request(
            method,
            f"{self.url}/goodlife/v1/fulfilment/certificate/{call}",
            json=body,
            params=query,
            headers={"access-token": token},
        ) as response:
            data: Json = (await response.json())["data"]
            assert data["error_code"] == 0, data
            return data

    async def forget_tokens(self, order: Json) -> None:
        """As the platform does with verify tokens after a while."""
        conn = await asyncpg.connect(
            self.postgres_url, server_settings={"search_path": "simulator"}
        )
        try:
            await conn.execute(
                "DELETE FROM preparations WHERE order_id = $1", int(order["order_id"])
            )
        finally:
            await conn.close()


@dataclass
class Till:
    """A terminal: it scans, redeems, takes back."""

    url: str
    session: aiohttp.ClientSession
    token: str

    async def ask(self, method: str, path: str, body: object = None, **query: str) -> Answer:
        async with self.session.request(
            method,
            self.url + path,
            data=None if body is None else json.dumps(body),
            params=query,
            headers={"Authorization": f"Bearer {self.token}"},
        ) as response:
            raw = await response.read()
            return Answer(response.status, json.loads(raw or b"{}"), raw, response.headers)

    async def scan(self, text: str, **more: str) -> Answer:
        return await self.ask("POST", "/v1/preparations", {"scan": text, **more})

    async def put(
        self, preparation_id: str, coupon_ids: Sequence[str], redemption_id: str | None = None
    ) -> Answer:
        body = {"preparation_id": preparation_id, "coupon_ids": list(coupon_ids)}
        return await self.ask("PUT", f"/v1/redemptions/{redemption_id or uuid4()}", body)

    async def redeem(self, scan: str, redemption_id: str | None = None) -> Answer:
        """Scan and redeem everything usable."""
        prepared = await self.scan(scan)
        assert prepared.status == 200, prepared.body
        coupon_ids = [one["coupon_id"] for one in prepared.body["coupons"] if one["usable"]]
        return await self.put(prepared.body["preparation_id"], coupon_ids, redemption_id)

    async def cancel(
        self, redemption_id: str, cancel_id: str | None = None, reason: str = "wrong customer"
    ) -> Answer:
        body = {"cancel_id": cancel_id or str(uuid4()), "reason": reason}
        return await self.ask("POST", f"/v1/redemptions/{redemption_id}/cancel", body)

    async def settled(self, redemption_id: str) -> Answer:
        async def look() -> Answer | None:
            answer = await self.ask("GET", f"/v1/redemptions/{redemption_id}")
            return answer if answer.outcome != "pending" else None

        return await eventually(look, within_seconds=30, what="a settled redemption") or Answer(
            0, {}, b"", {}
        )


@dataclass
class World:
    """Everything around one redemption service; more workers can be started beside it."""

    platform: Platform
    access: Access
    intake: IntakeUnderTest
    postgres_url: str
    nats_url: str
    session: aiohttp.ClientSession
    stores: Mapping[str, str]
    changes: Mapping[str, Any] = field(default_factory=dict)
    url: str = ""

    def settings(self, **changes: Any) -> Settings:
        chosen = {
            "postgres_url": self.postgres_url,
            "nats_url": self.nats_url,
            "master_key": self.access.master_key,
            "access_url": self.access.url,
            "intake_url": self.intake.url,
            "douyin_base_url": self.platform.url,
            "douyin_short_link_origins": self.platform.url,
            "redemption_port": 0,
            "redemption_calls_per_second": 5000,
        }
        return Settings.model_validate(chosen | dict(self.changes) | changes)

    @asynccontextmanager
    async def worker(self, **changes: Any) -> AsyncIterator[str]:
        """One more redemption service on the same database; yields its URL once it is ready."""
        async with running(self.settings(**changes)) as url:

            async def ready() -> bool:
                async with self.session.get(f"{url}/readyz") as response:
                    return response.status == 200

            await eventually(ready, what="readyz")
            yield url

    async def till(self, poi_id: str = POI, *, url: str | None = None) -> Till:
        terminal = await self.access.add_terminal(self.stores[poi_id])
        return Till(url or self.url, self.session, await terminal.token())

    async def fetch(self, statement: str, *arguments: Any) -> list[asyncpg.Record]:
        conn = await asyncpg.connect(
            self.postgres_url,
            server_settings={"role": "qiao_redemption", "search_path": "redemption"},
        )
        try:
            return list(await conn.fetch(statement, *arguments))
        finally:
            await conn.close()

    async def events(self, order: Json, *, number: int = 1) -> list[Event]:
        """What redemption has said of an order, once it has said that many things."""

        async def said() -> list[Event]:
            rows = await self.fetch("SELECT payload FROM outbox ORDER BY seq")
            events = [Event.model_validate_json(row["payload"]) for row in rows]
            return [event for event in events if event.data.get("order_id") == order["order_id"]]

        async def enough() -> list[Event]:
            events = await said()
            return events if len(events) >= number else []

        await eventually(enough, what=f"{number} events")
        return await said()

    async def heard(self, order: Json, event_type: str) -> Event:
        """The same as a subscriber hears it, through NATS."""
        client = await nats.connect(self.nats_url)
        try:
            subject = f"qiao.v1.{MERCHANT}.{event_type}"
            pull = await client.jetstream().pull_subscribe(subject, stream=STREAM)

            async def look() -> Event | None:
                for message in await pull.fetch(100, timeout=5):
                    event = Event.model_validate_json(message.data)
                    if event.data["order_id"] == order["order_id"]:
                        return event
                return None

            found = await eventually(look, what=event_type)
            assert found is not None
            return found
        finally:
            await client.close()

    async def stores_known(self) -> None:
        async def known() -> bool:
            return len(await self.fetch("SELECT FROM stores")) >= len(self.stores)

        await eventually(known, what="the stores")


@asynccontextmanager
async def a_world(
    database: NewDatabase,
    nats_url: str,
    *,
    platform_url: str | None = None,
    workers: int = 1,
    **changes: Any,
) -> AsyncIterator[World]:
    """One merchant with two stores, its application at the platform, and its redemption.

    `changes` replace settings of redemption. The simulator is started unless one is named.
    """
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        session = await enter(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))
        platform_database = "" if platform_url else await database("simulator")
        if platform_url is None:
            platform_url = await enter(running_simulator(_simulator(platform_database)))
        platform = Platform(platform_url, session, platform_database)
        access = await enter(running_access(await database("access"), nats_url))
        intake = await enter(
            running_intake(await database("intake"), nats_url, access, douyin_base_url=platform.url)
        )
        await _introduce(platform, access, intake)
        stores = {
            poi: await access.add_store(MERCHANT, poi_id=poi, name=name, time_zone="Asia/Shanghai")
            for poi, name in ((POI, "人民广场店"), (OTHER_POI, "静安寺店"))
        }
        world = World(
            platform,
            access,
            intake,
            await database("redemption"),
            nats_url,
            session,
            stores,
            changes,
        )
        if workers:
            world.url = await enter(world.worker())
            await world.stores_known()
        yield world


def _simulator(postgres_url: str) -> SimulatorSettings:
    return SimulatorSettings.model_validate(
        {
            "postgres_url": postgres_url,
            "master_key": "A" * 43 + "=",
            "simulator_port": 0,
            "simulator_webhook_retry_seconds": 0.05,
            "simulator_refund_seconds": 0.1,
            "simulator_prepare_per_second": 10_000,
        }
    )


async def _introduce(platform: Platform, access: Access, intake: IntakeUnderTest) -> None:
    await access.add_merchant(MERCHANT, account_id=ACCOUNT)
    added = await intake.add_app()
    assert added.status < 300, added.body
    platform.webhook_url = f"{intake.url}/webhooks/douyin/{CLIENT_KEY}"
    await introduce_app(platform, platform.webhook_url, [POI, OTHER_POI])


async def introduce_app(platform: Platform, webhook_url: str, pois: Sequence[str]) -> None:
    """Say again who the merchant is and which stores it has."""
    merchant = {
        "account_id": ACCOUNT,
        "name": "一禾堂",
        "pois": [{"poi_id": poi_id} for poi_id in pois],
    }
    await platform.control(
        "POST",
        "apps",
        {
            "client_key": CLIENT_KEY,
            "client_secret": SECRET,
            "webhook_url": webhook_url,
            "merchants": [merchant],
        },
    )


async def gather(*awaitables: Any) -> list[Any]:
    return list(await asyncio.gather(*awaitables))
