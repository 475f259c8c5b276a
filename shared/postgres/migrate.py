"""Applies numbered `.sql` files, each once, each in one transaction."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import structlog

from shared.postgres.connection import Connection, Pool
from shared.postgres.pool import when_possible

# One lock for the whole cluster would make services wait for each other; one per schema does not.
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('qiao migrate ' || current_schema()))"
_CREATE = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    version text PRIMARY KEY,
    digest text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""

_FIND = "SELECT digest FROM schema_migrations WHERE version = $1"
_REMEMBER = "INSERT INTO schema_migrations (version, digest) VALUES ($1, $2)"

log = structlog.get_logger()


async def migrate(pool: Pool, *folders: Path) -> None:
    """Apply what is missing, folder by folder. Safe from several processes at once.

    A server without room is waited for as one that is away is.
    """
    files = [
        (f"{folder.parent.name}/{file.stem}", file.read_text())
        for folder in folders
        for file in sorted(folder.glob("[0-9]*_*.sql"))
    ]
    await when_possible(lambda: _apply_all(pool, files))


async def _apply_all(pool: Pool, files: Sequence[tuple[str, str]]) -> None:
    async with pool.acquire() as conn:
        async with conn.transaction():
            await conn.execute(_LOCK)
            await conn.execute(_CREATE)
        for version, statements in files:
            await _apply(conn, version, statements)


async def _apply(conn: Connection, version: str, statements: str) -> None:
    """`version` is `<owner's folder>/<file>`: two owners may use the same number."""
    digest = hashlib.sha256(statements.encode()).hexdigest()
    async with conn.transaction():
        await conn.execute(_LOCK)
        applied = await conn.fetchval(_FIND, version)
        if applied == digest:
            return
        if applied is not None:
            raise MigrationChanged(version)
        await conn.execute(statements)
        await conn.execute(_REMEMBER, version, digest)
    log.info("migration_applied", version=version)


class MigrationChanged(Exception):
    """A file was edited after it had been applied: the tables are not what it says."""

    def __init__(self, version: str) -> None:
        super().__init__(
            f"{version}.sql was edited after it was applied here: put it back as it was and add "
            "the next numbered file instead (data of a demo may simply be deleted)"
        )
