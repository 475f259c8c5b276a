"""The servers that all other tests stand on."""

import asyncio
import os
import re
import stat
from pathlib import Path

import asyncpg
import nats
import pytest

from deploy.embedded.nats import Nats
from deploy.embedded.postgres import Postgres
from tests.conftest import NewDatabase
from tests.support.servers import INIT_SQL, apply_init, temporary_postgres

_SERVICES = {"intake", "orders", "redemption", "access", "catalog", "simulator"}


async def test_init_creates_a_role_and_a_schema_for_each_service(database: NewDatabase) -> None:
    conn = await asyncpg.connect(await database())
    owned = await conn.fetch(
        "SELECT nspname, pg_get_userbyid(nspowner) AS owner FROM pg_namespace"
        " WHERE nspname = ANY($1)",
        list(_SERVICES),
    )
    await conn.close()
    assert {row["nspname"]: row["owner"] for row in owned} == {
        service: f"qiao_{service}" for service in _SERVICES
    }


async def test_init_runs_at_once_in_several_databases_and_twice_in_each(
    postgres_server: Postgres,
) -> None:
    admin = await asyncpg.connect(postgres_server.url("postgres"))
    names = [f"init_race_{number}" for number in range(4)]
    for name in names:
        await admin.execute(f"CREATE DATABASE {name}")
    urls = [postgres_server.url(name) for name in names for _ in range(4)]
    await asyncio.gather(*(apply_init(url) for url in urls))
    for name in names:
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()


async def test_a_service_cannot_reach_into_another_schema(database: NewDatabase) -> None:
    url = await database()
    conn = await asyncpg.connect(url, server_settings={"role": "qiao_orders"})
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await conn.execute("CREATE TABLE intake.stolen (id int)")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await conn.execute("CREATE TABLE public.stray (id int)")
    await conn.close()


async def test_an_ordinary_login_user_takes_the_role_of_a_service(
    postgres_server: Postgres, database: NewDatabase
) -> None:
    """A managed PostgreSQL gives no superuser: CREATEROLE and a database of one's own must do."""
    admin = await asyncpg.connect(postgres_server.url("postgres"))
    await admin.execute("CREATE ROLE hired LOGIN CREATEROLE")
    for service in _SERVICES:
        await admin.execute(f"GRANT qiao_{service} TO hired WITH ADMIN TRUE, SET FALSE")
    await admin.execute("CREATE DATABASE hired OWNER hired")
    await admin.close()
    url = postgres_server.url("hired").replace("postgres@", "hired@")
    await apply_init(url)
    conn = await asyncpg.connect(url, server_settings={"role": "qiao_orders"})
    await conn.execute("CREATE TABLE orders.made (id int)")
    await conn.close()
    for statement in ("DROP DATABASE hired WITH (FORCE)", "DROP OWNED BY hired", "DROP ROLE hired"):
        admin = await asyncpg.connect(postgres_server.url("postgres"))
        await admin.execute(statement)
        await admin.close()


async def test_init_does_not_take_over_a_schema_of_somebody_else(
    postgres_server: Postgres,
) -> None:
    admin = await asyncpg.connect(postgres_server.url("postgres"))
    await admin.execute("CREATE DATABASE occupied")
    conn = await asyncpg.connect(postgres_server.url("occupied"))
    await conn.execute("CREATE SCHEMA orders")
    with pytest.raises(asyncpg.RaiseError, match="schema orders belongs to postgres"):
        await conn.execute(INIT_SQL.read_text())
    await conn.close()
    await admin.execute("DROP DATABASE occupied WITH (FORCE)")
    await admin.close()


async def test_the_durable_server_syncs_and_survives_a_crash(tmp_path: Path) -> None:
    async with temporary_postgres(tmp_path, durable=True) as server:
        conn = await asyncpg.connect(server.url("postgres"))
        settings = {
            name: await conn.fetchval("SELECT current_setting($1)", name)
            for name in ("fsync", "synchronous_commit", "full_page_writes", "data_checksums")
        }
        await conn.close()
    assert set(settings.values()) == {"on"}


async def test_a_path_with_spaces_or_of_great_length_is_no_obstacle(tmp_path: Path) -> None:
    folder = tmp_path / "with a space, and 中文" / ("long" * 20)
    async with temporary_postgres(folder) as server:
        conn = await asyncpg.connect(server.url("postgres"))
        assert await conn.fetchval("SELECT 1") == 1
        await conn.close()


async def test_nats_keeps_streams_and_forgets_them_between_tests(
    nats_server: Nats, nats_url: str
) -> None:
    client = await nats.connect(nats_url)
    assert nats_url == nats_server.url
    assert await client.jsm().streams_info() == []
    await client.jsm().add_stream(name="LEFT", subjects=["left.>"])
    acknowledgement = await client.jetstream().publish("left.behind", b"x")
    assert acknowledgement.seq == 1
    await client.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user stays who he is")
async def test_root_starts_postgres_as_somebody_else_in_a_folder_closed_to_others(
    tmp_path: Path,
) -> None:
    closed = tmp_path / "closed"
    await asyncio.to_thread(closed.mkdir, 0o700)
    async with temporary_postgres(closed) as server:
        conn = await asyncpg.connect(server.url("postgres"))
        pid = await conn.fetchval("SELECT pg_backend_pid()")
        status = await asyncio.to_thread(Path(f"/proc/{pid}/status").read_text)
        await conn.close()
    assert re.search(r"^Uid:\s+0\s", status, re.MULTILINE) is None
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


async def test_variables_meant_for_another_postgres_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"PGPORT": "1", "PGDATA": "/nowhere", "PGHOST": "nowhere"}.items():
        monkeypatch.setenv(name, value)
    async with temporary_postgres(tmp_path) as server:
        conn = await asyncpg.connect(server.url("postgres"))
        assert await conn.fetchval("SELECT current_setting('port')") == "5432"
        await conn.close()


async def test_a_pid_file_of_somebody_elses_process_is_no_obstacle(tmp_path: Path) -> None:
    async with temporary_postgres(tmp_path):
        pass
    (tmp_path / "data" / "postmaster.pid").write_text(f"{os.getpid()}\n{tmp_path}\n1\n5432\n")
    async with temporary_postgres(tmp_path) as server:
        assert server.socket_folder.exists()


async def test_a_postgres_that_outlived_its_launcher_is_ended_first(tmp_path: Path) -> None:
    async with temporary_postgres(tmp_path) as first, temporary_postgres(tmp_path) as second:
        assert first.url() == second.url()
        conn = await asyncpg.connect(second.url("postgres"))
        assert await conn.fetchval("SELECT 1") == 1
        await conn.close()
