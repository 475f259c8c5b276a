"""Waits for a condition with a deadline: what happens next is never guessed by a sleep."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

_LOOK_AGAIN_SECONDS = 0.02
Value = TypeVar("Value")


async def eventually(
    look: Callable[[], Awaitable[Value]], *, within_seconds: float = 30.0, what: str = ""
) -> Value:
    """Look again and again until the answer is truthy; fail with the last answer otherwise."""
    deadline = asyncio.get_running_loop().time() + within_seconds
    while True:
        value = await look()
        if value:
            return value
        if asyncio.get_running_loop().time() > deadline:
            message = f"not within {within_seconds} s: {what or look!r}, last seen {value!r}"
            raise AssertionError(message)
        await asyncio.sleep(_LOOK_AGAIN_SECONDS)


async def until(condition: Callable[[], bool], *, within_seconds: float = 30.0) -> None:
    """Wait for what can be seen without asking anybody."""

    async def look() -> bool:
        return condition()

    await eventually(look, within_seconds=within_seconds)
