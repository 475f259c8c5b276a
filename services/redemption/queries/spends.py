"""Statements that spend coupons whose codes are ours: each for a whole batch."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from services.redemption.domain.issued import Issued
from services.redemption.domain.records import Caller, Preparation
from services.redemption.queries.issued_rows import ISSUED_COLUMNS, as_issued
from services.redemption.queries.redemptions import as_preparation
from shared.contracts.envelope import Event
from shared.ids import new_id
from shared.postgres.connection import Connection

_PREPARATION_COLUMNS: Final = 14
_LOOK: Final = """
SELECT p.preparation_id, p.merchant, p.store_id, p.terminal_id, p.platform, p.poi_id,
       p.account_id, p.order_id, p.scan_hash, p.coupons, p.sealed, p.prepared_at,
       p.created_at, p.expires_at,
       (SELECT redemption_id FROM redemptions c
         WHERE c.claimed_preparation_id = p.preparation_id),
       i.platform, i.coupon_id, i.merchant, i.order_id, s.title, s.kind, s.usage,
       s.bought_at, s.valid_from, s.valid_to, s.day, s.slot, i.original_amount_fen,
       i.pay_amount_fen, i.times_total, i.times_used, i.version, i.refund_lock,
       i.refunded_at,
       CASE WHEN i.times_used > 0 THEN (
           SELECT jsonb_agg(jsonb_build_object(
                      'redemption_id', l.redemption_id, 'coupon_id', l.coupon_id,
                      'use_no', l.use_no, 'state', l.state, 'store_id', h.store_id,
                      'store_name', at.name, 'terminal_id', h.terminal_id,
                      'redeemed_at', l.redeemed_at, 'claimed_at', h.created_at)
                      ORDER BY l.redeemed_at, l.use_no)
             FROM ledger l
             JOIN redemptions h USING (redemption_id)
             LEFT JOIN stores at ON at.store_id = h.store_id
            WHERE l.platform = i.platform AND l.coupon_id = i.coupon_id
              AND l.state <> 'released'
       ) END
  FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY
    AS a (redemption_id, preparation_id, place)
  LEFT JOIN redemptions r USING (redemption_id)
  LEFT JOIN preparations p
    ON p.preparation_id = a.preparation_id AND r.redemption_id IS NULL
  LEFT JOIN issued_coupons i
    ON i.platform = p.platform AND i.coupon_id = p.issued_coupon_id
  LEFT JOIN issues s
    ON s.platform = i.platform AND s.order_id = i.order_id AND s.sku = i.sku
 ORDER BY a.place
