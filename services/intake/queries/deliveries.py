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


@dataclass(slots=True)
class Conflict:
    """A body that came under the id of another one, and how often it did."""

    delivery: Delivery
    body: bytes
    first_delivery_id: UUID
    times: int = 1


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
    return int(
        await conn.fetchval(
            """
            WITH stored AS (
                INSERT INTO deliveries
                    (delivery_id, client_key, dedupe_key, platform, merchant, account_id, event,
                     msg_id, digest, body, body_bytes, received_at, sent_at, late)
                SELECT * FROM unnest($1::new_delivery[])
                ON CONFLICT (client_key, dedupe_key) DO NOTHING
                RETURNING delivery_id
            ), queued AS (
                INSERT INTO deliveries_pending (delivery_id) SELECT delivery_id FROM stored
            )
            SELECT count(*) FROM stored
            """,
            # A list of rows: the driver looks at each element of an array, and once per row is
            # a third less work than once per value.
            [
                (*delivery[:9], body, len(delivery.raw), *delivery[10:13])
                for delivery, body in zip(deliveries, bodies, strict=True)
            ],
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


async def store_conflicts(conn: Connection, conflicts: Sequence[Conflict]) -> set[UUID]:
    """Store bodies that contradict the first ones; returns the ids of those not seen before.

    Each body stands in the list once, in the order of the first deliveries and digests.
    """
    rows = await conn.fetch(
        """
        INSERT INTO delivery_conflicts AS known
            (conflict_id, first_delivery_id, client_key, platform, merchant, account_id,
             event, msg_id, digest, body, received_at, times)
        SELECT * FROM unnest(
            $1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[],
            $7::text[], $8::text[], $9::bytea[], $10::bytea[], $11::timestamptz[], $12::bigint[])
        ON CONFLICT (first_delivery_id, digest) DO UPDATE
           SET times = known.times + excluded.times
        RETURNING conflict_id
        """,
        [each.delivery.delivery_id for each in conflicts],
        [each.first_delivery_id for each in conflicts],
        [each.delivery.client_key for each in conflicts],
        [each.delivery.platform for each in conflicts],
        [each.delivery.merchant for each in conflicts],
        [each.delivery.account_id for each in conflicts],
        [each.delivery.event for each in conflicts],
        [each.delivery.msg_id for each in conflicts],
        [each.delivery.digest for each in conflicts],
        [each.body for each in conflicts],
        [each.delivery.received_at for each in conflicts],
        [each.times for each in conflicts],
    )
    return {row[0] for row in rows}
