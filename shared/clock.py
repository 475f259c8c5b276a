"""The one place that reads the wall clock."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    return datetime.now(UTC)


def from_unix_seconds(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