"""
_SPEND: Final = """
WITH asked AS (
    SELECT * FROM unnest($1::new_spend[])
), locked AS (
    SELECT a.redemption_id
      FROM asked a
      JOIN issued_coupons i ON i.platform = a.platform AND i.coupon_id = a.coupon_id
     WHERE i.version = a.seen AND i.refund_lock IS NULL AND i.refunded_at IS NULL
       AND i.times_used + a.times <= i.times_total
     ORDER BY i.platform, i.coupon_id FOR UPDATE OF i
), begun AS (
    INSERT INTO redemptions
        (redemption_id, request_digest, merchant, store_id, terminal_id, platform,
         order_id, preparation_id, claimed_preparation_id, coupon_ids, coupon_versions,
         state, attempts, answer, traceparent, settled_at)
    SELECT redemption_id, digest, merchant, store_id, terminal_id, platform, order_id,
           preparation_id, preparation_id, ARRAY[coupon_id], ARRAY[seen + 1],
           'redeemed', 0, answer::json, traceparent, now()
      FROM asked JOIN locked USING (redemption_id)
    ON CONFLICT DO NOTHING RETURNING redemption_id
), taken AS (
    UPDATE issued_coupons i
       SET times_used = i.times_used + a.times, version = i.version + 1
      FROM asked a JOIN begun USING (redemption_id)
     WHERE i.platform = a.platform AND i.coupon_id = a.coupon_id AND i.version = a.seen
    RETURNING a.redemption_id
), uses AS (
    SELECT a.*, u.use_no, u.original_amount_fen, u.pay_amount_fen, u.report_id
      FROM asked a
      JOIN taken USING (redemption_id)
      JOIN unnest($2::new_use[]) AS u USING (redemption_id)
), spent AS (
    INSERT INTO ledger
        (redemption_id, coupon_id, platform, use_no, times_card, state, title,
         original_amount_fen, pay_amount_fen, redeemed_at, cancel_until)
    SELECT redemption_id, coupon_id, platform, use_no, times_card, 'spent', title,
           original_amount_fen, pay_amount_fen, redeemed_at, cancel_until
      FROM uses
), reported AS (
    INSERT INTO reports
        (report_id, step, platform, merchant, order_id, coupon_id, use_no,
         redemption_id, poi_id)
    SELECT report_id, 'redeem', platform, merchant, order_id, coupon_id, use_no,
           redemption_id, poi_id
      FROM uses
), said AS (
    INSERT INTO outbox (event_id, subject, payload)
    SELECT event_id, subject, payload FROM asked JOIN taken USING (redemption_id)
    RETURNING seq
), queued AS (
    INSERT INTO outbox_pending (seq) SELECT seq FROM said
)
SELECT redemption_id FROM taken
"""
_TURN_DOWN: Final = """
WITH asked AS (
    SELECT * FROM unnest($1::new_refusal[])
), refused AS (
    INSERT INTO redemptions
        (redemption_id, request_digest, merchant, store_id, terminal_id, platform,
         order_id, preparation_id, coupon_ids, state, reason, attempts, answer,
         traceparent, settled_at)
    SELECT redemption_id, digest, merchant, store_id, terminal_id, platform, order_id,
           preparation_id, coupon_ids, 'refused', reason, 0, answer::json,
           traceparent, now()
      FROM asked ON CONFLICT (redemption_id) DO NOTHING RETURNING redemption_id
), logged AS (
    INSERT INTO refusals
        (refusal_id, step, merchant, store_id, terminal_id, reason, redemption_id,
         order_id, coupon_ids, scan_hash, typed)
    SELECT refusal_id, 'redeem', merchant, store_id, terminal_id, reason, redemption_id,
           order_id, coupon_ids, scan_hash, false
      FROM asked JOIN refused USING (redemption_id)
), said AS (
    INSERT INTO outbox (event_id, subject, payload)
    SELECT event_id, subject, payload FROM asked JOIN refused USING (redemption_id)
    RETURNING seq
), queued AS (
    INSERT INTO outbox_pending (seq) SELECT seq FROM said
)
SELECT redemption_id FROM refused
"""


@dataclass(frozen=True, slots=True)
class OursLook:
    """What one glance tells of a redemption that names a scan of ours."""

    preparation: Preparation
    claimed_by: UUID | None
    issued: Issued


@dataclass(frozen=True, slots=True)
class UseOf:
    use_no: int
    original_amount_fen: int | None
    pay_amount_fen: int | None
    # The token under which the platform is told.
    report_id: UUID


@dataclass(frozen=True, slots=True)
class Spend:
    redemption_id: UUID
    digest: bytes
    caller: Caller
    preparation: Preparation
    # As it was when this was decided; if it has changed since, nothing is done.
    issued: Issued
    uses: Sequence[UseOf]
    redeemed_at: datetime
    cancel_until: datetime
    answer: bytes
    said: Event


@dataclass(frozen=True, slots=True)
class TurnedDown:
    redemption_id: UUID
    digest: bytes
    caller: Caller
    preparation: Preparation
    coupon_ids: Sequence[str]
    reason: str
    answer: bytes
    said: Event


async def look_at_ours(
    conn: Connection, *, redemption_ids: Sequence[UUID], preparation_ids: Sequence[UUID]
) -> list[OursLook | None]:
    """One for each, in order; None for a scan that is not ours, or an id that has an answer."""
    rows = await conn.fetch(
        _LOOK,
        redemption_ids,
        preparation_ids,
    )
    return [_as_look(list(row.values())) for row in rows]


def _as_look(values: list[object]) -> OursLook | None:
    start = _PREPARATION_COLUMNS + 1
    issued = as_issued(values[start : start + ISSUED_COLUMNS])
    if issued is None:
        return None
    claimed_by = values[_PREPARATION_COLUMNS]
    return OursLook(
        preparation=as_preparation(values[:_PREPARATION_COLUMNS]),
        claimed_by=claimed_by if isinstance(claimed_by, UUID) else None,
        issued=issued,
    )


async def spend(conn: Connection, spends: Sequence[Spend]) -> set[UUID]:
    """Spend each coupon that is still as it was seen; gives the redemptions that did.

    Redemption, ledger, answer, event and report in one statement. Rows are locked in the order
    everybody has. No two of `spends` may be about one coupon.
    """
    rows = await conn.fetch(
        _SPEND,
        [_as_row(each) for each in spends],
        [
            (
                each.redemption_id,
                use.use_no,
                use.original_amount_fen,
                use.pay_amount_fen,
                use.report_id,
            )
            for each in spends
            for use in each.uses
        ],
    )
    return {row["redemption_id"] for row in rows}


async def record_turned_down(conn: Connection, refused: Sequence[TurnedDown]) -> set[UUID]:
    """Keep refusals as the answers for ever; gives those that had no answer before."""
    rows = await conn.fetch(
        _TURN_DOWN,
        [_as_refusal(each) for each in refused],
    )
    return {row["redemption_id"] for row in rows}


def _as_row(spend: Spend) -> tuple[object, ...]:
    """In the order of the type new_spend."""
    return (
        spend.redemption_id,
        spend.digest,
        spend.caller.merchant,
        spend.caller.store_id,
        spend.caller.terminal_id,
        spend.issued.platform,
        spend.issued.order_id,
        spend.preparation.preparation_id,
        spend.preparation.poi_id,
        spend.issued.coupon_id,
        spend.issued.version,
        len(spend.uses),
        spend.answer.decode(),
        spend.caller.traceparent,
        spend.issued.title,
        spend.issued.is_card,
        spend.redeemed_at,
        spend.cancel_until,
        spend.said.id,
        spend.said.nats_subject,
        spend.said.model_dump_json().encode(),
    )


def _as_refusal(refused: TurnedDown) -> tuple[object, ...]:
    """In the order of the type new_refusal."""
    return (
        new_id(),
        refused.redemption_id,
        refused.digest,
        refused.caller.merchant,
        refused.caller.store_id,
        refused.caller.terminal_id,
        refused.preparation.platform,
        refused.preparation.order_id,
        refused.preparation.preparation_id,
        list(refused.coupon_ids),
        refused.reason,
        refused.answer.decode(),
        refused.preparation.scan_hash,
        refused.caller.traceparent,
        refused.said.id,
        refused.said.nats_subject,
        refused.said.model_dump_json().encode(),
    )
