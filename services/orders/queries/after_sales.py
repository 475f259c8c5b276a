"""The statements that record after-sales and move them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from services.orders.queries.applying import OrderName
from shared.contracts.after_sales import AfterSaleState
from shared.postgres.connection import Connection, Row


@dataclass(frozen=True, slots=True)
class AfterSale:
    """One row. `judgement` is what the rules saw and made of it, as JSON."""

    platform: str
    after_sale_id: str
    merchant: str
    order_id: str
    out_refund_id: UUID
    client_key: str
    account_id: str | None
    channel: str | None
    coupon_ids: tuple[str, ...]
    without_code: int
    amount_fen: int | None
    buyer_reason: str | None
    asked_at: datetime
    answer_until: datetime
    state: AfterSaleState
    version: int
    judgement: dict[str, Any] | None
    granted_coupon_ids: tuple[str, ...]
    partial: bool
    outcome: str | None
    reason: str | None
    decided_by: str | None
    decided_at: datetime | None
    due_soon_said: bool
    attempts: int
    last_failure: str | None
    traceparent: str
    created_at: datetime
    changed_at: datetime

    @property
    def order_name(self) -> OrderName:
        return OrderName(self.merchant, self.platform, self.order_id)


@dataclass(frozen=True, slots=True)
class Step:
    """One move of one after-sale, and all that it changes."""

    state: AfterSaleState
    step: str
    done_by: str
    event_id: UUID
    reason: str | None
    words: str | None
    outcome: str | None
    decided_by: str | None
    granted_coupon_ids: tuple[str, ...]
    partial: bool
    judgement: dict[str, Any] | None
    next_attempt_at: datetime | None
    at: datetime


async def insert_after_sale(conn: Connection, new: AfterSale, *, event_id: UUID) -> bool:
    """Record it with its first step; False if it is known already."""
    recorded = await conn.fetchval(
        """
        WITH recorded AS (
            INSERT INTO after_sales (
                platform, after_sale_id, merchant, order_id, out_refund_id, client_key, account_id,
                channel, coupon_ids, without_code, amount_fen, buyer_reason, asked_at,
                answer_until, state, next_attempt_at, traceparent
            )
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 'asked',
                    now() + interval '15 seconds', $15)
            ON CONFLICT (platform, after_sale_id) DO NOTHING
            RETURNING platform, after_sale_id
        )
        INSERT INTO after_sale_steps
            (platform, after_sale_id, version, step, to_state, done_by, event_id)
        SELECT platform, after_sale_id, 1, 'recorded', 'asked', 'platform', $16 FROM recorded
        RETURNING true
        """,
        new.platform,
        new.after_sale_id,
        new.merchant,
        new.order_id,
        new.out_refund_id,
        new.client_key,
        new.account_id,
        new.channel,
        new.coupon_ids,
        new.without_code,
        new.amount_fen,
        new.buyer_reason,
        new.asked_at,
        new.answer_until,
        new.traceparent,
        event_id,
    )
    return bool(recorded)


async def find_after_sale(conn: Connection, platform: str, after_sale_id: str) -> AfterSale | None:
    row = await conn.fetchrow(
        "SELECT * FROM after_sales WHERE platform = $1 AND after_sale_id = $2",
        platform,
        after_sale_id,
    )
    return None if row is None else as_after_sale(row)


async def move_after_sale(conn: Connection, matter: AfterSale, step: Step) -> bool:
    """Move it and write down the step; False if somebody else has moved it since it was read."""
    moved = await conn.fetchval(
        """
        WITH moved AS (
            UPDATE after_sales
               SET state = $4, version = version + 1, reason = $7, outcome = $9, decided_by = $10,
                   decided_at = CASE WHEN $9::text IS NOT NULL
                                     THEN coalesce(decided_at, $17) END,
                   granted_coupon_ids = $11, partial = $12, judgement = $13::jsonb,
                   next_attempt_at = $14, attempts = 0, last_failure = NULL, changed_at = $17
             WHERE platform = $1 AND after_sale_id = $2 AND version = $3
            RETURNING platform, after_sale_id, version
        )
        INSERT INTO after_sale_steps
            (platform, after_sale_id, version, step, from_state, to_state, done_by, reason, words,
             event_id, at)
        SELECT platform, after_sale_id, version, $5, $16, $4, $6, $7, $8, $15, $17 FROM moved
        RETURNING true
        """,
        matter.platform,
        matter.after_sale_id,
        matter.version,
        step.state,
        step.step,
        step.done_by,
        step.reason,
        step.words,
        step.outcome,
        step.decided_by,
        step.granted_coupon_ids,
        step.partial,
        None if step.judgement is None else orjson.dumps(step.judgement).decode(),
        step.next_attempt_at,
        step.event_id,
        matter.state,
        step.at,
    )
    return bool(moved)


async def lock_open_of_orders(conn: Connection, names: Sequence[OrderName]) -> list[AfterSale]:
    """Those that a refund may still come of; locked, after their orders, in one order."""
    rows = await conn.fetch(
        """
        SELECT a.*
          FROM after_sales a
         WHERE (a.order_id, a.merchant, a.platform) IN (
                   SELECT * FROM unnest($1::text[], $2::text[], $3::text[])
               )
           AND a.state NOT IN ('rejected', 'closed')
         ORDER BY a.platform, a.after_sale_id
           FOR UPDATE
        """,
        [name.order_id for name in names],
        [name.merchant for name in names],
        [name.platform for name in names],
    )
    return [as_after_sale(row) for row in rows]


async def claim_due(
    conn: Connection, states: Sequence[str], *, lease: timedelta, limit: int
) -> list[AfterSale]:
    """Take those whose time has come; whoever dies over one leaves it due after the lease."""
    rows = await conn.fetch(
        """
        WITH due AS (
            SELECT platform, after_sale_id FROM after_sales
             WHERE next_attempt_at <= now() AND state = ANY($1::text[])
             ORDER BY next_attempt_at LIMIT $3 FOR UPDATE SKIP LOCKED
        )
        UPDATE after_sales a
           SET next_attempt_at = now() + $2::interval, attempts = attempts + 1
          FROM due
         WHERE a.platform = due.platform AND a.after_sale_id = due.after_sale_id
        RETURNING a.*
        """,
        states,
        lease,
        limit,
    )
    return [as_after_sale(row) for row in rows]


async def put_off(
    conn: Connection, matter: AfterSale, *, wait: timedelta, failure: str | None
) -> None:
    await conn.execute(
        """
        UPDATE after_sales SET next_attempt_at = now() + $4::interval, last_failure = $5
         WHERE platform = $1 AND after_sale_id = $2 AND version = $3
        """,
        matter.platform,
        matter.after_sale_id,
        matter.version,
        wait,
        failure,
    )


async def rest(conn: Connection, matter: AfterSale) -> None:
    """Nothing is left to do for it by ourselves."""
    await conn.execute(
        """
        UPDATE after_sales SET next_attempt_at = NULL, attempts = 0, last_failure = NULL
         WHERE platform = $1 AND after_sale_id = $2 AND version = $3
        """,
        matter.platform,
        matter.after_sale_id,
        matter.version,
    )


async def find_overdue(conn: Connection, *, answer_grace: timedelta, limit: int) -> list[AfterSale]:
    """Unanswered when the platform's time was up; an answer on its way gets the grace."""
    rows = await conn.fetch(
        """
        SELECT * FROM after_sales
         WHERE state IN ('asked', 'waiting', 'pending', 'approving', 'rejecting')
           AND answer_until <= now()
           AND (state NOT IN ('approving', 'rejecting') OR answer_until <= now() - $1::interval)
         ORDER BY answer_until LIMIT $2
        """,
        answer_grace,
        limit,
    )
    return [as_after_sale(row) for row in rows]


