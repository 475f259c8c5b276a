"""A counter in a store: redemption with its real neighbours, and the simulator as the platform."""

import asyncio
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
from shared.contracts.envelope import Event
from shared.messaging.broker import STREAM
from tests.conftest import NewDatabase
from tests.integration.intake.support import CLIENT_KEY, IntakeUnderTest, running_intake
from tests.integration.redemption.platform import (
    ACCOUNT,
    OTHER_POI,
    POI,
    Json,
    Platform,
    introduce_app,
    simulator_settings,
)
from tests.support.access import Access, running_access
from tests.support.documented import assert_documented
from tests.support.waiting import eventually

MERCHANT = "yihetang"


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
            answer = json.loads(raw or b"{}")
            assert_documented("redemption", method, path, response.status, answer)
            return Answer(response.status, answer, raw, response.headers)

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

    async def ledger(self, order: Json) -> list[asyncpg.Record]:
        """The rows of an order's coupons, oldest first."""
        return await self.fetch(
            """
            SELECT ledger.* FROM ledger JOIN redemptions r USING (redemption_id)
             WHERE r.order_id = $1 AND r.platform = 'douyin' ORDER BY r.created_at, coupon_id
            """,
            order["order_id"],
        )

    async def age(self, order: Json, *, seconds: int) -> None:
        """Let the redemptions of an order have been that much earlier."""
        await self.fetch(
            """
            UPDATE ledger SET redeemed_at = redeemed_at - make_interval(secs => $2),
                              cancel_until = cancel_until - make_interval(secs => $2)
              FROM redemptions r
             WHERE r.redemption_id = ledger.redemption_id AND r.order_id = $1
            """,
            order["order_id"],
            seconds,
        )

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
            platform_url = await enter(running_simulator(simulator_settings(platform_database)))
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


async def _introduce(platform: Platform, access: Access, intake: IntakeUnderTest) -> None:
    await access.add_merchant(MERCHANT, account_id=ACCOUNT)
    added = await intake.add_app()
    assert added.status < 300, added.body
    platform.webhook_url = f"{intake.url}/webhooks/douyin/{CLIENT_KEY}"
    await introduce_app(platform, platform.webhook_url, [POI, OTHER_POI])


async def gather(*awaitables: Any) -> list[Any]:
    return list(await asyncio.gather(*awaitables))
