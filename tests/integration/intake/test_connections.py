"""What happens on one connection, whichever way its requests take."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from services.intake.http.webhooks import SUCCESS
from shared.platforms.douyin.signatures import sign_webhook
from tests.conftest import NewDatabase
from tests.integration.intake.support import SECRET, IntakeUnderTest, a_webhook, running_intake
from tests.integration.intake.test_commits import locked_deliveries
from tests.support.access import Access
from tests.support.waiting import eventually


@dataclass
class Wire:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def write(self, data: bytes) -> None:
        self.writer.write(data)

    async def answer(self) -> tuple[int, bytes]:
        """The status and the body of the next answer."""
        async with asyncio.timeout(10):
            head = await self.reader.readuntil(b"\r\n\r\n")
            length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
            return int(head.split()[1]), await self.reader.readexactly(int(length))


@asynccontextmanager
async def connection(intake: IntakeUnderTest) -> AsyncIterator[Wire]:
    host, port = intake.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    yield Wire(reader, writer)
    writer.close()


def a_request(raw: bytes, *, secret: str = SECRET, more: str = "") -> bytes:
    head = (
        f"POST /webhooks/douyin/awdemo HTTP/1.1\r\nHost: x\r\nContent-Length: {len(raw)}\r\n"
        f"X-Douyin-Signature: {sign_webhook(raw, secret)}\r\n{more}\r\n"
    )
    return head.encode() + raw


async def test_requests_sent_ahead_are_answered_in_turn(intake: IntakeUnderTest) -> None:
    async with connection(intake) as wire:
        wire.write(b"".join(a_request(a_webhook()) for _ in range(50)))
        answers = [await wire.answer() for _ in range(50)]
    assert answers == [(200, SUCCESS)] * 50
    assert await intake.count("deliveries") == 50


async def test_a_request_in_many_pieces_is_one_request(intake: IntakeUnderTest) -> None:
    request = a_request(a_webhook())
    async with connection(intake) as wire:
        for start in range(0, len(request), 40):
            wire.write(request[start : start + 40])
            await wire.writer.drain()
            await asyncio.sleep(0)
        assert await wire.answer() == (200, SUCCESS)


async def test_other_routes_and_refusals_share_a_connection_with_webhooks(
    intake: IntakeUnderTest,
) -> None:
    health = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    raw = a_webhook()
    handshake = b'{"event":"verify_webhook","content":{"challenge":7}}'
    async with connection(intake) as wire:
        wire.write(a_request(a_webhook()) + a_request(raw, secret="wrong secret") + health)
        statuses = [(await wire.answer())[0] for _ in range(3)]
        wire.write(a_request(handshake) + a_request(raw) + a_request(b"{"))
        answers = [await wire.answer() for _ in range(3)]
    assert statuses == [200, 401, 200]
    assert [status for status, _ in answers] == [200, 200, 400]
    assert json.loads(answers[0][1]) == {"challenge": 7}
    assert await intake.count("deliveries") == 2


async def test_a_request_that_asks_for_the_end_of_the_connection_gets_it(
    intake: IntakeUnderTest,
) -> None:
    async with connection(intake) as wire:
        wire.write(a_request(a_webhook(), more="Connection: close\r\n"))
        assert (await wire.answer())[0] == 200
        assert await wire.reader.read() == b""


async def test_who_leaves_before_the_answer_harms_nobody(
    intake: IntakeUnderTest,
) -> None:
    async with locked_deliveries(intake.postgres_url):
        for _ in range(10):
            async with connection(intake) as wire:
                wire.write(a_request(a_webhook()))
                await wire.writer.drain()
    assert (await intake.send(a_webhook())).status == 200
    assert await intake.count("deliveries") == 11


async def test_what_is_in_hand_at_the_stop_is_committed_and_answered(
    database: NewDatabase, nats_url: str, access: Access
) -> None:
    url = await database("intake")
    async with AsyncExitStack() as held:
        async with running_intake(url, nats_url, access) as intake:
            await intake.add_app()
            wire = await held.enter_async_context(connection(intake))
            lock = await held.enter_async_context(AsyncExitStack())
            await lock.enter_async_context(locked_deliveries(url))
            wire.write(a_request(a_webhook()))
            # Answered on another connection: the request before it has been taken in.
            await intake.ask("GET", "/healthz")
            releasing = asyncio.create_task(_release_after_stop(intake, lock))
        await releasing
        assert await wire.answer() == (200, SUCCESS)
        assert await intake.count("deliveries") == 1


async def _release_after_stop(intake: IntakeUnderTest, lock: AsyncExitStack) -> None:
    async def nobody_listens() -> bool:
        try:
            async with connection(intake):
                return False
        except ConnectionError:
            return True

    await eventually(nobody_listens, what="the begin of the stop")
    await lock.aclose()


async def test_a_slow_webhook_has_four_seconds_from_its_first_byte_to_the_answer(
    intake: IntakeUnderTest,
) -> None:
    request = a_request(a_webhook())
    async with (
        connection(intake) as trickling,
        connection(intake) as late,
        locked_deliveries(intake.postgres_url),
    ):
        started = asyncio.get_running_loop().time()
        trickling.write(request[:-20])
        late.write(request[:-1])
        await asyncio.sleep(3)  # The body itself is slow: that is what is asked here.
        late.write(request[-1:])
        assert (await late.answer())[0] == 503
        assert (await trickling.answer())[0] == 408
        assert asyncio.get_running_loop().time() - started < 4.9


async def test_half_a_head_is_timed_out(intake: IntakeUnderTest) -> None:
    async with connection(intake) as wire:
        wire.write(a_request(a_webhook())[:30])
        assert (await wire.answer())[0] == 408