async def mark_due_soon(conn: Connection, *, within: timedelta, limit: int) -> list[AfterSale]:
    """Those that wait for a person and will not for long; each once, one version older now."""
    rows = await conn.fetch(
        """
        WITH due AS (
            SELECT platform, after_sale_id FROM after_sales
             WHERE state IN ('asked', 'waiting', 'pending', 'approving', 'rejecting')
               AND answer_until <= now() + $1::interval
               AND state = 'pending' AND NOT due_soon_said
             ORDER BY answer_until LIMIT $2 FOR UPDATE SKIP LOCKED
        ), marked AS (
            UPDATE after_sales a
               SET due_soon_said = true, version = version + 1, changed_at = now()
              FROM due
             WHERE a.platform = due.platform AND a.after_sale_id = due.after_sale_id
            RETURNING a.*
        ), noted AS (
            INSERT INTO after_sale_steps
                (platform, after_sale_id, version, step, from_state, to_state, done_by)
            SELECT platform, after_sale_id, version, 'due_soon', state, state, 'clock'
              FROM marked
        )
        SELECT * FROM marked
        """,
        within,
        limit,
    )
    return [as_after_sale(row) for row in rows]


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for a person, for the gauges."""

    pending: int
    due_soon: int
    untold: int
    seconds_left: float | None


async def measure(conn: Connection, *, within: timedelta) -> Waiting:
    row = await conn.fetchrow(
        """
        SELECT count(*) FILTER (WHERE state = 'pending'),
               count(*) FILTER (WHERE state = 'pending' AND answer_until <= now() + $1::interval),
               count(*) FILTER (WHERE state IN ('approving', 'rejecting')),
               extract(epoch FROM min(answer_until) FILTER (WHERE state = 'pending') - now())
                   ::double precision
          FROM after_sales
         WHERE state IN ('asked', 'waiting', 'pending', 'approving', 'rejecting')
        """,
        within,
    )
    assert row is not None  # noqa: S101 - an aggregate without GROUP BY is one row
    return Waiting(*row.values())


def as_after_sale(row: Row) -> AfterSale:
    values = {name: row[name] for name in AfterSale.__slots__}
    judgement = values["judgement"]
    return AfterSale(
        **values
        | {
            "state": AfterSaleState(values["state"]),
            "coupon_ids": tuple(values["coupon_ids"]),
            "granted_coupon_ids": tuple(values["granted_coupon_ids"]),
            "judgement": None if judgement is None else orjson.loads(judgement),
        }
    )
