"""The audit's chain finds every change."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest

from services.access.domain.chain import FIRST_HASH, Chained, Entry, chain, fault

_ENTRY = Entry(
    at=datetime(2026, 11, 21, 10, 0, tzinfo=UTC),
    actor="staff:1",
    action="store.added",
    subject="store:a",
    merchant="yihetang",
    details={"name": "光谷店", "stores": None},
    event_id=UUID(int=7),
)


def test_the_hash_is_the_same_for_ever() -> None:
    """Written down: a change of the canonical form would break every chain that exists."""
    first = chain(_ENTRY, seq=1, previous_hash=FIRST_HASH)
    assert first.hash.hex() == "2f25b8ec4e970452870a3b4ac93048fee40c4c7c705e3d1d364e27d478d1666e"


def test_the_time_zone_in_which_it_is_read_changes_nothing() -> None:
    shanghai = replace(_ENTRY, at=_ENTRY.at.astimezone(timezone(timedelta(hours=8))))
    assert (
        chain(shanghai, seq=1, previous_hash=FIRST_HASH).hash
        == chain(_ENTRY, seq=1, previous_hash=FIRST_HASH).hash
    )


@pytest.mark.parametrize(
    "change",
    [
        {"at": _ENTRY.at + timedelta(microseconds=1)},
        {"actor": "staff:2"},
        {"action": "store.changed"},
        {"subject": "store:b"},
        {"merchant": None},
        {"details": {"name": "光谷店"}},
        {"event_id": None},
    ],
)
def test_each_changed_member_is_found(change: dict[str, object]) -> None:
    good = chain(_ENTRY, seq=1, previous_hash=FIRST_HASH)
    bad = replace(good, entry=replace(_ENTRY, **change))  # type: ignore[arg-type]
    assert fault(good, seq=1, previous_hash=FIRST_HASH) is None
    assert fault(bad, seq=1, previous_hash=FIRST_HASH) == "its content was changed"


def test_a_missing_and_a_forged_entry_are_told_apart() -> None:
    good = chain(_ENTRY, seq=2, previous_hash=bytes(31) + b"\x01")
    assert fault(good, seq=1, previous_hash=FIRST_HASH) == "entry 1 is missing"
    forged = Chained(1, _ENTRY, bytes(31) + b"\x01", good.hash)
    assert fault(forged, seq=1, previous_hash=FIRST_HASH) == "it does not follow the entry before"
