"""Asks again while nobody answers: services may be killed meanwhile, and come back."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from shared.errors import Unavailable

_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 2.0
_PATIENCE_SECONDS = 300.0
Answer = TypeVar("Answer")


async def persist(
    ask: Callable[[], Awaitable[Answer]], *, patience_seconds: float = _PATIENCE_SECONDS
) -> Answer:
    """The answer, whatever time it takes; after the patience the last Unavailable is raised."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + patience_seconds
    pause = _FIRST_PAUSE_SECONDS
    while True:
        try:
            return await ask()
        except Unavailable:
            if loop.time() > deadline:
                raise
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
