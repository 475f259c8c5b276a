"""Which system a command speaks to, and what it says when there is none."""

import json
import os
from pathlib import Path

import pytest

from deploy.cli.system import locate
from deploy.embedded.data import DataFolder
from deploy.embedded.problems import Problem

ADDRESSES = {
    "console": None,
    "intake": "http://127.0.0.1:7001",
    "access": "http://127.0.0.1:7004",
    "nats": "nats://127.0.0.1:7022",
}


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("QIAO_DATA", "QIAO_OPERATOR_SECRET_FILE", "QIAO_ACCESS_URL", "QIAO_INTAKE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def a_running_system(folder: Path) -> DataFolder:
    data = DataFolder(folder)
    data.create()
    data.operator_secret()
    data.write_run_file(
        {
            "process_id": os.getpid(),
            "addresses": ADDRESSES,
            "operator_secret_file": str(data.operator_secret_file),
        }
    )
    return data


def test_a_data_folder_that_is_named_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QIAO_OPERATOR_SECRET_FILE", str(tmp_path / "nowhere"))
    data = a_running_system(tmp_path / "named")
    system = locate(data.root)
    assert system.address("intake") == ADDRESSES["intake"]
    assert system.operator_secret == data.operator_secret()


def test_the_folder_of_qiao_up_is_found_without_a_word(tmp_path: Path) -> None:
    a_running_system(tmp_path / ".qiao")
    assert locate(None).address("nats") == ADDRESSES["nats"]


def test_the_environment_names_a_system_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "operator"
    secret.write_text("made-up-secret\n")
    monkeypatch.setenv("QIAO_OPERATOR_SECRET_FILE", str(secret))
    monkeypatch.setenv("QIAO_ACCESS_URL", "https://access.example.com")
    system = locate(None)
    assert (system.address("access"), system.operator_secret) == (
        "https://access.example.com",
        "made-up-secret",
    )
    with pytest.raises(Problem, match="intake") as unknown:
        system.address("intake")
    assert "QIAO_INTAKE_URL" in unknown.value.remedy.en


def test_without_a_running_system_the_remedy_names_qiao_up(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="No Qiao is running") as absent:
        locate(tmp_path / "empty")
    assert "qiao up" in absent.value.remedy.zh


def test_without_a_simulator_rehearsals_are_explained(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="no simulator") as absent:
        locate(a_running_system(tmp_path / "production").root).address("simulator")
    assert "--no-demo" in absent.value.remedy.en


def test_a_broken_run_file_is_named(tmp_path: Path) -> None:
    data = a_running_system(tmp_path / "data")
    data.run_file.write_text(json.dumps(ADDRESSES)[:20])
    with pytest.raises(Problem, match=r"run\.json"):
        locate(data.root)
