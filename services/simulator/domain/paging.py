"""Places in lists that are sorted by time and id."""

from dataclasses import dataclass
from datetime import datetime

from shared.clock import from_unix_seconds

_MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class Window:
    """From the first moment to the last, both included."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Position:
    """The last line seen; the time in microseconds, as Postgres keeps it."""

    microseconds: int
    entity_id: int

    def as_strings(self) -> tuple[str, str]:
        return str(self.microseconds), str(self.entity_id)

    @property
    def time(self) -> datetime:
        seconds, microseconds = divmod(self.microseconds, _MICROSECONDS)
        return from_unix_seconds(seconds).replace(microsecond=microseconds)


def position(moment: datetime, entity_id: int) -> Position:
    seconds = int(moment.replace(microsecond=0).timestamp())
    return Position(seconds * _MICROSECONDS + moment.microsecond, entity_id)


def read_position(parts: list[str]) -> Position | None:
    """None if these are not the strings of a position."""
    if len(parts) != len(("time", "id")) or not all(
        part.isascii() and part.isdecimal() for part in parts
    ):
        return None
    found = Position(int(parts[0]), int(parts[1]))
    return found if found.microseconds < 10**16 and found.entity_id < 2**63 else None
