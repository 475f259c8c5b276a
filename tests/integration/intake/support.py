"""What the tests of intake do again and again: sign, send, ask, read the stream and the tables."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import asyncpg
import nats

from services.intake.service import running
from services.intake.settings import Settings
from shared.contracts.envelope import Event
from shared.messaging.broker import STREAM
from shared.platforms.douyin.signatures import sign_webhook
from tests.support.access import Access
from tests.support.documented import assert_documented
from tests.support.waiting import eventually

MERCHANT = "yihetang"
CLIENT_KEY = "awdemo"
SECRET = "0123456789abcdef0123456789abcdef"
SUCCESS = {"data": {"error_code": 0, "description": "success"}}
_numbers = itertools.count(1)


def a_webhook(event: str = "life_trade_order_notify", **content: Any) -> bytes:
    """A body as the platform writes it: the content is JSON inside a string."""
    number = next(_numbers)
    inner = {
        "action": "pay_success",
        "msg_time": 1_790_000_000 + number,
        "order": {"order_id": f"10{number:016}", "account_id": "7094221573452761123"},
    } | content
    return json.dumps(
        {
            "event": event,
            "client_key": CLIENT_KEY,
            "from_user_id": "",
            "content": json.dumps(inner, ensure_ascii=False, separators=(",", ":")),
            "log_id": "",
        },
        ensure_ascii=False,
        separators=(",", ":"),
    ).encode()


@dataclass
class Answer:
    status: int
    body: Any
    headers: Mapping[str, str]


@dataclass
class IntakeUnderTest:
    url: str
    postgres_url: str
    nats_url: str
    access: Access
    session: aiohttp.ClientSession

    async def send(
        self,
        raw: bytes,
        *,
        msg_id: str | None = None,
        secret: str = SECRET,
        client_key: str = CLIENT_KEY,
        headers: Mapping[str, str] | None = None,
        data: Any = None,
    ) -> Answer:
        """Deliver as the platform does. `data` replaces the body that was signed."""
        signed = {
            "X-Douyin-Signature": sign_webhook(raw, secret),
            "Content-Type": "application/json",
            **({} if msg_id is None else {"Msg-Id": msg_id}),
            **(headers or {}),
        }
        return await self.ask(
            "POST",
            f"/webhooks/douyin/{client_key}",
            data=raw if data is None else data,
            headers=signed,
        )

    async def call(
        self, method: str, path: str, body: object = None, *, token: str | None = None
    ) -> Answer:
        """As the operator unless another token is given."""
        token = token or await self.access.operator_token()
        return await self.ask(
            method,
            path,
            data=None if body is None else json.dumps(body),
            headers={"Authorization": f"Bearer {token}"},
        )

    async def ready(self) -> None:
        async def is_ready() -> bool:
            return (await self.ask("GET", "/readyz")).status == 200

        await eventually(is_ready, what="readyz")

    async def add_app(
        self, *, client_key: str = CLIENT_KEY, secret: str | None = SECRET, **more: Any
    ) -> Answer:
        body = {"client_key": client_key, "merchant": MERCHANT, "secret": secret, **more}
        return await self.call("POST", "/v1/apps", body)

    async def fetch(self, statement: str, *arguments: Any) -> list[asyncpg.Record]:
        conn = await asyncpg.connect(
            self.postgres_url, server_settings={"role": "qiao_intake", "search_path": "intake"}
        )
        try:
            return list(await conn.fetch(statement, *arguments))
        finally:
            await conn.close()

    async def count(self, table: str) -> int:
        return int((await self.fetch(f"SELECT count(*) FROM {table}"))[0][0])  # noqa: S608

    async def until_published(self) -> None:
        async def nothing_waits() -> bool:
            return await self.count("deliveries_pending") == 0 and not await self.count(
                "outbox_pending"
            )

        await eventually(nothing_waits, what="an empty queue of the relay")

    async def events(self, subject: str = "qiao.v1.>") -> list[Event]:
        """Everything in the stream at this moment."""
        client = await nats.connect(self.nats_url)
        try:
            pull = await client.jetstream().pull_subscribe(subject, stream=STREAM)
            events = []
            while (await pull.consumer_info()).num_pending:
                for message in await pull.fetch(500, timeout=2):
                    events.append(Event.model_validate_json(message.data))
                    await message.ack()
            return events
        finally:
            await client.close()

    async def ask(self, method: str, path: str, **options: Any) -> Answer:
        async with self.session.request(method, self.url + path, **options) as response:
            raw = await response.read()
            body = json.loads(raw) if response.content_type == "application/json" else raw.decode()
            if path.startswith("/v1/"):
                assert_documented("intake", method, path, response.status, body)
            return Answer(response.status, body, response.headers)


@asynccontextmanager
async def running_intake(
    postgres_url: str, nats_url: str, access: Access, **settings: Any
) -> AsyncIterator[IntakeUnderTest]:
    """Intake on a free port; `settings` replace those of the tests."""
    chosen = {
        "postgres_url": postgres_url,
        "nats_url": nats_url,
        "master_key": access.master_key,
        "access_url": access.url,
        "intake_port": 0,
    } | settings
    async with (
        running(Settings.model_validate(chosen)) as url,
        aiohttp.ClientSession() as session,
    ):
        intake = IntakeUnderTest(url, postgres_url, nats_url, access, session)
        await intake.ready()
        yield intake


async def gather(*awaitables: Any) -> list[Any]:
    return list(await asyncio.gather(*awaitables))
