"""Events out by outbox, in by consumer, through real servers and their outages."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import nats
import pytest

from deploy.embedded.nats import prepare_nats
from deploy.embedded.running import running
from shared import messaging
from shared.clock import utc_now
from shared.contracts.access import Revoked
from shared.contracts.envelope import Event
from shared.contracts.making import event
from shared.ids import new_id
from shared.messaging import queries
from shared.messaging.broker import STREAM, Broker, connected
from shared.messaging.consumer import consuming
from shared.messaging.follow import follow
from shared.messaging.outbox import Database
from shared.messaging.relay import relaying
from shared.messaging.subscription import Handler, Subscription
from shared.postgres.connection import Connection
from shared.postgres.migrate import migrate
from shared.postgres.pool import pooled
from tests.conftest import NewDatabase
from tests.support.servers import free_port, temporary_nats
from tests.support.waiting import eventually, until


def an_event(number: int = 0) -> Event:
    revoked = Revoked(principal=f"terminal:{number}", revoked_at=utc_now(), reason="lost")
    return event(revoked, subject=f"terminal:{number}", merchant="acme")


@asynccontextmanager
async def a_service(
    url: str, nats_url: str, *, name: str = "orders"
) -> AsyncIterator[tuple[Database, Broker]]:
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(pooled(url, service=name))
        await migrate(pool, messaging.MIGRATIONS)
        broker = await stack.enter_async_context(connected(nats_url, name=name))
        yield Database(pool), broker


def remembering(into: list[str]) -> Handler:
    async def handle(_conn: Connection, events: Sequence[Event]) -> Sequence[Event]:
        into.extend(event.subject for event in events)
        return ()

    return handle


async def say(database: Database, *events: Event) -> None:
    async with database.transaction() as transaction:
        transaction.emit(events)


async def say_and_fail(database: Database, said: Event) -> None:
    async with database.transaction() as transaction:
        transaction.emit([said])
        raise RuntimeError


async def outgoing(database: Database) -> int:
    async with database.pool.acquire() as conn:
        return await queries.count_outgoing(conn)


def heard(into: list[str], count: int) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        return len(set(into)) >= count

    return look


async def test_an_event_leaves_with_the_commit_and_is_heard(
    database: NewDatabase, nats_url: str
) -> None:
    into: list[str] = []
    async with a_service(await database(), nats_url) as (db, broker):
        subscriptions = (Subscription("terminal.>", remembering(into)),)
        async with relaying(db, broker), consuming(db, broker, subscriptions, durable="orders"):
            await say(db, *(an_event(number) for number in range(700)))
            await eventually(heard(into, 700))
            assert await outgoing(db) == 0


async def test_a_rolled_back_transaction_says_nothing(database: NewDatabase, nats_url: str) -> None:
    async with a_service(await database(), nats_url) as (db, _):
        with pytest.raises(RuntimeError):
            await say_and_fail(db, an_event())
        assert await outgoing(db) == 0


async def test_one_bad_event_does_not_hold_up_the_others_and_ends_as_a_dead_letter(
    database: NewDatabase, nats_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.messaging.consumer._NAK_SECONDS", 0.01)
    into: list[str] = []

    async def picky(_conn: Connection, events: Sequence[Event]) -> Sequence[Event]:
        if any(event.subject == "terminal:3" for event in events):
            message = "terminal 3 again"
            raise ValueError(message)
        into.extend(event.subject for event in events)
        return ()

    async with a_service(await database(), nats_url) as (db, broker):
        subscriptions = (Subscription("terminal.>", picky),)
        async with relaying(db, broker), consuming(db, broker, subscriptions, durable="orders"):
            await say(db, *(an_event(number) for number in range(10)))
            await eventually(heard(into, 9))

            async def buried() -> int:
                async with db.pool.acquire() as conn:
                    return await queries.count_dead_letters(conn)

            await eventually(buried)
            async with db.pool.acquire() as conn:
                letters = await queries.list_dead_letters(conn, state="dead", after=None, limit=9)
    assert [(letter.cause, letter.detail, letter.attempts) for letter in letters] == [
        ("ValueError", "terminal 3 again", 5)
    ]


async def test_nats_may_be_away_at_the_start_and_go_away_in_between(
    database: NewDatabase, tmp_path: Path
) -> None:
    into: list[str] = []
    port = free_port()
    async with a_service(await database(), f"nats://127.0.0.1:{port}") as (db, broker):
        subscriptions = (Subscription("terminal.>", remembering(into)),)
        async with relaying(db, broker), consuming(db, broker, subscriptions, durable="orders"):
            await say(db, an_event(0))
            async with temporary_nats(tmp_path, port=port):
                await eventually(heard(into, 1))
            await say(db, an_event(1))
            async with temporary_nats(tmp_path, port=port):
                await eventually(heard(into, 2), within_seconds=30)


async def test_a_deleted_stream_is_made_anew_and_rebuilt_from_postgres(
    database: NewDatabase, nats_url: str
) -> None:
    into: list[str] = []
    began = utc_now()
    async with a_service(await database(), nats_url) as (db, broker):
        subscriptions = (Subscription("terminal.>", remembering(into)),)
        async with relaying(db, broker), consuming(db, broker, subscriptions, durable="orders"):
            await say(db, *(an_event(number) for number in range(5)))
            await eventually(heard(into, 5))
            into.clear()
            client = await nats.connect(nats_url)
            await client.jetstream().delete_stream(STREAM)
            await client.close()
            async with db.transaction() as transaction:
                await queries.republish_since(transaction.conn, began)
            await eventually(heard(into, 5), within_seconds=30)


async def test_a_follower_hears_from_the_start_and_then_what_is_new(
    database: NewDatabase, nats_url: str
) -> None:
    async with a_service(await database(), nats_url) as (db, broker), relaying(db, broker):
        await say(db, an_event(0))
        events = follow(broker, ["qiao.v1.*.terminal.>"], from_start=True)
        async with asyncio.timeout(15):
            assert (await anext(events)).subject == "terminal:0"
            await say(db, an_event(1))
            assert (await anext(events)).subject == "terminal:1"
        await events.aclose()  # type: ignore[attr-defined]


async def test_a_service_sees_no_other_schema(database: NewDatabase) -> None:
    url = await database()
    async with pooled(url, service="intake") as intake:
        await intake.execute("CREATE TABLE secrets (value text)")
    async with pooled(url, service="orders") as orders:
        with pytest.raises(Exception, match="permission denied for schema intake"):
            await orders.fetch("SELECT * FROM intake.secrets")


async def test_migrations_run_once_from_many_processes(database: NewDatabase) -> None:
    url = await database()
    async with pooled(url, service="orders", max_size=8) as pool:
        await asyncio.gather(*(migrate(pool, messaging.MIGRATIONS) for _ in range(6)))
        assert await pool.fetchval("SELECT count(*) FROM schema_migrations") == 1


async def test_a_server_that_hangs_is_not_called_connected(
    database: NewDatabase, tmp_path: Path
) -> None:
    server = prepare_nats(tmp_path / "nats", host="127.0.0.1", port=free_port())
    async with (
        running(server.program, log=tmp_path / "nats.log") as process,
        a_service(await database(), server.url) as (_, broker),
    ):
        await until(lambda: broker.connected)
        process.send_signal(signal.SIGSTOP)
        try:
            await until(lambda: not broker.connected, within_seconds=5)
        finally:
            process.send_signal(signal.SIGCONT)
        await until(lambda: broker.connected)


async def test_what_is_no_event_is_buried_under_the_id_it_has(
    database: NewDatabase, nats_url: str
) -> None:
    event_id = new_id()
    async with a_service(await database(), nats_url) as (db, broker):
        subscriptions = (Subscription("terminal.>", remembering([])),)
        async with consuming(db, broker, subscriptions, durable="orders"):
            jetstream = await broker.jetstream()
            for payload in (b'{"id": "%s"}' % str(event_id).encode(), b"[]", b"no JSON"):
                await jetstream.publish("qiao.v1.acme.terminal.revoked", payload)

            async def buried() -> int:
                async with db.pool.acquire() as conn:
                    return int(await queries.count_dead_letters(conn) == 3)

            await eventually(buried)
        async with db.pool.acquire() as conn:
            letters = await queries.list_dead_letters(conn, state="dead", after=None, limit=9)
    assert {letter.event_id for letter in letters} == {event_id, None}
