"""What a log line may hold."""

import pytest
import structlog

from shared.logging import configure_logging


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_traceback_shows_no_local_variables(
    capsys: pytest.CaptureFixture[str], form: str
) -> None:
    """They may be codes, tokens and keys."""
    before = structlog.get_config()
    try:
        structlog.reset_defaults()
        configure_logging("orders", form=form)  # type: ignore[arg-type]
        _fail("a verify token")
    finally:
        structlog.contextvars.clear_contextvars()
        structlog.configure(**before)
    said = capsys.readouterr().err
    assert "request_failed" in said
    assert "IndexError" in said
    assert "a verify token" not in said


def _fail(secret: str) -> None:
    try:
        [].pop(len(secret))
    except IndexError:
        structlog.get_logger().exception("request_failed")
