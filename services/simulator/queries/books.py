"""The simulator's own books, for comparing with what others made of its messages."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.simulator.domain.coupons import Verification
from shared.postgres.connection import Connection


@dataclass(frozen=True, slots=True)
class WebhookLine:
    webhook_id: int
    msg_id: str
    client_key: str
    event: str
    copy: str
    state: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Pending:
    """What is still to be sent or to happen."""

    webhooks_queued: int
    webhooks_due: int
    next_webhook_at: datetime | None
    refunds_waiting: int
    questions_queued: int
    codes_owed: int


async def find_order_ids(conn: Connection, after: int, limit: int) -> list[int]:
    rows = await conn.fetch(
        "SELECT order_id FROM orders WHERE order_id > $1 ORDER BY order_id LIMIT $2", after, limit
    )
    return [row["order_id"] for row in rows]


async def find_all_verifications(conn: Connection, order_ids: Sequence[int]) -> list[Verification]:
    rows = await conn.fetch(
        """
        SELECT verify_id, certificate_id, order_id, account_id, poi_id, verify_token,
               verified_at, cancelled_at, serial
          FROM verifications WHERE order_id = ANY($1::bigint[])
         ORDER BY verified_at, serial, verify_id
        """,
        order_ids,
    )
    return [Verification(*row.values()) for row in rows]


async def find_webhooks(
    conn: Connection, *, state: str | None, genuine: bool, after: int, limit: int
) -> list[WebhookLine]:
    rows = await conn.fetch(
        """
        SELECT webhook_id, msg_id, client_key, event, copy, state, attempts FROM webhooks
         WHERE webhook_id > $1 AND ($2::text IS NULL OR state = $2)
           AND (NOT $3 OR copy <> 'forged')
         ORDER BY webhook_id LIMIT $4
        """,
        after,
        state,
        genuine,
        limit,
    )
    return [WebhookLine(*row.values()) for row in rows]


async def count_orders(conn: Connection) -> dict[str, int]:
    rows = await conn.fetch("SELECT state, count(*) FROM orders GROUP BY state")
    return {row[0]: row[1] for row in rows}


async def count_coupons(conn: Connection) -> dict[str, int]:
    rows = await conn.fetch("SELECT state, count(*) FROM coupons GROUP BY state")
    return {row[0]: row[1] for row in rows}


async def count_webhooks(conn: Connection) -> list[tuple[str, str, int]]:
    """Copies by kind and state."""
    rows = await conn.fetch("SELECT copy, state, count(*) FROM webhooks GROUP BY copy, state")
    return [(row[0], row[1], row[2]) for row in rows]


async def count_attempts(conn: Connection) -> dict[str, int]:
    """Tries by the status that came back, or by what went wrong."""
    rows = await conn.fetch(
        """
        SELECT coalesce(status::text, error), count(*) FROM webhook_attempts GROUP BY 1
        """
    )
    return {row[0]: row[1] for row in rows}


async def count_verifications(conn: Connection) -> tuple[int, int]:
    """All, and those taken back."""
    row = await conn.fetchrow("SELECT count(*), count(cancelled_at) FROM verifications")
    return (0, 0) if row is None else (row[0], row[1])


async def count_calls(conn: Connection) -> list[tuple[str, int, int]]:
    rows = await conn.fetch("SELECT call, code, calls FROM call_counts ORDER BY call, code")
    return [(row[0], row[1], row[2]) for row in rows]


async def count_injected_faults(conn: Connection) -> dict[str, int]:
    rows = await conn.fetch("SELECT fault, count(*) FROM injected_faults GROUP BY fault")
    return {row[0]: row[1] for row in rows}


async def sum_money(conn: Connection) -> dict[str, int]:
    """Over all orders. A coupon's uses share its price, the first ones bearing the remainder."""
    row = await conn.fetchrow(
        """
        SELECT coalesce(sum(c.pay_amount_fen) FILTER (WHERE o.paid_at IS NOT NULL), 0)::bigint
                   AS paid,
               coalesce(sum(c.pay_amount_fen - used.fen) FILTER (WHERE c.state = 'refunded'), 0)
                   ::bigint AS refunded,
               coalesce(sum(used.fen) FILTER (
                   WHERE c.state = 'refunded' OR c.settled_at IS NOT NULL
               ), 0)::bigint AS settled
          FROM coupons c JOIN orders o USING (order_id)
         CROSS JOIN LATERAL (
             SELECT c.times_used * (c.pay_amount_fen / c.times_count)
                    + least(c.times_used, c.pay_amount_fen % c.times_count) AS fen
         ) AS used
        """
    )
    return {} if row is None else dict(row)


async def find_pending(conn: Connection, now: datetime) -> Pending:
    row = await conn.fetchrow(
        """
        SELECT count(*), count(*) FILTER (WHERE due_at <= $1), min(due_at),
               (SELECT count(*) FROM coupons WHERE state = 'refunding'),
               (SELECT count(*) FROM questions WHERE state = 'queued'),
               (SELECT count(*) FROM coupons WHERE state = 'issuing')
          FROM webhooks WHERE state = 'queued'
        """,
        now,
    )
    return Pending(0, 0, None, 0, 0, 0) if row is None else Pending(*row.values())


async def forget_everything(conn: Connection) -> None:
    """Apps, merchants and their tokens stay."""
    await conn.execute(
        """
        TRUNCATE orders, coupons, preparations, verifications, cancellations, webhooks,
                 webhook_attempts, questions, question_attempts, after_sales, settlements,
                 injected_faults, call_counts, controls,
                 goods, goods_verdicts, poi_match_stores, poi_match_tasks, poi_relations
        """
    )
