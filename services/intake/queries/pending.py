"""What the relay still has to publish."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.intake.domain.envelopes import StoredDelivery
from shared.postgres.connection import Connection


async def claim_pending(conn: Connection, *, limit: int) -> list[UUID]:
    """Take the oldest off the queue, for as long as the transaction commits.

    What another worker holds is passed over.
    """
    rows = await conn.fetch(
        """
        DELETE FROM deliveries_pending WHERE delivery_id = ANY(ARRAY(
            SELECT delivery_id FROM deliveries_pending
             ORDER BY delivery_id LIMIT $1 FOR UPDATE SKIP LOCKED
        )) RETURNING delivery_id
        """,
        limit,
    )
    return sorted(row[0] for row in rows)


async def find_stored(conn: Connection, delivery_ids: Sequence[UUID]) -> list[StoredDelivery]:
    rows = await conn.fetch(
        """
        SELECT delivery_id, client_key, platform, merchant, account_id, event, msg_id,
               received_at, late, body, dedupe_key
          FROM deliveries WHERE delivery_id = ANY($1::uuid[])
        """,
        delivery_ids,
    )
    return [StoredDelivery(*row) for row in rows]


async def count_pending(conn: Connection) -> int:
    return int(await conn.fetchval("SELECT count(*) FROM deliveries_pending"))


async def queue_again(conn: Connection, delivery_ids: Sequence[UUID]) -> None:
    await conn.execute(
        """
        INSERT INTO deliveries_pending (delivery_id)
        SELECT delivery_id FROM deliveries WHERE delivery_id = ANY($1::uuid[])
        ON CONFLICT DO NOTHING
        """,
        delivery_ids,
    )


async def queue_since(
    conn: Connection, *, since: datetime, after: UUID, limit: int
) -> tuple[int, UUID | None]:
    """Queue the next deliveries since then once more: how many, and the last one looked at."""
    row = await conn.fetchrow(
        """
        WITH chosen AS (
            SELECT delivery_id FROM deliveries
             WHERE delivery_id > $2 AND received_at >= $1
             ORDER BY delivery_id LIMIT $3
        ), queued AS (
            INSERT INTO deliveries_pending (delivery_id) SELECT delivery_id FROM chosen
            ON CONFLICT DO NOTHING RETURNING delivery_id
        )
        SELECT (SELECT count(*) FROM queued),
               (SELECT delivery_id FROM chosen ORDER BY delivery_id DESC LIMIT 1)
        """,
        since,
        after,
        limit,
    )
    return (0, None) if row is None else (int(row[0]), row[1])
