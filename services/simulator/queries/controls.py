"""Faults and pace as last set, and what has been injected and counted."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.postgres.connection import Connection


async def find_control(conn: Connection, name: str) -> str | None:
    found: str | None = await conn.fetchval("SELECT value FROM controls WHERE name = $1", name)
    return found


async def set_control(conn: Connection, name: str, value: str) -> None:
    await conn.execute(
        """
        INSERT INTO controls (name, value) VALUES ($1, $2)
        ON CONFLICT (name) DO UPDATE SET value = excluded.value
        """,
        name,
        value,
    )


async def claim_fault(conn: Connection, fault: str, entity: str) -> bool:
    """Whether this fault strikes this entity for the first time."""
    status = await conn.execute(
        """
        INSERT INTO injected_faults (fault, entity) VALUES ($1, $2)
        ON CONFLICT (fault, entity) DO NOTHING
        """,
        fault,
        entity,
    )
    return status == "INSERT 0 1"


@dataclass(frozen=True, slots=True)
class CallCount:
    call: str
    code: int
    calls: int


async def add_call_counts(conn: Connection, counts: Sequence[CallCount]) -> None:
    await conn.execute(
        """
        INSERT INTO call_counts AS c (call, code, calls)
        SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[])
        ON CONFLICT (call, code) DO UPDATE SET calls = c.calls + excluded.calls
        """,
        [count.call for count in counts],
        [count.code for count in counts],
        [count.calls for count in counts],
    )
