"""Servers that go away: what senders hear meanwhile, and that nothing is lost."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

from deploy.embedded.nats import prepare_nats
from deploy.embedded.postgres import prepare_postgres
from deploy.embedded.running import running
from tests.conftest import NewDatabase
from tests.integration.intake.support import IntakeUnderTest, a_webhook, running_intake
from tests.support.access import Access
from tests.support.servers import apply_init, free_port
from tests.support.waiting import eventually


async def test_while_nats_is_away_webhooks_are_taken_and_afterwards_all_are_published(
    database: NewDatabase, access: Access, tmp_path: Path
) -> None:
    port = free_port()
    program = prepare_nats(tmp_path / "nats", host="127.0.0.1", port=port).program
    url, nats_url = await database("intake"), f"nats://127.0.0.1:{port}"
    async with running_intake(url, nats_url, access) as intake:
        await intake.add_app()
        assert (await intake.send(a_webhook())).status == 200
        async with running(program, log=tmp_path / "nats.log"):
            await intake.until_published()
        answers = await asyncio.gather(*(intake.send(a_webhook()) for _ in range(300)))
        assert {answer.status for answer in answers} == {200}
        assert await intake.count("deliveries_pending") == 300
        async with running(program, log=tmp_path / "nats.log"):
            await intake.until_published()
            events = await intake.events("qiao.v1.*.platform.>")
    assert len({event.id for event in events}) == 301


async def test_while_postgres_is_away_the_answer_is_503_and_nothing_acknowledged_is_lost(
    nats_url: str, access: Access, tmp_path: Path
) -> None:
    server = await prepare_postgres(tmp_path / "postgres" / "data", durable=True)
    log = tmp_path / "postgres.log"
    async with AsyncExitStack() as postgres:
        await postgres.enter_async_context(running(server.program, log=log))
        await apply_init(server.url("postgres"))
        async with running_intake(server.url("postgres"), nats_url, access) as intake:
            await intake.add_app()
            sender = Sender(intake)
            sending = asyncio.create_task(sender.send_until_told())
            await eventually(lambda: sender.heard(200), what="the first 200")
            await postgres.aclose()
            await eventually(lambda: sender.heard(503), what="503 while postgres is away")
            acknowledged_before = len(sender.acknowledged)
            await postgres.enter_async_context(running(server.program, log=log))
            await eventually(
                lambda: sender.more_than(acknowledged_before), what="200 after the return"
            )
            sender.told.set()
            await sending
            rows = await intake.fetch("SELECT msg_id FROM deliveries")
            assert sender.acknowledged <= {row["msg_id"] for row in rows}
            assert set(sender.statuses) == {200, 503}
            await intake.until_published()
            assert len(await intake.events("qiao.v1.*.platform.>")) == len(rows)


async def test_while_the_disk_is_full_the_answer_is_503_and_intake_stays_alive(
    intake: IntakeUnderTest,
) -> None:
    """The server says so as it would; nothing else about a full disk can be had in a test."""
    tables = ("deliveries", "app_hours", "deliveries_pending")
    await intake.fetch(
        """
        CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'no space left on device' USING ERRCODE = '53100'; END $$
        """
    )
    assert (await intake.send(a_webhook())).status == 200
    for table in tables:
        await intake.fetch(
            f"CREATE TRIGGER full_disk BEFORE INSERT OR DELETE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION no_room()"
        )
    answers = await asyncio.gather(*(intake.send(a_webhook()) for _ in range(20)))
    assert {(answer.status, answer.headers["Retry-After"]) for answer in answers} == {(503, "1")}
    for table in tables:
        await intake.fetch(f"DROP TRIGGER full_disk ON {table}")
    assert (await intake.send(a_webhook())).status == 200
    await intake.until_published()
    assert len(await intake.events("qiao.v1.*.platform.>")) == 2


class Sender:
    """Sends one webhook after the other, whatever the answers are."""

    def __init__(self, intake: IntakeUnderTest) -> None:
        self._intake = intake
        self.told = asyncio.Event()
        self.acknowledged: set[str] = set()
        self.statuses: list[int] = []

    async def send_until_told(self) -> None:
        number = 0
        while not self.told.is_set():
            number += 1
            answer = await self._intake.send(a_webhook(), msg_id=f"m-{number}")
            self.statuses.append(answer.status)
            if answer.status == 200:
                self.acknowledged.add(f"m-{number}")
            else:
                assert answer.headers["Retry-After"] == "1"

    async def heard(self, status: int) -> bool:
        return status in self.statuses

    async def more_than(self, number: int) -> bool:
        return len(self.acknowledged) > number
