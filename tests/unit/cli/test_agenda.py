"""Things are taken when they are due, and not before everything under way is done is it over."""

import asyncio

import pytest

from deploy.cli.simulation.agenda import Agenda
from deploy.cli.simulation.persistence import persist
from shared.errors import Rejection, Unavailable


def now() -> float:
    return asyncio.get_running_loop().time()


async def test_what_is_due_first_comes_first_and_not_before_its_time() -> None:
    agenda: Agenda[str] = Agenda()
    await agenda.add(now() + 0.1, "later")
    await agenda.add(now(), "now")
    started = now()
    assert await agenda.take() == "now"
    assert await agenda.take() == "later"
    assert now() - started >= 0.09


async def test_it_ends_for_everybody_once_the_last_thing_is_done() -> None:
    agenda: Agenda[str] = Agenda()
    await agenda.add(now(), "last")
    assert await agenda.take() == "last"
    others = [asyncio.create_task(agenda.take()) for _ in range(3)]
    await agenda.close()
    await agenda.add(now(), "came up meanwhile")
    finished, _ = await asyncio.wait(others, return_when=asyncio.FIRST_COMPLETED)
    assert [task.result() for task in finished] == ["came up meanwhile"]
    await agenda.done()
    await agenda.done()
    assert {task.result() for task in (await asyncio.wait(others))[0]} == {
        "came up meanwhile",
        None,
    }


async def test_all_that_is_due_is_taken_at_once() -> None:
    agenda: Agenda[int] = Agenda()
    for number in range(3):
        await agenda.add(now(), number)
    await agenda.add(now() + 60, 9)
    assert await agenda.take_due() == [0, 1, 2]
    await agenda.close()
    assert not agenda.is_finished


async def test_who_does_not_answer_is_asked_again_and_who_refuses_is_not() -> None:
    asked = 0

    async def third_time() -> int:
        nonlocal asked
        asked += 1
        if asked < 3:
            raise Unavailable("away")
        return asked

    async def refuse() -> int:
        raise Rejection("no")

    assert await persist(third_time) == 3
    with pytest.raises(Rejection):
        await persist(refuse)


async def test_patience_has_an_end() -> None:
    async def never() -> None:
        raise Unavailable("away")

    with pytest.raises(Unavailable):
        await persist(never, patience_seconds=0.1)
