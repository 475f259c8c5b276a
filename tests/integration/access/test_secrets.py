"""No secret and no name of a person leaves by a log line, an event or a metric, or lies bare."""

import logging
from typing import Any

import pytest
import pytest_asyncio

from shared.postgres.connection import Connection
from tests.support.access import OPERATOR_SECRET, PASSWORD, Access, Person, refusal
from tests.support.waiting import eventually


@pytest_asyncio.fixture(loop_scope="session")
async def access(fresh_access: Access) -> Access:
    """What it kept and logged is all from one test."""
    return fresh_access


async def _everything_once(access: Access) -> dict[str, str]:
    """Use every route that has a secret in it; the secrets by name."""
    await access.add_merchant()
    store = await access.add_store()
    person = await access.add_staff(role="owner", login="wang.li")
    await refusal(person.sign_in("wrong horse 42"))
    await refusal(Person(access, "", "yihetang", "li.na").sign_in("nobodys horse 42"))
    body = {"store_id": store, "name": "Counter"}
    invited = await access.as_operator("POST", "/v1/terminals", body=body)
    terminal = await access.enrol(invited["enrolment_code"])
    await refusal(access.enrol(invited["enrolment_code"]))
    client_body = {"merchant": "yihetang", "name": "erp", "actions": ["orders:read"]}
    client = await access.as_operator("POST", "/v1/clients", body=client_body)
    changed = {
        "merchant": "yihetang",
        "login": "wang.li",
        "password": PASSWORD,
        "new_password": "another horse 43",
    }
    token = await person.token()
    await access.call("POST", "/v1/sign-in/password", body=changed)
    return {
        "operator": OPERATOR_SECRET,
        "password": PASSWORD,
        "wrong": "wrong horse 42",
        "nobodys": "nobodys horse 42",
        "new": "another horse 43",
        "name": "王丽",
        "login": "wang.li",
        "unknown login": "li.na",
        "code": invited["enrolment_code"],
        "bare code": invited["enrolment_code"].replace("-", ""),
        "client": client["client_secret"],
        "token": token,
        "terminal token": await terminal.token(),
        "assertion": terminal.assertion().rpartition(".")[2],
    }


async def test_no_secret_is_logged(
    access: Access, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secrets = await _everything_once(access)
    captured = capsys.readouterr()
    logged = captured.out + captured.err + caplog.text
    assert "request_answered" in logged
    assert {name for name, secret in secrets.items() if secret in logged} == set()


async def test_no_secret_is_in_an_event_the_audit_a_metric_or_a_table(
    access: Access, postgres: Connection
) -> None:
    secrets = await _everything_once(access)

    async def published() -> bool:
        return not await postgres.fetchval("SELECT count(*) FROM outbox_pending")

    await eventually(published)
    tables = await postgres.fetch(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'access' ORDER BY 1"
    )
    kept = [await _contents(postgres, row["tablename"]) for row in tables]
    async with access.session.get(f"{access.url}/metrics") as response:
        kept.append(await response.text())
    assert "staff.password_changed" in "".join(kept)
    assert {name for name, secret in secrets.items() if any(secret in one for one in kept)} == set()


async def _contents(postgres: Connection, table: str) -> str:
    """Everything in the table, binary columns as text where they are text."""
    rows: list[Any] = await postgres.fetch(f"SELECT * FROM {table}")  # noqa: S608 - a catalogue name
    values = (value for row in rows for value in row.values())
    return "\n".join(
        value.decode(errors="replace") if isinstance(value, bytes) else str(value)
        for value in values
    )
