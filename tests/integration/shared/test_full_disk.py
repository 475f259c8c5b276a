"""A server without room delays; it ends nothing. The server itself says so, as it would."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import asyncpg
import pytest
from structlog.testing import capture_logs

from shared import messaging
from shared.contracts.envelope import Event
from shared.messaging.consumer import consuming
from shared.messaging.outbox import Database
from shared.messaging.relay import relaying
from shared.messaging.subscription import Subscription
from shared.postgres.connection import Connection, is_outage
from shared.postgres.migrate import migrate
from shared.postgres.pool import pooled
from tests.conftest import NewDatabase
from tests.integration.shared.test_messaging import a_service, an_event, outgoing, say
from tests.support.waiting import eventually, until

_NO_ROOM = """
    CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'no space left on device' USING ERRCODE = '{code}'; END $$
"""


@asynccontextmanager
async def without_room(url: str, *tables: str, code: str = "53100") -> AsyncIterator[None]:
    """Whatever is written to these tables of service orders finds no room."""
    conn = await asyncpg.connect(url)
    try:
        await conn.execute("SET search_path = orders")
        await conn.execute(_NO_ROOM.format(code=code))
        for table in tables:
            await conn.execute(
                f"CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE OR DELETE ON {table}"
                " FOR EACH STATEMENT EXECUTE FUNCTION no_room()"
            )
        yield
        await conn.execute("DROP FUNCTION no_room() CASCADE")
    finally:
        await conn.close()


@pytest.mark.parametrize(
    "code",
    ["53100", "53200", "53300", "53400", "58030", "57P01", "57P02", "57P03", "25006", "25P03"],
)
async def test_what_the_server_cannot_do_now_is_an_outage_and_no_fault(
    database: NewDatabase, code: str
) -> None:
    async with pooled(await database(), service="orders") as pool:
        with pytest.raises(Exception) as refused:  # noqa: PT011 - which one is what is asked
            await pool.execute(f"DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{code}'; END $$")
    assert is_outage(refused.value)


async def test_relay_housekeeping_and_consumer_outlive_a_full_disk(
    database: NewDatabase, nats_url: str
) -> None:
    async def echo(_conn: Connection, events: Sequence[Event]) -> Sequence[Event]:
        return [an_event(int(one.subject.partition(":")[2]) + 100) for one in events]

    url = await database()
    async with a_service(url, nats_url) as (db, broker), AsyncExitStack() as stack:
        heard = Subscription("terminal.>", echo)
        await say(db, an_event(1))
        with capture_logs() as logged:
            async with without_room(url, "outbox", "outbox_pending"):
                await stack.enter_async_context(relaying(db, broker))
                consumer = consuming(db, broker, (heard,), durable="orders")
                await stack.enter_async_context(consumer)
                with pytest.raises(asyncpg.DiskFullError):
                    await say(db, an_event(2))
                await until(lambda: said(logged, "relay_delayed"))
                await until(lambda: said(logged, "consumer_restarted"))
        await eventually(lambda: published(db, 2), what="what was said, and its echo")


async def test_a_start_waits_for_room(database: NewDatabase) -> None:
    url = await database()
    async with pooled(url, service="orders") as pool:
        await migrate(pool)
        with capture_logs() as logged:
            async with without_room(url, "schema_migrations"):
                starting = asyncio.create_task(migrate(pool, messaging.MIGRATIONS))
                await until(lambda: starting.done() or said(logged, "start_delayed"))
            await starting
        assert await outgoing(Database(pool)) == 0


def said(logged: Sequence[Mapping[str, object]], what: str) -> bool:
    return any(line["event"] == what for line in logged)


async def published(database: Database, number: int) -> bool:
    async with database.pool.acquire() as conn:
        stored = await conn.fetchval("SELECT count(*) FROM outbox")
    return bool(stored >= number) and await outgoing(database) == 0
