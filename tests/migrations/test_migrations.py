"""Every service's tables come up from nothing, twice, and from several processes at once."""

import asyncio
from pathlib import Path

import pytest

from shared.postgres.migrate import migrate
from shared.postgres.pool import pooled
from tests.conftest import NewDatabase
from tests.support.servers import migration_folders

ROOT = Path(__file__).parent.parent.parent
SERVICES = sorted(file.parent.name for file in (ROOT / "services").glob("*/service.py"))
_TABLES = """
SELECT table_name || '.' || column_name || ' ' || data_type
  FROM information_schema.columns WHERE table_schema = current_schema() ORDER BY 1
"""


@pytest.mark.parametrize("service", SERVICES)
async def test_many_processes_migrate_at_once_and_again(
    service: str, database: NewDatabase
) -> None:
    async with pooled(await database(), service=service, max_size=6) as pool:
        folders = migration_folders(service)
        await asyncio.gather(*(migrate(pool, *folders) for _ in range(4)))
        first = [row[0] for row in await pool.fetch(_TABLES)]
        applied = await pool.fetchval("SELECT count(*) FROM schema_migrations")
        await migrate(pool, *folders)
        assert [row[0] for row in await pool.fetch(_TABLES)] == first
        assert await pool.fetchval("SELECT count(*) FROM schema_migrations") == applied
        assert applied == sum(len(list(folder.glob("*.sql"))) for folder in folders)


@pytest.mark.parametrize("service", SERVICES)
async def test_the_role_owns_its_tables_and_times_have_a_zone(
    service: str, database: NewDatabase
) -> None:
    async with pooled(await database(), service=service, max_size=2) as pool:
        await migrate(pool, *migration_folders(service))
        owners = await pool.fetch(
            "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = current_schema()"
        )
        assert [row[0] for row in owners] == [f"qiao_{service}"]
        zoneless = await pool.fetch(
            """
            SELECT table_name, column_name FROM information_schema.columns
             WHERE table_schema = current_schema()
               AND data_type = 'timestamp without time zone'
            """
        )
        assert list(zoneless) == []


@pytest.mark.parametrize("service", SERVICES)
async def test_money_is_an_integer_and_says_its_unit(service: str, database: NewDatabase) -> None:
    async with pooled(await database(), service=service, max_size=2) as pool:
        await migrate(pool, *migration_folders(service))
        wrong = await pool.fetch(
            """
            SELECT table_name, column_name, data_type FROM information_schema.columns
             WHERE table_schema = current_schema()
               AND ((column_name LIKE '%amount%' AND column_name NOT LIKE '%fen')
                    OR (column_name LIKE '%fen' AND data_type NOT IN ('bigint', 'integer')))
            """
        )
        assert list(wrong) == []
