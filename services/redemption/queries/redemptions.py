"""Statements that spend: look, claim, settle."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from services.redemption.domain.records import (
    Caller,
    Claim,
    Fact,
    Preparation,
    Redemption,
)
from services.redemption.domain.settling import Verdict
from services.redemption.domain.states import RedemptionState
from services.redemption.queries.rows import CLAIMS, FACTS, OFFERS, only
from shared.contracts.envelope import Event
from shared.ids import new_id
from shared.postgres.connection import Connection


@dataclass(frozen=True, slots=True)
class SpendLook:
    """What one glance tells before a redemption starts."""

    redemption: Redemption | None
    preparation: Preparation | None
    claims: tuple[Claim, ...]
    facts: tuple[Fact, ...]
    # Whose redemption the verify token of the preparation pays for.
    claimed_by: UUID | None


async def look_before_spending(
    conn: Connection, *, redemption_id: UUID, preparation_id: UUID, coupon_ids: Sequence[str]
) -> SpendLook:
    row = await conn.fetchrow(
        """
        SELECT r.redemption_id, r.request_digest, r.merchant, r.store_id, r.terminal_id,
               r.platform, r.order_id, r.preparation_id, r.coupon_ids, r.coupon_versions,
               r.state, r.reason, r.attempts, r.answer, r.traceparent, r.created_at,
               p.preparation_id, p.merchant, p.store_id, p.terminal_id, p.platform, p.poi_id,
               p.account_id, p.order_id, p.scan_hash, p.coupons, p.sealed, p.prepared_at,
               p.created_at, p.expires_at,
               (SELECT jsonb_agg(jsonb_build_object(
                           'redemption_id', l.redemption_id, 'coupon_id', l.coupon_id,
                           'use_no', l.use_no, 'state', l.state, 'store_id', h.store_id,
                           'store_name', s.name, 'terminal_id', h.terminal_id,
                           'redeemed_at', l.redeemed_at, 'claimed_at', h.created_at))
                  FROM ledger l
                  JOIN redemptions h USING (redemption_id)
                  LEFT JOIN stores s ON s.store_id = h.store_id
                 WHERE l.platform = p.platform AND l.coupon_id = ANY($3::text[])
                   AND l.state <> 'released') AS claims,
               (SELECT jsonb_agg(jsonb_build_object(
                           'coupon_id', c.coupon_id, 'kind', c.fact, 'occurred_at', c.fact_at))
                  FROM coupons c
                 WHERE c.platform = p.platform AND c.coupon_id = ANY($3::text[])
                   AND c.fact IS NOT NULL) AS facts,
               (SELECT redemption_id FROM redemptions c
                 WHERE c.claimed_preparation_id = p.preparation_id) AS claimed_by
          FROM (VALUES ($1::uuid, $2::uuid)) AS asked (redemption_id, preparation_id)
          LEFT JOIN redemptions r ON r.redemption_id = asked.redemption_id
          LEFT JOIN preparations p ON p.preparation_id = asked.preparation_id
        """,
        redemption_id,
        preparation_id,
        coupon_ids,
    )
    values = only(row)
    return SpendLook(
        redemption=None if values[0] is None else as_redemption(values[:16]),
        preparation=None if values[16] is None else as_preparation(values[16:30]),
        claims=CLAIMS.validate_json(values[30] or "[]"),
        facts=FACTS.validate_json(values[31] or "[]"),
        claimed_by=values[32],
    )


def as_preparation(values: Sequence[Any]) -> Preparation:
    """The same of a preparation."""
    read = list(values)
    read[9] = OFFERS.validate_json(read[9])
    return Preparation(*read)


def as_redemption(values: Sequence[Any]) -> Redemption:
    """From the columns in the order of the record. Any: asyncpg knows no column types."""
    read = list(values)
    read[10] = RedemptionState(read[10])
    return Redemption(*read)


@dataclass(frozen=True, slots=True)
class Held:
    """When the redemption began, and which change this is for each of its coupons, in order."""

    created_at: datetime
    coupon_versions: Sequence[int]


async def hold(
    conn: Connection,
    *,
    redemption_id: UUID,
    digest: bytes,
    caller: Caller,
    preparation_id: UUID,
    coupon_ids: Sequence[str],
    first_wait: timedelta,
) -> Held | None:
    """Begin a redemption and hold all its coupons; None if a rival was faster, and then nothing.

    A rival that is about to do the same is waited for, by everybody in the order of coupon ids.
    """
    row = None
    with suppress(asyncpg.IntegrityConstraintViolationError):
        row = await conn.fetchrow(
            """
            WITH asked AS (
                SELECT p.platform, p.merchant, p.store_id, p.order_id, offer.*
                  FROM preparations p, jsonb_to_recordset(p.coupons)
                    AS offer (coupon_id text, use_no bigint, kind text, title text,
                              original_amount_fen bigint, pay_amount_fen bigint)
                 WHERE p.preparation_id = $2 AND offer.coupon_id = ANY($3::text[])
                 ORDER BY offer.coupon_id
            ), held AS (
                INSERT INTO ledger (redemption_id, coupon_id, platform, use_no, times_card, state,
                                    title, original_amount_fen, pay_amount_fen)
                SELECT $1, coupon_id, platform, use_no, coalesce(kind = 'times_card', false),
                       'held', title, original_amount_fen, pay_amount_fen
                  FROM asked
                ON CONFLICT DO NOTHING RETURNING coupon_id
            ), versions AS (
                INSERT INTO coupons (platform, coupon_id, merchant, version)
                SELECT platform, coupon_id, merchant, 1
                  FROM asked JOIN held USING (coupon_id) ORDER BY coupon_id
                ON CONFLICT (platform, coupon_id) DO UPDATE SET version = coupons.version + 1
                RETURNING coupon_id, version
            ), begun AS (
                INSERT INTO redemptions
                    (redemption_id, request_digest, merchant, store_id, terminal_id, platform,
                     order_id, preparation_id, claimed_preparation_id, coupon_ids,
                     coupon_versions, state, attempts, next_attempt_at, traceparent)
                SELECT $1, $4, merchant, store_id, $5, platform, order_id, $2, $2, $3,
                       (SELECT array_agg(version ORDER BY coupon_id) FROM versions),
                       'pending', 1, now() + $6::interval, $7
                  FROM asked WHERE (SELECT count(*) FROM held) = cardinality($3) LIMIT 1
                ON CONFLICT DO NOTHING RETURNING created_at, coupon_versions
            )
            SELECT (SELECT created_at FROM begun), (SELECT coupon_versions FROM begun)
             WHERE all_or_none((SELECT count(*) FROM held), cardinality($3),
                               (SELECT count(*) FROM begun))
            """,
            *(redemption_id, preparation_id, coupon_ids, digest),
            *(caller.terminal_id, first_wait, caller.traceparent),
        )
    return None if row is None else Held(*row.values())


async def record_refused(
    conn: Connection,
    *,
    redemption_id: UUID,
    digest: bytes,
    caller: Caller,
    preparation: Preparation,
    coupon_ids: Sequence[str],
    reason: str,
    answer: bytes,
    said: Event,
) -> bool:
    """Keep a refusal as this redemption's answer for ever; False if it has one already.

    One statement with its event, not four in a transaction: of 64 terminals that race for a
    coupon 63 come here.
    """
    recorded = await conn.fetchval(
        """
        WITH refused AS (
            INSERT INTO redemptions
                (redemption_id, request_digest, merchant, store_id, terminal_id, platform,
                 order_id, preparation_id, coupon_ids, state, reason, attempts, answer,
                 traceparent, settled_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'refused', $10, 0, $11::json, $12, now())
            ON CONFLICT (redemption_id) DO NOTHING
            RETURNING redemption_id
        ), logged AS (
            INSERT INTO refusals
                (refusal_id, step, merchant, store_id, terminal_id, reason, redemption_id,
                 order_id, coupon_ids, scan_hash, typed)
            SELECT $13, 'redeem', $3, $4, $5, $10, redemption_id, $7, $9, $14, false FROM refused
        ), said AS (
            INSERT INTO outbox (event_id, subject, payload) SELECT $15, $16, $17 FROM refused
            RETURNING seq
        )
        INSERT INTO outbox_pending (seq) SELECT seq FROM said RETURNING true
        """,
        redemption_id,
        digest,
        caller.merchant,
        caller.store_id,
        caller.terminal_id,
        preparation.platform,
        preparation.order_id,
        preparation.preparation_id,
        coupon_ids,
        reason,
        answer.decode(),
        caller.traceparent,
        new_id(),
        preparation.scan_hash,
        said.id,
        said.nats_subject,
        said.model_dump_json().encode(),
    )
    return bool(recorded)


async def settle(
    conn: Connection,
    *,
    redemption_id: UUID,
    state: RedemptionState,
    reason: str | None,
    answer: bytes,
    frees_preparation: bool,
    verdicts: Sequence[Verdict],
    cancel_window: timedelta,
    said: Sequence[Event],
) -> bool:
    """End a pending redemption with its ledger and its events, once; False if somebody else has."""
    settled = await conn.fetchval(
        """
        WITH settled AS (
            UPDATE redemptions
               SET state = $2, reason = $3, answer = $4::json,
                   settled_at = now(), next_attempt_at = NULL,
                   claimed_preparation_id = CASE WHEN NOT $5 THEN claimed_preparation_id END
             WHERE redemption_id = $1 AND state = 'pending'
            RETURNING redemption_id, merchant, store_id, terminal_id, order_id, coupon_ids
        ), moved AS (
            UPDATE ledger l
               SET state = CASE WHEN v.spent THEN 'spent' ELSE 'released' END,
                   verify_id = v.verify_id, redeemed_at = v.redeemed_at,
                   cancel_until = v.cancel_until,
                   released_at = CASE WHEN NOT v.spent THEN now() END,
                   released_because = CASE WHEN NOT v.spent THEN v.reason END
              FROM settled, jsonb_to_recordset($6::jsonb)
                AS v (coupon_id text, spent boolean, reason text, verify_id text,
                      redeemed_at timestamptz, cancel_until timestamptz)
             WHERE l.redemption_id = settled.redemption_id AND l.coupon_id = v.coupon_id
               AND l.state = 'held'
        ), logged AS (
            INSERT INTO refusals
                (refusal_id, step, merchant, store_id, terminal_id, reason, redemption_id,
                 order_id, coupon_ids, typed)
            SELECT $7, 'redeem', merchant, store_id, terminal_id, $3, redemption_id, order_id,
                   coupon_ids, false FROM settled WHERE $3 IS NOT NULL
        ), said AS (
            INSERT INTO outbox (event_id, subject, payload)
            SELECT event.* FROM settled, unnest($8::uuid[], $9::text[], $10::bytea[]) AS event
            RETURNING seq
        ), queued AS (
            INSERT INTO outbox_pending (seq) SELECT seq FROM said
        )
        SELECT true FROM settled
        """,
        redemption_id,
        state,
        reason,
        answer.decode(),
        frees_preparation,
        _as_json(verdicts, cancel_window),
        new_id(),
        [event.id for event in said],
        [event.nats_subject for event in said],
        [event.model_dump_json().encode() for event in said],
    )
    return bool(settled)


def _as_json(verdicts: Sequence[Verdict], cancel_window: timedelta) -> str:
    rows = [
        {
            "coupon_id": verdict.coupon_id,
            "spent": verdict.at is not None,
            "reason": verdict.reason,
            "verify_id": verdict.verify_id,
            "redeemed_at": verdict.at,
            "cancel_until": verdict.at + cancel_window if verdict.at else None,
        }
        for verdict in verdicts
    ]
    return orjson.dumps(rows).decode()


async def find_redemption(conn: Connection, redemption_id: UUID) -> Redemption | None:
    row = await conn.fetchrow(
        """
        SELECT redemption_id, request_digest, merchant, store_id, terminal_id, platform,
               order_id, preparation_id, coupon_ids, coupon_versions, state, reason, attempts,
               answer, traceparent, created_at
          FROM redemptions WHERE redemption_id = $1
        """,
        redemption_id,
    )
    return None if row is None else as_redemption(list(row.values()))
