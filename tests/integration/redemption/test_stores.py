"""Stores are known from what access says of them, in whatever order it is heard."""

from collections.abc import AsyncIterator
from itertools import permutations
from typing import Any

import pytest_asyncio

from services.redemption.handlers.heard import on_store_changed
from services.redemption.queries.stores import find_store
from shared.contracts.access import StoreChanged
from shared.contracts.envelope import Event
from shared.contracts.making import event
from shared.postgres.connection import Connection
from shared.postgres.pool import pooled
from tests.conftest import NewDatabase


@pytest_asyncio.fixture(loop_scope="session")
async def conn(database: NewDatabase) -> AsyncIterator[Connection]:
    async with (
        pooled(await database("redemption"), service="redemption", max_size=2) as pool,
        pool.acquire() as conn,
    ):
        yield conn


def said(store_id: str, version: int, **changes: Any) -> Event:
    values: dict[str, Any] = {
        "store_id": store_id,
        "merchant": "yihetang",
        "name": f"name {version}",
        "platform": "douyin",
        "poi_id": "6601248937917548558",
        "time_zone": "Asia/Shanghai",
        "open": True,
    }
    data = StoreChanged(**values | changes)
    return event(data, subject=store_id, merchant="yihetang", version=version)


async def test_the_highest_version_wins_whatever_the_order(conn: Connection) -> None:
    for number, order in enumerate(permutations((1, 2, 3))):
        store_id = f"s-{number}"
        for version in order:
            await on_store_changed(conn, [said(store_id, version)])
        store = await find_store(conn, store_id)
        assert store is not None
        assert store.name == "name 3"


async def test_one_batch_may_speak_of_a_store_twice(conn: Connection) -> None:
    batch = [said("s-a", 2, open=False), said("s-b", 1), said("s-a", 1), said("s-a", 2)]
    await on_store_changed(conn, batch)
    store = await find_store(conn, "s-a")
    assert store is not None
    assert (store.name, store.open) == ("name 2", False)
    assert await find_store(conn, "s-b") is not None
    assert await find_store(conn, "s-c") is None
