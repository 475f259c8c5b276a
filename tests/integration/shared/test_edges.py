"""What no column takes is the caller's fault and says so; an edited migration is noticed."""

from pathlib import Path

import pytest

from shared.postgres.connection import is_outage, is_unstorable
from shared.postgres.migrate import MigrationChanged, migrate
from shared.postgres.pool import pooled
from tests.conftest import NewDatabase


@pytest.mark.parametrize(
    ("statement", "value"),
    [
        ("SELECT $1::text", "a\0b"),
        ("SELECT $1::bigint", 2**70),
        ("SELECT $1::uuid", "not a uuid"),
        ("SELECT ($1::text)::int", "99999999999999999999"),
    ],
)
async def test_a_value_that_no_column_takes_is_unstorable_and_no_outage(
    database: NewDatabase, statement: str, value: object
) -> None:
    async with pooled(await database(), service="orders") as pool:
        with pytest.raises(Exception) as refused:  # noqa: PT011 - which one is what is asked
            await pool.fetchval(statement, value)
    assert is_unstorable(refused.value)
    assert not is_outage(refused.value)


async def test_a_migration_edited_after_it_was_applied_is_named(
    database: NewDatabase, tmp_path: Path
) -> None:
    folder = tmp_path / "orders" / "migrations"
    folder.mkdir(parents=True)
    file = folder / "0001_create_things.sql"
    file.write_text("CREATE TABLE things (one text);")
    async with pooled(await database(), service="orders") as pool:
        await migrate(pool, folder)
        file.write_text("CREATE TABLE things (one text, two text);")
        with pytest.raises(MigrationChanged, match="orders/0001_create_things"):
            await migrate(pool, folder)
