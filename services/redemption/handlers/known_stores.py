"""Stores as they were a moment ago: a till asks about its own one with every scan."""

from time import monotonic
from typing import Final

from services.redemption.domain.records import Store
from services.redemption.queries.stores import find_store
from shared.postgres.connection import Pool

# Less than an event takes to be heard when things are slow.
_TRUST_SECONDS: Final = 1.0
_HELD_MAX: Final = 10_000


class KnownStores:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._held: dict[str, tuple[float, Store]] = {}

    async def find(self, store_id: str) -> Store | None:
        held = self._held.get(store_id)
        if held is not None and monotonic() - held[0] < _TRUST_SECONDS:
            return held[1]
        async with self._pool.acquire() as conn:
            store = await find_store(conn, store_id)
        if len(self._held) >= _HELD_MAX:
            self._held.clear()
        if store is not None:
            self._held[store_id] = (monotonic(), store)
        return store
