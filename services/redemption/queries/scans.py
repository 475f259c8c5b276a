"""Statements about scans of codes that are ours: each for a whole batch."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from services.redemption.domain.issued import Issued
from services.redemption.domain.records import Caller, Preparation
from services.redemption.queries.issued_rows import ISSUED_COLUMNS, as_issued
from services.redemption.queries.rows import OFFERS
from shared.ids import new_id
from shared.postgres.connection import Connection

_LOOK: Final = """
SELECT (SELECT count(*) FROM (
            SELECT FROM refusals f
             WHERE f.terminal_id = a.terminal_id AND f.typed AND f.reason = 'code_unknown'
               AND f.created_at > now() - $5::interval LIMIT $7
        ) late),
       (SELECT count(*) FROM (
            SELECT FROM refusals f
             WHERE f.store_id = a.store_id AND f.typed AND f.reason = 'code_unknown'
               AND f.created_at > now() - $5::interval LIMIT $7
        ) late),
       (SELECT count(*) FROM (
            SELECT FROM wrong_codes w
             WHERE w.prefix_hash = a.prefix_hash
               AND w.created_at > now() - $6::interval LIMIT $7
        ) late),
       i.platform, i.coupon_id, i.merchant, i.order_id, s.title, s.kind, s.usage,
       s.bought_at, s.valid_from, s.valid_to, s.day, s.slot, i.original_amount_fen,
       i.pay_amount_fen, i.times_total, i.times_used, i.version, i.refund_lock,
       i.refunded_at,
       CASE WHEN i.times_used > 0 THEN (
           SELECT jsonb_agg(jsonb_build_object(
                      'redemption_id', l.redemption_id, 'coupon_id', l.coupon_id,
                      'use_no', l.use_no, 'state', l.state, 'store_id', r.store_id,
                      'store_name', at.name, 'terminal_id', r.terminal_id,
                      'redeemed_at', l.redeemed_at, 'claimed_at', r.created_at)
                      ORDER BY l.redeemed_at, l.use_no)
             FROM ledger l
             JOIN redemptions r USING (redemption_id)
             LEFT JOIN stores at ON at.store_id = r.store_id
            WHERE l.platform = i.platform AND l.coupon_id = i.coupon_id
              AND l.state <> 'released'
       ) END
  FROM unnest($1::bytea[], $2::bytea[], $3::text[], $4::text[]) WITH ORDINALITY
    AS a (code_hash, prefix_hash, store_id, terminal_id, place)
  LEFT JOIN issued_coupons i USING (code_hash)
  LEFT JOIN issues s
    ON s.platform = i.platform AND s.order_id = i.order_id AND s.sku = i.sku
 ORDER BY a.place
"""


@dataclass(frozen=True, slots=True)
class CodeAsked:
    code_hash: bytes
    prefix_hash: bytes
    store_id: str
    terminal_id: str


@dataclass(frozen=True, slots=True)
class CodeLook:
    """The coupon behind a code, if there is one, and the wrong codes of late."""

    wrong_of_terminal: int
    wrong_of_store: int
    wrong_of_prefix: int
    issued: Issued | None


@dataclass(frozen=True, slots=True)
class KeptScan:
    """A preparation of a coupon of ours."""

    preparation: Preparation
    coupon_id: str


@dataclass(frozen=True, slots=True)
class KeptRefusal:
    caller: Caller
    reason: str
    scan_hash: bytes
    # Of a code that nobody has.
    wrong_prefix: bytes | None


async def look_at_codes(
    conn: Connection,
    asked: Sequence[CodeAsked],
    *,
    window: timedelta,
    prefix_window: timedelta,
    most: int,
) -> list[CodeLook]:
    """One look for each, in order. More wrong codes than `most` are not counted."""
    rows = await conn.fetch(
        _LOOK,
        [each.code_hash for each in asked],
        [each.prefix_hash for each in asked],
        [each.store_id for each in asked],
        [each.terminal_id for each in asked],
        window,
        prefix_window,
        most,
    )
    return [_as_look(list(row.values())) for row in rows]


def _as_look(values: list[object]) -> CodeLook:
    of_terminal, of_store, of_prefix = (int(str(value)) for value in values[:3])
    issued = as_issued(values[3 : 3 + ISSUED_COLUMNS])
    return CodeLook(of_terminal, of_store, of_prefix, issued)


async def keep_scans(
    conn: Connection, scans: Sequence[KeptScan], refusals: Sequence[KeptRefusal]
) -> None:
    """All of them in one statement, and so in one commit."""
    wrong = [each.wrong_prefix for each in refusals if each.wrong_prefix is not None]
    await conn.execute(
        """
        WITH kept AS (
            INSERT INTO preparations
                (preparation_id, merchant, store_id, terminal_id, platform, poi_id, order_id,
                 scan_hash, coupons, prepared_at, expires_at, issued_coupon_id)
            SELECT preparation_id, merchant, store_id, terminal_id, platform, poi_id, order_id,
                   scan_hash, coupons::jsonb, prepared_at, expires_at, issued_coupon_id
              FROM unnest($1::new_scan[])
        ), turned_down AS (
            INSERT INTO refusals
                (refusal_id, step, merchant, store_id, terminal_id, reason, coupon_ids,
                 scan_hash, typed)
            SELECT refusal_id, 'prepare', merchant, store_id, terminal_id, reason, '{}',
                   scan_hash, true
              FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[],
                          $7::bytea[])
                AS refusal (refusal_id, merchant, store_id, terminal_id, reason, scan_hash)
        )
        INSERT INTO wrong_codes (wrong_code_id, prefix_hash)
        SELECT * FROM unnest($8::uuid[], $9::bytea[])
        """,
        [_as_row(scan) for scan in scans],
        [new_id() for _ in refusals],
        [each.caller.merchant for each in refusals],
        [each.caller.store_id for each in refusals],
        [each.caller.terminal_id for each in refusals],
        [each.reason for each in refusals],
        [each.scan_hash for each in refusals],
        [new_id() for _ in wrong],
        wrong,
    )


def _as_row(scan: KeptScan) -> tuple[object, ...]:
    """In the order of the type new_scan."""
    kept = scan.preparation
    return (
        kept.preparation_id,
        kept.merchant,
        kept.store_id,
        kept.terminal_id,
        kept.platform,
        kept.poi_id,
        kept.order_id,
        kept.scan_hash,
        OFFERS.dump_json(tuple(kept.offers)).decode(),
        kept.prepared_at,
        kept.expires_at,
        scan.coupon_id,
    )


async def forget_wrong_codes(conn: Connection, *, older_than: timedelta, limit: int) -> int:
    status = await conn.execute(
        """
        DELETE FROM wrong_codes WHERE wrong_code_id IN (
            SELECT wrong_code_id FROM wrong_codes
             WHERE created_at < now() - $1::interval
             ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED
        )
        """,
        older_than,
        limit,
    )
    return int(status.rsplit(" ", 1)[-1])
