"""Intake is killed between a question and its answer; the platform asks again."""

import asyncio
import contextlib
from pathlib import Path

import aiohttp

from tests.conftest import NewDatabase
from tests.integration.intake.asking import Platform, a_hanging_port, error_code
from tests.integration.intake.support import IntakeUnderTest, running_intake
from tests.integration.redemption.processes import a_service
from tests.support.access import Access
from tests.support.servers import free_port
from tests.support.waiting import eventually

ORDER = {"order_id": "8001", "sku_id": "1", "count": 1}
PRE_CREATE = "trade.order.pre_create_order"


async def test_a_question_whose_answer_was_lost_is_on_record_once_and_is_answered_when_asked_again(
    database: NewDatabase, nats_url: str, access: Access, tmp_path: Path
) -> None:
    url = await database("intake")
    async with running_intake(url, nats_url, access) as intake:
        await intake.add_app()
    environment = {
        "QIAO_POSTGRES_URL": url,
        "QIAO_NATS_URL": nats_url,
        "QIAO_MASTER_KEY": access.master_key,
        "QIAO_ACCESS_URL": access.url,
    }
    async with a_hanging_port() as hanging, aiohttp.ClientSession() as session:
        environment["QIAO_CATALOG_URL"] = hanging.url
        async with a_service("intake", environment, folder=tmp_path) as process:
            doomed = IntakeUnderTest(process.url, url, nats_url, access, session)
            asking = asyncio.create_task(Platform(doomed).ask(PRE_CREATE, ORDER))

            async def asked() -> bool:
                return hanging.asked > 0

            await eventually(asked, what="the owner is asked")
            # It is on record before anybody is asked.
            assert await doomed.count("deliveries") == 1
            await process.kill()
            with contextlib.suppress(aiohttp.ClientError):
                await asking
    nowhere = f"http://127.0.0.1:{free_port()}"
    async with running_intake(url, nats_url, access, catalog_url=nowhere) as intake:
        assert error_code(await Platform(intake).ask(PRE_CREATE, ORDER)) == 100
        (shown,) = (await intake.call("GET", "/v1/deliveries")).body["items"]
        assert (shown["repeats"], shown["answer"]["outcome"]) == (1, "retry")
        await intake.until_published()
        event = "qiao.v1.*.platform.douyin.spi_trade_order_pre_create_order"
        assert len({each.id for each in await intake.events(event)}) == 1


async def test_answers_that_cannot_be_stored_are_not_given(
    database: NewDatabase, nats_url: str, access: Access
) -> None:
    """The database takes questions and no answers: the platform is asked to ask again."""
    url = await database("intake")
    async with running_intake(url, nats_url, access) as intake:
        await intake.add_app()
        await intake.fetch(
            """
            CREATE FUNCTION no_answers() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'no space left on device' USING ERRCODE = '53100'; END $$
            """
        )
        await intake.fetch(
            "CREATE TRIGGER full_disk BEFORE INSERT ON delivery_answers"
            " FOR EACH STATEMENT EXECUTE FUNCTION no_answers()"
        )
        assert error_code(await Platform(intake).ask("hotel_spot.order.book", {})) == 100
        await intake.fetch("DROP TRIGGER full_disk ON delivery_answers")
        assert error_code(await Platform(intake).ask("hotel_spot.order.book", {})) == 501
