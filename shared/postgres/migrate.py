"""Applies numbered `.sql` files, each once, each in one transaction."""

from pathlib import Path

import structlog

from shared.postgres.connection import Connection, Pool

# One lock for the whole cluster would make services wait for each other; one per schema does not.
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('qiao migrate ' || current_schema()))"
_CREATE = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    version text PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""

log = structlog.get_logger()


async def migrate(pool: Pool, *folders: Path) -> None:
    """Apply what is missing, folder by folder. Safe from several processes at once."""
    files = [
        (f"{folder.parent.name}/{file.stem}", file.read_text())
        for folder in folders
        for file in sorted(folder.glob("[0-9]*_*.sql"))
    ]
    async with pool.acquire() as conn:
        async with conn.transaction():
            await conn.execute(_LOCK)
            await conn.execute(_CREATE)
        for version, statements in files:
            await _apply(conn, version, statements)


async def _apply(conn: Connection, version: str, statements: str) -> None:
    """`version` is `<owner's folder>/<file>`: two owners may use the same number."""
    async with conn.transaction():
        await conn.execute(_LOCK)
        if await conn.fetchval("SELECT 1 FROM schema_migrations WHERE version = $1", version):
            return
        await conn.execute(statements)
        await conn.execute("INSERT INTO schema_migrations (version) VALUES ($1)", version)
    log.info("migration_applied", version=version)
