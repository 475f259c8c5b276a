"""Key files: written for their owner, read back whole, and used to prove who we are."""

import json
import stat
from pathlib import Path
from uuid import UUID

import pytest

from deploy.cli.terminal_key import (
    TerminalKey,
    new_private_key,
    public_half,
    read_key_file,
    write_key_file,
)
from deploy.embedded.problems import Problem
from services.access.domain.states import TerminalState
from services.access.handlers.assertions import check_assertion, read_public_key
from services.access.queries.terminals import Device

TERMINAL = UUID("019aa5f0-3c00-7000-8000-000000000002")


def a_key() -> TerminalKey:
    return TerminalKey(
        terminal_id=str(TERMINAL),
        merchant="yihetang",
        store_id="guanggu",
        store_name="益禾堂(光谷店)",
        access_url="http://127.0.0.1:7004",
        redemption_url="http://127.0.0.1:7003",
        private_key=new_private_key(),
    )


def test_a_key_file_is_for_its_owner_and_comes_back_as_it_was(tmp_path: Path) -> None:
    file, key = tmp_path / "key.json", a_key()
    write_key_file(file, key)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert read_key_file(file) == key


def test_a_file_that_is_there_is_replaced_only_when_told_to(tmp_path: Path) -> None:
    file, first, second = tmp_path / "key.json", a_key(), a_key()
    write_key_file(file, first)
    with pytest.raises(Problem, match="not overwritten"):
        write_key_file(file, second)
    assert read_key_file(file) == first
    write_key_file(file, second, replace=True)
    assert read_key_file(file) == second


@pytest.mark.parametrize("content", ["", "[]", '{"terminal_id": "x"}', "not json"])
def test_what_is_no_key_file_is_named(tmp_path: Path, content: str) -> None:
    file = tmp_path / "key.json"
    file.write_text(content)
    with pytest.raises(Problem, match=r"key\.json"):
        read_key_file(file)


def test_access_accepts_what_the_key_signs_and_never_sees_its_private_half() -> None:
    key = a_key()
    sent = public_half(key.private_key)
    assert "d" not in sent
    public_key = read_public_key(sent)
    device = Device(public_key=public_key, state=TerminalState.ACTIVE)
    first = check_assertion(device, TERMINAL, key.assertion())
    assert first.jti != check_assertion(device, TERMINAL, key.assertion()).jti
    assert key.private_key["d"] not in json.dumps(sent)
