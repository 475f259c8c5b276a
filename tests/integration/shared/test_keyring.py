"""Data keys in their table: made once, found again, and gone when destroyed."""

import asyncio

import pytest

from shared import sealing
from shared.postgres.migrate import migrate
from shared.postgres.pool import pooled
from shared.sealing.keyring import CannotOpen, Keyring
from shared.sealing.queries import destroy_key
from tests.conftest import NewDatabase

_MASTER = bytes(range(32))


async def test_workers_agree_on_one_key_and_it_survives_a_restart(database: NewDatabase) -> None:
    async with pooled(await database(), service="intake") as pool:
        await migrate(pool, sealing.MIGRATIONS)
        workers = [Keyring(_MASTER, service="intake") for _ in range(4)]

        async def load(keyring: Keyring) -> bytes:
            async with pool.acquire() as conn:
                await keyring.load(conn, ["acme", "yihetang"])
            return keyring.seal("acme", b"value", context="row")

        sealed = await asyncio.gather(*(load(keyring) for keyring in workers))
        later = Keyring(_MASTER, service="intake")
        async with pool.acquire() as conn:
            await later.load_for(conn, sealed)
        assert [later.open(value, context="row") for value in sealed] == [b"value"] * 4


async def test_a_destroyed_key_opens_nothing_again(database: NewDatabase) -> None:
    async with pooled(await database(), service="intake") as pool, pool.acquire() as conn:
        await migrate(pool, sealing.MIGRATIONS)
        keyring = Keyring(_MASTER, service="intake")
        await keyring.load(conn, ["acme"])
        sealed = keyring.seal("acme", b"value", context="row")
        assert await destroy_key(conn, "acme")
        later = Keyring(_MASTER, service="intake")
        await later.load_for(conn, [sealed])
        with pytest.raises(CannotOpen):
            later.open(sealed, context="row")


async def test_a_key_is_not_made_inside_a_transaction(database: NewDatabase) -> None:
    async with pooled(await database(), service="intake") as pool, pool.acquire() as conn:
        await migrate(pool, sealing.MIGRATIONS)
        keyring = Keyring(_MASTER, service="intake")
        async with conn.transaction():
            with pytest.raises(RuntimeError, match="outside transactions"):
                await keyring.load(conn, ["acme"])
