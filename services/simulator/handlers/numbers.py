"""Running numbers for ids and codes, taken from Postgres in blocks."""

import asyncio
from collections.abc import Iterator
from itertools import chain, islice

from services.simulator.domain.numbers import BLOCK_SIZE, block
from services.simulator.queries.orders import take_number_blocks
from shared.postgres.connection import Connection


class Numbers:
    """A killed process loses the rest of its block, and nobody gets it again."""

    def __init__(self) -> None:
        self._left: Iterator[int] = iter(())
        self._lock = asyncio.Lock()

    async def take(self, conn: Connection, count: int) -> list[int]:
        async with self._lock:
            taken = list(islice(self._left, count))
            missing = count - len(taken)
            if missing:
                blocks = await take_number_blocks(conn, -(-missing // BLOCK_SIZE))
                self._left = chain.from_iterable(map(block, blocks))
                taken += islice(self._left, missing)
            return taken
