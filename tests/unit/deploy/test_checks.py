"""What is refused before anything starts, as far as it takes no server to see."""

from pathlib import Path

import pytest

from deploy.embedded.account import account_for
from deploy.embedded.checks import check_data, check_ports, check_python, check_user
from deploy.embedded.data import DataFolder
from deploy.embedded.plan import Options, plan_for
from deploy.embedded.problems import Problem
from deploy.embedded.services import SERVICES, services_for


def _refusal(data: Path, needed_mb: int = 1) -> str:
    with pytest.raises(Problem) as refused:
        check_data(DataFolder(data), needed_mb=needed_mb)
    return str(refused.value)


def test_too_little_space_is_named_in_both_languages(tmp_path: Path) -> None:
    said = _refusal(tmp_path / "not" / "there" / "yet", needed_mb=10**9)
    assert "The disk is full" in said
    assert "磁盘空间不足" in said
    assert "1000000000 MB" in said


def test_a_python_before_3_11_is_refused() -> None:
    with pytest.raises(Problem, match=r"Python 3\.10\.14 is too old"):
        check_python((3, 10, 14))
    check_python((3, 11, 0))


def test_a_user_without_a_name_is_refused_before_postgres_is() -> None:
    with pytest.raises(Problem, match="User id 3999999999 has no name"):
        check_user(3_999_999_999)
    check_user(0)


def test_a_new_folder_and_our_own_are_welcome(tmp_path: Path) -> None:
    data = DataFolder(tmp_path / "new")
    check_data(data)
    data.create()
    check_data(data)


def test_an_unreadable_version_file_is_another_version(tmp_path: Path) -> None:
    (tmp_path / "version.json").write_text("{")
    assert "data layout ?" in _refusal(tmp_path)


def test_the_lock_is_held_by_one_at_a_time_and_names_its_holder(tmp_path: Path) -> None:
    data = DataFolder(tmp_path)
    data.create()
    with data.locked(), pytest.raises(Problem, match="Another qiao up"), data.locked():
        pass
    with data.locked():
        pass


def test_secrets_are_made_once_and_differ(tmp_path: Path) -> None:
    data = DataFolder(tmp_path)
    data.create()
    first = (data.master_key(), data.operator_secret())
    assert (data.master_key(), data.operator_secret()) == first
    assert first[0] != first[1]


def test_a_run_file_of_a_process_that_is_gone_says_nothing(tmp_path: Path) -> None:
    data = DataFolder(tmp_path)
    data.write_run_file({"process_id": 2**22 + 1})
    assert data.read_run_file() is None


@pytest.mark.parametrize("port", [0, 65536])
def test_a_port_that_does_not_exist_is_refused(port: int) -> None:
    with pytest.raises(Problem, match="no such port"):
        check_ports({"intake": ("127.0.0.1", port)}, port_base=7000)


def test_a_host_of_somebody_else_is_refused() -> None:
    with pytest.raises(Problem, match="Cannot listen"):
        check_ports({"intake": ("192.0.2.1", 27001)}, port_base=27000)


def test_the_demo_never_reaches_the_real_platform(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QIAO_DOUYIN_BASE_URL", "https://open.douyin.com")
    options = Options(data=tmp_path, port_base=7000, host="0.0.0.0", demo=True, json_output=True)
    plan = plan_for(options)
    plan.data.create()
    told = plan.environment(postgres_url="", nats_url="")
    assert told["QIAO_DOUYIN_BASE_URL"] == "http://127.0.0.1:7009"
    assert told["QIAO_HOST"] == "0.0.0.0"
    listening = {host for host, _ in plan.ports().values()}
    assert listening == {"0.0.0.0", "127.0.0.1"}
    assert {plan.ports()[name][0] for name in ("nats", "simulator")} == {"127.0.0.1"}


def test_production_has_no_simulator_and_keeps_the_platform_it_was_told() -> None:
    assert "simulator" not in {service.name for service in services_for(demo=False)}
    assert {service.port_offset for service in SERVICES} == {1, 2, 3, 4, 5, 9}


def test_an_ordinary_user_becomes_nobody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert account_for(tmp_path, tmp_path) is None
