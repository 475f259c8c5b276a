"""Requests that share a commit: each gets its own answer, whatever the others are."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import pytest

from services.redemption.handlers.grouping import AGAIN, Again, Grouped
from shared.errors import Unavailable
from shared.messaging.background import background

Handle = Callable[[Sequence[int]], Awaitable[Sequence[int | Exception | Again]]]


@asynccontextmanager
async def grouped(handle: Handle) -> AsyncIterator[Grouped[int, int]]:
    group: Grouped[int, int] = Grouped("numbers", handle)
    async with background(group.run, name="numbers"):
        yield group


async def test_requests_that_come_meanwhile_share_the_next_batch() -> None:
    batches: list[int] = []

    async def handle(asked: Sequence[int]) -> list[int | Exception | Again]:
        batches.append(len(asked))
        await asyncio.sleep(0)
        return [2 * each for each in asked]

    async with grouped(handle) as group:
        answers = await asyncio.gather(*(group.ask(number) for number in range(300)))
    assert answers == [2 * number for number in range(300)]
    assert batches == [200, 100]


async def test_one_bad_request_never_fails_the_others() -> None:
    async def handle(asked: Sequence[int]) -> list[int | Exception | Again]:
        if 13 in asked:
            message = "thirteen"
            raise ValueError(message)
        return list(asked)

    async with grouped(handle) as group:
        answers = await asyncio.gather(
            *(group.ask(number) for number in range(40)), return_exceptions=True
        )
    assert isinstance(answers[13], ValueError)
    assert [each for each in answers if not isinstance(each, ValueError)] == [
        number for number in range(40) if number != 13
    ]


async def test_who_has_to_look_again_keeps_his_place_and_is_served() -> None:
    seen: list[list[int]] = []

    async def handle(asked: Sequence[int]) -> list[int | Exception | Again]:
        seen.append(list(asked))
        return [AGAIN if place else each for place, each in enumerate(asked)]

    async with grouped(handle) as group:
        assert await asyncio.gather(*(group.ask(number) for number in range(4))) == [0, 1, 2, 3]
    assert seen == [[0, 1, 2, 3], [1, 2, 3], [2, 3], [3]]


async def test_who_looks_again_for_ever_is_told_to_come_back() -> None:
    async def handle(asked: Sequence[int]) -> list[int | Exception | Again]:
        return [AGAIN for _ in asked]

    async with grouped(handle) as group:
        with pytest.raises(Unavailable):
            await group.ask(1)


async def test_an_outage_is_nobodys_fault_and_not_tried_by_halves() -> None:
    calls = 0

    async def handle(_asked: Sequence[int]) -> list[int | Exception | Again]:
        nonlocal calls
        calls += 1
        raise ConnectionResetError

    async with grouped(handle) as group:
        answers = await asyncio.gather(
            *(group.ask(number) for number in range(8)), return_exceptions=True
        )
    assert all(isinstance(each, Unavailable) for each in answers)
    assert calls == 1
