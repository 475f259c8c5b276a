"""Storing deliveries: the statements behind a group commit."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.intake.domain.deliveries import Delivery
from shared.postgres.connection import Connection


@dataclass(frozen=True, slots=True)
class Known:
    """What already stands in the record under a dedupe key."""

    delivery_id: UUID
    client_key: str
    dedupe_key: str
    digest: bytes


async def store_deliveries(
    conn: Connection,
    deliveries: Sequence[Delivery],
    bodies: Sequence[bytes],
    *,
    timeout_seconds: float,
) -> int:
    """Store what is new and queue it for the relay; returns how many were new.

    The caller sorts by dedupe key: two commits that share keys then wait and never deadlock.
    """
    columns = tuple(zip(*deliveries, strict=True))
    return int(
        await conn.fetchval(
            """
            WITH stored AS (
                INSERT INTO deliveries
                    (delivery_id, client_key, dedupe_key, platform, merchant, account_id, event,
                     msg_id, digest, body, body_bytes, received_at, sent_at, late)
                SELECT * FROM unnest(
                    $1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
                    $7::text[], $8::text[], $9::bytea[], $10::bytea[], $11::integer[],
                    $12::timestamptz[], $13::timestamptz[], $14::boolean[])
                ON CONFLICT (client_key, dedupe_key) DO NOTHING
                RETURNING delivery_id
            ), queued AS (
                INSERT INTO deliveries_pending (delivery_id) SELECT delivery_id FROM stored
            )
            SELECT count(*) FROM stored
            """,
            *columns[:9],
            bodies,
            [len(raw) for raw in columns[9]],
            *columns[10:13],
            timeout=timeout_seconds,
        )
    )


async def find_stored(conn: Connection, delivery_ids: Sequence[UUID]) -> set[UUID]:
    rows = await conn.fetch(
        "SELECT delivery_id FROM deliveries WHERE delivery_id = ANY($1::uuid[])", delivery_ids
    )
    return {row[0] for row in rows}


async def find_known(conn: Connection, deliveries: Sequence[Delivery]) -> list[Known]:
    rows = await conn.fetch(
        """
        SELECT delivery_id, client_key, dedupe_key, digest
          FROM deliveries JOIN unnest($1::text[], $2::text[]) AS asked (client_key, dedupe_key)
         USING (client_key, dedupe_key)
        """,
        [delivery.client_key for delivery in deliveries],
        [delivery.dedupe_key for delivery in deliveries],
    )
    return [Known(*row.values()) for row in rows]


async def count_repeats(conn: Connection, times_by_id: Sequence[tuple[UUID, int]]) -> None:
    """Add to the counts; each delivery stands in the list once, in the order of ids."""
    await conn.execute(
        """
        INSERT INTO delivery_repeats (delivery_id, times, last_at)
        SELECT delivery_id, times, now()
          FROM unnest($1::uuid[], $2::bigint[]) AS heard (delivery_id, times)
        ON CONFLICT (delivery_id) DO UPDATE
           SET times = delivery_repeats.times + excluded.times, last_at = excluded.last_at
        """,
        [delivery_id for delivery_id, _ in times_by_id],
        [times for _, times in times_by_id],
    )


async def store_conflict(
    conn: Connection, delivery: Delivery, body: bytes, *, first_delivery_id: UUID
) -> bool:
    """Store a body that contradicts the first; False if this very body was stored before."""
    return bool(
        await conn.fetchval(
            """
            INSERT INTO delivery_conflicts
                (conflict_id, first_delivery_id, client_key, platform, merchant, account_id,
                 event, msg_id, digest, body, received_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
            ON CONFLICT (first_delivery_id, digest) DO UPDATE
               SET times = delivery_conflicts.times + 1
            RETURNING times = 1
            """,
            delivery.delivery_id,
            first_delivery_id,
            delivery.client_key,
            delivery.platform,
            delivery.merchant,
            delivery.account_id,
            delivery.event,
            delivery.msg_id,
            delivery.digest,
            body,
            delivery.received_at,
        )
    )
