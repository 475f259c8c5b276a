"""Times as people type them: `2h`, `3d`, or RFC 3339."""

import re
from datetime import datetime, timedelta

from deploy.cli import problems
from deploy.embedded.problems import Text
from shared.clock import utc_now

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_AGO = re.compile(r"(\d{1,6})([smhd])")
_EXPECTED = Text(
    "例如 30m、2h、3d,或带时区的时间 2026-11-21T18:00:00+08:00",
    "Such as 30m, 2h, 3d, or a time with its zone: 2026-11-21T18:00:00+08:00",
)


def read_time(text: str, *, option: str) -> datetime:
    """Raises Problem. A length of time means that long ago."""
    if match := _AGO.fullmatch(text.strip()):
        return utc_now() - timedelta(**{_UNITS[match[2]]: int(match[1])})
    try:
        time = datetime.fromisoformat(text.strip())
    except ValueError:
        raise problems.wrong_option(option, expected=_EXPECTED) from None
    if time.tzinfo is None:
        raise problems.wrong_option(option, expected=_EXPECTED)
    return time
