"""The audit: acts join its chain one at a time, and anybody may check it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from services.access.domain.chain import FIRST_HASH, Chained, Entry, chain, fault
from services.access.queries import audit as queries
from services.access.queries.audit import Head
from shared.contracts.envelope import Event
from shared.postgres.connection import Connection, Pool

_BATCH = 1000
_WALK_MAX = 200_000
_KEPT_CHARACTERS = 500
# What of an event's data the audit keeps: ids and reasons, never what may be personal.
_KEPT = (
    "redemption_id",
    "cancel_id",
    "coupon_id",
    "order_id",
    "store_id",
    "delivery_id",
    "client_key",
    "purpose",
    "reason",
)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Walk:
    """How far the chain was checked; `next_seq` is where to go on, None at the end."""

    checked: int
    next_seq: int | None
    head: Head
    broken_seq: int | None = None
    broken_because: str | None = None


async def append(conn: Connection, entries: Sequence[Entry]) -> None:
    """Chain the entries, in the transaction of the acts they are about."""
    if not entries:
        return
    head = await queries.lock_head(conn)
    chained: list[Chained] = []
    for entry in entries:
        chained.append(chain(entry, seq=head.seq + 1, previous_hash=head.hash))
        head = Head(chained[-1].seq, chained[-1].hash)
    await queries.add_entries(conn, chained)
    await queries.move_head(conn, head)


async def on_audited(conn: Connection, events: Sequence[Event]) -> Sequence[Event]:
    """Chain what other services did; an event that comes again is in the chain already."""
    # The head is locked first, so that no rival adds the same events after we looked.
    await queries.lock_head(conn)
    known = await queries.find_audited_events(conn, [event.id for event in events])
    new = {event.id: event for event in events if event.id not in known}
    await append(conn, [_entry(event) for event in new.values()])
    return []


def _entry(event: Event) -> Entry:
    return Entry(
        at=event.time,
        actor=_actor(event.data),
        action=event.type,
        subject=event.subject,
        merchant=event.merchant,
        details={name: _kept(event.data[name]) for name in _KEPT if event.data.get(name)},
        event_id=event.id,
    )


def _kept(value: object) -> str:
    """As text that fits into jsonb, which takes everything but NUL."""
    return str(value).replace("\x00", "")[:_KEPT_CHARACTERS]


def _actor(data: Mapping[str, Any]) -> str:
    for name in ("principal", "actor", "revealed_by"):
        if data.get(name):
            return str(data[name])
    terminal = str(data.get("terminal_id", "unknown"))
    return terminal if ":" in terminal else f"terminal:{terminal}"


async def walk_chain(pool: Pool, *, from_seq: int, anchor: Head | None) -> Walk:
    """Check the chain from an entry on, at most _WALK_MAX entries, a batch at a time.

    An anchor is a head that somebody noted elsewhere before: the chain must still go through it.
    """
    async with pool.acquire() as conn:
        head = await queries.find_head(conn)
        before = await queries.read_chain(conn, after=from_seq - 2, limit=1) if from_seq > 1 else []
        because = await _misses_anchor(conn, anchor)
    if anchor is not None and because:
        return Walk(0, None, head, anchor.seq, because)
    seq, previous = from_seq, before[0].hash if before else FIRST_HASH
    while seq <= head.seq and seq - from_seq < _WALK_MAX:
        async with pool.acquire() as conn:
            batch = await queries.read_chain(conn, after=seq - 1, limit=_BATCH)
        for found in batch:
            because = fault(found, seq=seq, previous_hash=previous)
            if because:
                return Walk(seq - from_seq, None, head, seq, because)
            seq, previous = seq + 1, found.hash
        if not batch:
            return Walk(seq - from_seq, None, head, seq, f"entry {seq} is missing")
    because = _misses_head(seq, previous, head)
    if because:
        return Walk(seq - from_seq, None, head, head.seq, because)
    return Walk(seq - from_seq, seq if seq <= head.seq else None, head)


async def _misses_anchor(conn: Connection, anchor: Head | None) -> str | None:
    if anchor is None:
        return None
    found = await queries.read_chain(conn, after=anchor.seq - 1, limit=1)
    if found and (found[0].seq, found[0].hash) == (anchor.seq, anchor.hash):
        return None
    return "it is not the entry that was noted as the anchor"


def _misses_head(seq: int, previous: bytes, head: Head) -> str | None:
    # Entries added while we walked come after the head we read.
    if seq == head.seq + 1 and previous != head.hash:
        return "the chain does not end in its head"
    return None


async def log_anchor(pool: Pool) -> None:
    """Put the head into the log, which is kept elsewhere: a rewritten chain misses it."""
    async with pool.acquire() as conn:
        head = await queries.find_head(conn)
    log.info("audit_anchored", seq=head.seq, hash=head.hash.hex())
