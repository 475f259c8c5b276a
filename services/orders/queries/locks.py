"""The statements about locks of coupons that redemption keeps for after-sales."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from services.orders.queries.after_sales import AfterSale
from shared.postgres.connection import Connection, Row


@dataclass(frozen=True, slots=True)
class Lock:
    """`lock_id` is its name at redemption; each question asked of redemption has its own."""

    platform: str
    after_sale_id: str
    number: int
    lock_id: str
    coupon_ids: tuple[str, ...]
    state: str
    answer: dict[str, Any] | None
    attempts: int
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class DueLock:
    """A lock to be given back, and whose it is."""

    lock: Lock
    merchant: str
    order_id: str


async def want_lock(
    conn: Connection, matter: AfterSale, coupon_ids: Sequence[str], *, lease: timedelta
) -> Lock | None:
    """Write down that it will be asked for; None if another is wanted or held already."""
    row = await conn.fetchrow(
        """
        INSERT INTO after_sale_locks
            (platform, after_sale_id, number, lock_id, coupon_ids, state, next_attempt_at)
        SELECT $1, $2, n.number, CASE n.number WHEN 1 THEN $2 ELSE $2 || '.' || n.number END, $3,
               'wanted', now() + $4::interval
          FROM (
              SELECT coalesce(max(number), 0) + 1 AS number FROM after_sale_locks
               WHERE platform = $1 AND after_sale_id = $2
          ) AS n
         WHERE NOT EXISTS (
                   SELECT FROM after_sale_locks
                    WHERE platform = $1 AND after_sale_id = $2 AND state IN ('wanted', 'held')
               )
        ON CONFLICT DO NOTHING
        RETURNING *
        """,
        matter.platform,
        matter.after_sale_id,
        coupon_ids,
        lease,
    )
    return None if row is None else _as_lock(row)


async def find_locks(conn: Connection, matter: AfterSale) -> list[Lock]:
    rows = await conn.fetch(
        """
        SELECT * FROM after_sale_locks
         WHERE platform = $1 AND after_sale_id = $2 ORDER BY number
        """,
        matter.platform,
        matter.after_sale_id,
    )
    return [_as_lock(row) for row in rows]


async def keep_answer(conn: Connection, lock: Lock, *, held: bool, answer: dict[str, Any]) -> bool:
    """False if it is to be given back meanwhile: what was just taken is given back at once."""
    state = await conn.fetchval(
        """
        UPDATE after_sale_locks
           SET state = CASE WHEN NOT $4 THEN 'refused'
                            WHEN state IN ('releasing', 'released') THEN 'releasing'
                            ELSE 'held' END,
               next_attempt_at =
                   CASE WHEN $4 AND state IN ('releasing', 'released') THEN now() END,
               attempts = 0, answer = $5::jsonb, changed_at = now()
         WHERE platform = $1 AND after_sale_id = $2 AND number = $3
        RETURNING state
        """,
        lock.platform,
        lock.after_sale_id,
        lock.number,
        held,
        orjson.dumps(answer).decode(),
    )
    return state in ("held", "refused")


async def narrow_locks(conn: Connection, matter: AfterSale, coupon_ids: Sequence[str]) -> None:
    """Keep only these coupons: redemption is to be asked for the same lock with fewer."""
    await conn.execute(
        """
        UPDATE after_sale_locks
           SET coupon_ids = $3, state = 'wanted', next_attempt_at = now(), attempts = 0,
               changed_at = now()
         WHERE platform = $1 AND after_sale_id = $2 AND state = 'held'
           AND (coupon_ids = '{}' OR NOT coupon_ids <@ $3)
        """,
        matter.platform,
        matter.after_sale_id,
        coupon_ids,
    )


async def claim_narrowed(conn: Connection, *, lease: timedelta, limit: int) -> list[DueLock]:
    """Locks that are wanted of refunds which are decided: they are held with too many coupons."""
    rows = await conn.fetch(
        """
        WITH due AS (
            SELECT l.platform, l.after_sale_id, l.number, a.merchant, a.order_id
              FROM after_sale_locks l JOIN after_sales a USING (platform, after_sale_id)
             WHERE l.next_attempt_at <= now() AND l.state = 'wanted'
               AND a.state IN ('approved', 'closed')
             ORDER BY l.next_attempt_at LIMIT $2 FOR UPDATE OF l SKIP LOCKED
        )
        UPDATE after_sale_locks l
           SET next_attempt_at = now() + $1::interval, attempts = l.attempts + 1
          FROM due
         WHERE l.platform = due.platform AND l.after_sale_id = due.after_sale_id
           AND l.number = due.number
        RETURNING l.*, due.merchant, due.order_id
        """,
        lease,
        limit,
    )
    return [DueLock(_as_lock(row), row["merchant"], row["order_id"]) for row in rows]


async def release_lock(conn: Connection, lock: Lock) -> None:
    await conn.execute(
        """
        UPDATE after_sale_locks
           SET state = 'releasing', next_attempt_at = now(), attempts = 0, changed_at = now()
         WHERE platform = $1 AND after_sale_id = $2 AND number = $3
           AND state IN ('wanted', 'held')
        """,
        lock.platform,
        lock.after_sale_id,
        lock.number,
    )


async def release_locks(conn: Connection, matter: AfterSale) -> None:
    """All of them, also those that may or may not have been taken."""
    await conn.execute(
        """
        UPDATE after_sale_locks
           SET state = 'releasing', next_attempt_at = now(), attempts = 0, changed_at = now()
         WHERE platform = $1 AND after_sale_id = $2 AND state IN ('wanted', 'held')
        """,
        matter.platform,
        matter.after_sale_id,
    )


async def claim_releases(conn: Connection, *, lease: timedelta, limit: int) -> list[DueLock]:
    rows = await conn.fetch(
        """
        WITH due AS (
            SELECT platform, after_sale_id, number FROM after_sale_locks
             WHERE next_attempt_at <= now() AND state = 'releasing'
             ORDER BY next_attempt_at LIMIT $2 FOR UPDATE SKIP LOCKED
        )
        UPDATE after_sale_locks l
           SET next_attempt_at = now() + $1::interval, attempts = l.attempts + 1
          FROM due, after_sales a
         WHERE l.platform = due.platform AND l.after_sale_id = due.after_sale_id
           AND l.number = due.number
           AND a.platform = due.platform AND a.after_sale_id = due.after_sale_id
        RETURNING l.*, a.merchant, a.order_id
        """,
        lease,
        limit,
    )
    return [DueLock(_as_lock(row), row["merchant"], row["order_id"]) for row in rows]


async def put_off(conn: Connection, lock: Lock, *, wait: timedelta) -> None:
    await conn.execute(
        """
        UPDATE after_sale_locks SET next_attempt_at = now() + $4::interval
         WHERE platform = $1 AND after_sale_id = $2 AND number = $3
           AND state IN ('wanted', 'releasing')
        """,
        lock.platform,
        lock.after_sale_id,
        lock.number,
        wait,
    )


async def finish_release(conn: Connection, lock: Lock) -> None:
    await conn.execute(
        """
        UPDATE after_sale_locks
           SET state = 'released', next_attempt_at = NULL, changed_at = now()
         WHERE platform = $1 AND after_sale_id = $2 AND number = $3 AND state = 'releasing'
        """,
        lock.platform,
        lock.after_sale_id,
        lock.number,
    )


async def count_releasing(conn: Connection) -> int:
    return int(
        await conn.fetchval("SELECT count(*) FROM after_sale_locks WHERE state = 'releasing'")
    )


def _as_lock(row: Row) -> Lock:
    values = {name: row[name] for name in Lock.__slots__}
    answer = values["answer"]
    return Lock(
        **values
        | {
            "coupon_ids": tuple(values["coupon_ids"]),
            "answer": None if answer is None else orjson.loads(answer),
        }
    )
