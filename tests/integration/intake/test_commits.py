"""What is stored, how often, and what a sender hears while it is not stored."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from tests.conftest import NewDatabase
from tests.integration.intake.support import IntakeUnderTest, a_webhook, running_intake
from tests.support.access import Access
from tests.support.waiting import eventually


async def test_the_same_message_again_is_answered_and_counted_but_not_stored(
    intake: IntakeUnderTest,
) -> None:
    raw = a_webhook()
    answers = [await intake.send(raw, msg_id="m-1") for _ in range(4)]
    assert {answer.status for answer in answers} == {200}
    (row,) = (await intake.call("GET", "/v1/deliveries")).body["items"]
    assert (row["repeats"], row["msg_id"]) == (3, "m-1")
    await intake.until_published()
    assert len(await intake.events("qiao.v1.*.platform.>")) == 1


async def test_without_a_message_id_the_body_itself_is_the_key(intake: IntakeUnderTest) -> None:
    raw = a_webhook()
    for body in (raw, raw, a_webhook()):
        await intake.send(body)
    rows = (await intake.call("GET", "/v1/deliveries")).body["items"]
    assert sorted(row["repeats"] for row in rows) == [0, 1]


async def test_another_body_under_the_same_id_is_kept_and_raised_once(
    intake: IntakeUnderTest,
) -> None:
    first, second = a_webhook(), a_webhook()
    await intake.send(first, msg_id="m-1")
    for _ in range(3):
        assert (await intake.send(second, msg_id="m-1")).status == 200
    (stored,) = await intake.fetch("SELECT delivery_id FROM deliveries")
    await intake.until_published()
    (event,) = await intake.events("qiao.v1.*.intake.delivery_conflicted")
    assert event.data["first_delivery_id"] == str(stored["delivery_id"])
    assert event.data["order_ids"] == [second.decode().split('order_id\\":\\"')[1][:18]]
    (shown,) = (await intake.call("GET", "/v1/deliveries/conflicts")).body["items"]
    assert (shown["times"], shown["delivery_id"]) == (3, str(event.id))
    revealed = await intake.call("POST", f"/v1/deliveries/{event.id}/reveal")
    assert revealed.body["body"] == second.decode()


async def test_ids_of_two_applications_do_not_meet(intake: IntakeUnderTest) -> None:
    await intake.add_app(client_key="other", secret="another secret of 32 characters!")
    await intake.send(a_webhook(), msg_id="m-1")
    await intake.send(
        a_webhook(),
        msg_id="m-1",
        client_key="other",
        secret="another secret of 32 characters!",
    )
    assert await intake.count("deliveries") == 2
    assert await intake.count("delivery_conflicts") == 0


async def test_a_crowd_of_new_repeated_and_contradicting_messages_is_sorted_out(
    intake: IntakeUnderTest,
) -> None:
    """200 at once: 100 messages, each twice; of every tenth the second body differs."""
    bodies = [a_webhook() for _ in range(100)]
    crowd = [(number, raw) for number, raw in enumerate(bodies)]
    crowd += [(number, a_webhook() if number % 10 == 0 else raw) for number, raw in crowd]
    answers = await asyncio.gather(
        *(intake.send(raw, msg_id=f"m-{number}") for number, raw in crowd)
    )
    assert {answer.status for answer in answers} == {200}
    assert await intake.count("deliveries") == 100
    assert await intake.count("delivery_conflicts") == 10
    (repeats,) = await intake.fetch("SELECT sum(times)::int FROM delivery_repeats")
    assert repeats[0] == 90
    await intake.until_published()
    assert len(await intake.events("qiao.v1.*.platform.>")) == 100
    assert len(await intake.events("qiao.v1.*.intake.delivery_conflicted")) == 10


async def test_requests_share_commits(intake: IntakeUnderTest) -> None:
    before = await _commits(intake)
    await asyncio.gather(*(intake.send(a_webhook()) for _ in range(200)))
    assert await intake.count("deliveries") == 200
    assert await _commits(intake) - before < 100


async def test_when_the_queue_is_full_the_answer_is_503_and_soon_200_again(
    database: NewDatabase, nats_url: str, access: Access
) -> None:
    url = await database("intake")
    limits = {"intake_queue_max": 5, "intake_batch_max": 5, "intake_writers": 1}
    async with running_intake(url, nats_url, access, **limits) as intake:
        await intake.add_app()
        async with locked_deliveries(url):
            waiting = [asyncio.ensure_future(intake.send(a_webhook())) for _ in range(20)]
            answered, pending = await asyncio.wait(waiting, timeout=2)
            refused = [task.result() for task in answered]
        # One commit of up to five is in flight, five wait.
        assert 10 <= len(refused) <= 14
        assert {(each.status, each.headers["Retry-After"]) for each in refused} == {(503, "1")}
        stored = [task.result() for task in (await asyncio.wait(pending))[0]]
        assert {each.status for each in stored} == {200}
        assert await intake.count("deliveries") == len(stored)


async def test_a_commit_that_takes_too_long_is_given_up_before_the_platform_does(
    database: NewDatabase, nats_url: str, access: Access
) -> None:
    url = await database("intake")
    async with running_intake(url, nats_url, access) as intake:
        await intake.add_app()
        async with locked_deliveries(url):
            started = asyncio.get_running_loop().time()
            answer = await intake.send(a_webhook(), msg_id="m-1")
            assert answer.status == 503
            assert answer.headers["Retry-After"] == "1"
            assert 3.5 < asyncio.get_running_loop().time() - started < 4.8

        async def is_taken() -> bool:
            return (await intake.send(a_webhook(), msg_id="m-2")).status == 200

        await eventually(is_taken, what="200 once the lock is gone")


async def test_one_delivery_that_cannot_be_stored_fails_alone(intake: IntakeUnderTest) -> None:
    await intake.fetch("ALTER TABLE deliveries ADD CONSTRAINT no_x CHECK (event <> 'poison')")
    good = [intake.send(a_webhook()) for _ in range(20)]
    answers = await asyncio.gather(intake.send(a_webhook("poison")), *good)
    assert [answer.status for answer in answers] == [503, *([200] * 20)]
    assert await intake.count("deliveries") == 20


@asynccontextmanager
async def locked_deliveries(url: str) -> AsyncIterator[None]:
    """Hold the table, so that no commit can go on."""
    conn = await asyncpg.connect(url)
    try:
        await conn.execute("BEGIN; LOCK TABLE intake.deliveries IN ACCESS EXCLUSIVE MODE")
        yield
    finally:
        await conn.close()


async def _commits(intake: IntakeUnderTest) -> float:
    text = (await intake.ask("GET", "/metrics")).body
    (line,) = (
        line for line in text.splitlines() if line.startswith("qiao_intake_commit_seconds_count")
    )
    return float(line.split()[1])
