"""Statements that take a redemption back."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from services.redemption.domain.records import Caller, Cancellation, Redemption, Spent
from services.redemption.domain.states import CancellationState, LedgerState
from shared.ids import new_id
from shared.postgres.connection import Connection, Row


async def find_cancellation(conn: Connection, cancel_id: UUID) -> Cancellation | None:
    row = await conn.fetchrow(
        """
        SELECT cancel_id, redemption_id, request_digest, merchant, store_id, terminal_id, cause,
               state, reason, attempts, answer, traceparent, created_at
          FROM cancellations WHERE cancel_id = $1
        """,
        cancel_id,
    )
    return None if row is None else _as_cancellation(row)


async def find_rows(conn: Connection, redemption_id: UUID) -> tuple[Spent, ...]:
    """The coupons of a redemption."""
    rows = await conn.fetch(
        """
        SELECT coupon_id, times_card, state, title, original_amount_fen,
               pay_amount_fen, verify_id, redeemed_at, cancel_until, released_at,
               released_because
          FROM ledger WHERE redemption_id = $1 ORDER BY coupon_id
        """,
        redemption_id,
    )
    return tuple(_as_spent(row) for row in rows)


async def add_cancellation(
    conn: Connection,
    *,
    cancel_id: UUID,
    redemption_id: UUID,
    digest: bytes,
    caller: Caller,
    cause: str,
    first_wait: timedelta,
) -> Cancellation | None:
    """Begin; None if this cancel_id is known or another cancellation is under way."""
    row = await conn.fetchrow(
        """
        INSERT INTO cancellations
            (cancel_id, redemption_id, request_digest, merchant, store_id, terminal_id, cause,
             state, attempts, next_attempt_at, traceparent)
        VALUES ($1, $2, $3, $4, $5, $6, $7, 'pending', 1, now() + $8::interval, $9)
        ON CONFLICT DO NOTHING
        RETURNING cancel_id, redemption_id, request_digest, merchant, store_id, terminal_id,
                  cause, state, reason, attempts, answer, traceparent, created_at
        """,
        cancel_id,
        redemption_id,
        digest,
        caller.merchant,
        caller.store_id,
        caller.terminal_id,
        cause,
        first_wait,
        caller.traceparent,
    )
    return None if row is None else _as_cancellation(row)


async def record_refused_cancellation(
    conn: Connection,
    *,
    cancel_id: UUID,
    redemption: Redemption,
    digest: bytes,
    caller: Caller,
    cause: str,
    reason: str,
    answer: bytes,
) -> bool:
    """Keep a refusal as this cancel_id's answer for ever; False if it has one already."""
    recorded = await conn.fetchval(
        """
        WITH refused AS (
            INSERT INTO cancellations
                (cancel_id, redemption_id, request_digest, merchant, store_id, terminal_id,
                 cause, state, reason, attempts, answer, traceparent, settled_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, 'refused', $8, 0, $9::json, $10, now())
            ON CONFLICT (cancel_id) DO NOTHING
            RETURNING redemption_id
        )
        INSERT INTO refusals
            (refusal_id, step, merchant, store_id, terminal_id, reason, redemption_id, order_id,
             coupon_ids, typed)
        SELECT $11, 'cancel', $4, $5, $6, $8, redemption_id, $12, $13, false FROM refused
        RETURNING true
        """,
        cancel_id,
        redemption.redemption_id,
        digest,
        caller.merchant,
        caller.store_id,
        caller.terminal_id,
        cause,
        reason,
        answer.decode(),
        caller.traceparent,
        new_id(),
        redemption.order_id,
        redemption.coupon_ids,
    )
    return bool(recorded)


async def settle_cancellation(
    conn: Connection,
    *,
    cancel_id: UUID,
    state: CancellationState,
    reason: str | None,
    answer: bytes,
) -> bool:
    """End a pending cancellation, once; False if somebody else has."""
    settled = await conn.fetchval(
        """
        WITH settled AS (
            UPDATE cancellations
               SET state = $2, reason = $3, answer = $4::json, settled_at = now(),
                   next_attempt_at = NULL
             WHERE cancel_id = $1 AND state = 'pending'
            RETURNING redemption_id, merchant, store_id, terminal_id
        ), logged AS (
            INSERT INTO refusals
                (refusal_id, step, merchant, store_id, terminal_id, reason, redemption_id,
                 order_id, coupon_ids, typed)
            SELECT $5, 'cancel', s.merchant, s.store_id, s.terminal_id, $3, s.redemption_id,
                   r.order_id, r.coupon_ids, false
              FROM settled s JOIN redemptions r USING (redemption_id)
             WHERE $3 IS NOT NULL
        )
        SELECT true FROM settled
        """,
        cancel_id,
        state,
        reason,
        answer.decode(),
        new_id(),
    )
    return bool(settled)


async def release_rows(
    conn: Connection, *, redemption_id: UUID, coupon_ids: Sequence[str], cause: str
) -> list[str]:
    """Make coupons spendable again; gives those that were not already."""
    rows = await conn.fetch(
        """
        UPDATE ledger SET state = 'released', released_at = now(), released_because = $3
         WHERE redemption_id = $1 AND coupon_id = ANY($2::text[]) AND state = 'spent'
        RETURNING coupon_id
        """,
        redemption_id,
        coupon_ids,
        cause,
    )
    return [row["coupon_id"] for row in rows]


async def claim_due_cancellations(
    conn: Connection, *, lease: timedelta, limit: int
) -> list[Cancellation]:
    """Take cancellations whose time has come, as claim_due does redemptions."""
    rows = await conn.fetch(
        """
        WITH due AS (
            SELECT cancel_id FROM cancellations
             WHERE state = 'pending' AND next_attempt_at <= now()
             ORDER BY next_attempt_at LIMIT $2 FOR UPDATE SKIP LOCKED
        )
        UPDATE cancellations c
           SET attempts = c.attempts + 1,
               next_attempt_at = now() + $1::interval
          FROM due
         WHERE c.cancel_id = due.cancel_id
        RETURNING c.cancel_id, c.redemption_id, c.request_digest, c.merchant, c.store_id,
                  c.terminal_id, c.cause, c.state, c.reason, c.attempts, c.answer, c.traceparent,
                  c.created_at
        """,
        lease,
        limit,
    )
    return [_as_cancellation(row) for row in rows]


async def put_off_cancellation(conn: Connection, cancel_id: UUID, *, wait: timedelta) -> None:
    await conn.execute(
        """
        UPDATE cancellations SET next_attempt_at = now() + $2::interval
         WHERE cancel_id = $1 AND state = 'pending'
        """,
        cancel_id,
        wait,
    )


def _as_cancellation(row: Row) -> Cancellation:
    values = list(row.values())
    values[7] = CancellationState(values[7])
    return Cancellation(*values)


def _as_spent(row: Row) -> Spent:
    values = list(row.values())
    values[2] = LedgerState(values[2])
    return Spent(*values)
