"""The audit's chain: each entry carries the hash of the one before."""

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson

FIRST_HASH = bytes(32)


@dataclass(frozen=True, slots=True)
class Entry:
    """One act, before it has its place in the chain. `details` holds no secret, no number."""

    at: datetime
    actor: str
    action: str
    subject: str
    merchant: str | None
    # Any: whatever JSON describes the act.
    details: dict[str, Any] = field(default_factory=dict)
    event_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Chained:
    seq: int
    entry: Entry
    previous_hash: bytes
    hash: bytes


def chain(entry: Entry, *, seq: int, previous_hash: bytes) -> Chained:
    return Chained(seq, entry, previous_hash, hash_of(entry, seq=seq, previous_hash=previous_hash))


def hash_of(entry: Entry, *, seq: int, previous_hash: bytes) -> bytes:
    """SHA-256 over the entry's canonical JSON: sorted keys, UTC microseconds, hex hashes."""
    content = {
        "seq": seq,
        "at": entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": entry.actor,
        "action": entry.action,
        "subject": entry.subject,
        "merchant": entry.merchant,
        "details": entry.details,
        "event_id": str(entry.event_id) if entry.event_id else None,
        "previous_hash": previous_hash.hex(),
    }
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).digest()


def fault(found: Chained, *, seq: int, previous_hash: bytes) -> str | None:
    """What is wrong with the entry found where `seq` is due; None if it fits."""
    if found.seq != seq:
        return f"entry {seq} is missing"
    if found.previous_hash != previous_hash:
        return "it does not follow the entry before"
    if found.hash != hash_of(found.entry, seq=seq, previous_hash=previous_hash):
        return "its content was changed"
    return None
