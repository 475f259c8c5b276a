"""Real PostgreSQL and NATS for the tests: one of each a session, a database of its own a test."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg
import nats
from asyncpg import Connection

from deploy.embedded.nats import Nats, prepare_nats
from deploy.embedded.postgres import Postgres, prepare_postgres
from deploy.embedded.running import running
from shared.postgres.migrate import migrate
from shared.postgres.pool import pooled

ROOT = Path(__file__).parent.parent.parent
INIT_SQL = ROOT / "deploy" / "postgres" / "init.sql"
_EMPTY_TEMPLATE = "template_empty"


@asynccontextmanager
async def temporary_postgres(folder: Path, *, durable: bool = False) -> AsyncIterator[Postgres]:
    """Run a PostgreSQL on `folder`; `durable=True` switches fsync on, as in production."""
    server = await prepare_postgres(_made(folder) / "data", durable=durable)
    async with running(server.program, log=folder / "postgres.log"):
        yield server


@asynccontextmanager
async def temporary_nats(folder: Path, *, port: int | None = None) -> AsyncIterator[Nats]:
    """Run a nats-server with JetStream on `folder`, on a free port unless one is named."""
    server = prepare_nats(_made(folder) / "data", host="127.0.0.1", port=port or free_port())
    async with running(server.program, log=folder / "nats.log"):
        yield server


@dataclass
class Databases:
    """Hands out databases that no other test has touched."""

    server: Postgres
    _templates: set[str] = field(default_factory=set)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _numbers: "count[int]" = field(default_factory=count)

    async def create(self, service: str | None = None) -> str:
        """Return the URL of a new database, with that service's tables already in it.

        Without a service: roles and schemas only, for tests that run several services.
        """
        template = await self._template(service)
        name = f"test_{next(self._numbers)}_{service or 'all'}"
        await self._execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.server.url(name)

    async def drop(self, url: str) -> None:
        """Throw the database away, connections and all."""
        name = url.partition("@/")[2].partition("?")[0]
        await self._execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    async def _template(self, service: str | None) -> str:
        template = f"template_{service}" if service else _EMPTY_TEMPLATE
        async with self._lock:
            if template not in self._templates:
                await self._execute(f"CREATE DATABASE {template}")
                await apply_init(self.server.url(template))
                if service:
                    await migrate_service(self.server.url(template), service)
                self._templates.add(template)
        return template

    async def _execute(self, statement: str) -> None:
        conn: Connection[Any] = await asyncpg.connect(self.server.url("postgres"))
        try:
            await conn.execute(statement)
        finally:
            await conn.close()


async def apply_init(url: str) -> None:
    """Create the roles and schemas, as `qiao up` and docker-compose.yml do."""
    conn: Connection[Any] = await asyncpg.connect(url)
    try:
        await conn.execute(INIT_SQL.read_text())
    finally:
        await conn.close()


async def migrate_service(url: str, service: str) -> None:
    """Apply what the service itself would apply at its start."""
    async with pooled(url, service=service, max_size=2) as pool:
        await migrate(pool, *migration_folders(service))


def migration_folders(service: str) -> Sequence[Path]:
    """What the service names as its own, the shared ones first."""
    named: Sequence[Path] | Path = import_module(f"services.{service}.service").MIGRATIONS
    return (named,) if isinstance(named, Path) else named


async def remove_streams(nats_url: str) -> None:
    """Delete every stream with its consumers; services create theirs when they start."""
    client = await nats.connect(nats_url, allow_reconnect=False)
    try:
        manager = client.jsm()
        for stream in await manager.streams_info():
            if stream.config.name:
                await manager.delete_stream(stream.config.name)
    finally:
        await client.close()


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def free_port() -> int:
    """Return a loopback port that nobody listens on at this moment."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
