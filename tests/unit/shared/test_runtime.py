"""Settings come from the environment, and a wrong one is named."""

import base64

import pytest

from shared.runtime import CommonSettings, load


def test_a_missing_master_key_is_named_and_ends_the_service(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("QIAO_MASTER_KEY", raising=False)
    with pytest.raises(SystemExit) as ended:
        load(CommonSettings)
    assert ended.value.code == 2
    assert "QIAO_MASTER_KEY: Field required" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", ["short", base64.b64encode(b"x" * 31).decode(), "中文"])
def test_a_wrong_master_key_is_named_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], wrong: str
) -> None:
    monkeypatch.setenv("QIAO_MASTER_KEY", wrong)
    with pytest.raises(SystemExit):
        load(CommonSettings)
    said = capsys.readouterr().err
    assert "QIAO_MASTER_KEY" in said
    assert "openssl rand -base64 32" in said
    assert wrong not in said


def test_good_settings_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QIAO_MASTER_KEY", base64.b64encode(b"k" * 32).decode())
    assert load(CommonSettings).master_key_bytes == b"k" * 32
