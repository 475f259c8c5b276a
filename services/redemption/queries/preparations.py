"""Statements about scans and what they stood for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from services.redemption.domain.records import Claim, Offer, Preparation
from services.redemption.domain.states import LedgerState
from services.redemption.queries.rows import CLAIMS, OFFERS, only
from shared.postgres.connection import Connection, Row


@dataclass(frozen=True, slots=True)
class ScanLook:
    """What is known before the platform is asked."""

    wrong_codes_of_terminal: int
    wrong_codes_of_store: int
    # What the same code stood for when it was scanned last, and who has spent it since.
    offers: tuple[Offer, ...]
    claims: tuple[Claim, ...]


async def look_before_asking(
    conn: Connection, *, store_id: str, terminal_id: str, scan_hash: bytes, window: timedelta
) -> ScanLook:
    row = await conn.fetchrow(
        """
        SELECT (SELECT count(*) FROM refusals
                 WHERE terminal_id = $2 AND typed AND reason = 'code_unknown'
                   AND created_at > now() - $4::interval) AS wrong_codes_of_terminal,
               (SELECT count(*) FROM refusals
                 WHERE store_id = $1 AND typed AND reason = 'code_unknown'
                   AND created_at > now() - $4::interval) AS wrong_codes_of_store,
               last.coupons,
               (SELECT jsonb_agg(jsonb_build_object(
                           'redemption_id', l.redemption_id, 'coupon_id', l.coupon_id,
                           'use_no', l.use_no, 'state', l.state, 'store_id', r.store_id,
                           'store_name', at.name, 'terminal_id', r.terminal_id,
                           'redeemed_at', l.redeemed_at, 'claimed_at', r.created_at))
                  FROM ledger l
                  JOIN redemptions r USING (redemption_id)
                  LEFT JOIN stores at ON at.store_id = r.store_id
                 WHERE l.platform = last.platform AND l.state <> 'released'
                   AND l.coupon_id IN (
                       SELECT offer ->> 'coupon_id' FROM jsonb_array_elements(last.coupons) offer
                   )) AS claims
          FROM (VALUES (true)) AS always
          LEFT JOIN LATERAL (
               SELECT platform, coupons FROM preparations
                WHERE scan_hash = $3 ORDER BY created_at DESC LIMIT 1
          ) last ON true
        """,
        store_id,
        terminal_id,
        scan_hash,
        window,
    )
    of_terminal, of_store, coupons, claims = only(row)
    return ScanLook(
        wrong_codes_of_terminal=of_terminal,
        wrong_codes_of_store=of_store,
        offers=OFFERS.validate_json(coupons or "[]"),
        claims=CLAIMS.validate_json(claims or "[]"),
    )


async def find_claims(
    conn: Connection, *, platform: str, coupon_ids: Sequence[str]
) -> tuple[Claim, ...]:
    """Who holds or has spent these coupons."""
    rows = await conn.fetch(
        """
        SELECT l.redemption_id, l.coupon_id, l.use_no, l.state, r.store_id, s.name,
               r.terminal_id, l.redeemed_at, r.created_at
          FROM ledger l
          JOIN redemptions r USING (redemption_id)
          LEFT JOIN stores s ON s.store_id = r.store_id
         WHERE l.platform = $1 AND l.coupon_id = ANY($2::text[]) AND l.state <> 'released'
        """,
        platform,
        coupon_ids,
    )
    return tuple(_as_claim(row) for row in rows)


def _as_claim(row: Row) -> Claim:
    values = list(row.values())
    values[3] = LedgerState(values[3])
    return Claim(*values)


async def add_preparation(conn: Connection, preparation: Preparation) -> tuple[Claim, ...]:
    """Keep it, and tell who holds or has spent its coupons.

    It is dated by the database, like the redemption that will be compared with it.
    """
    rows = await conn.fetch(
        """
        WITH added AS (
            INSERT INTO preparations
                (preparation_id, merchant, store_id, terminal_id, platform, poi_id, account_id,
                 order_id, scan_hash, coupons, sealed, prepared_at, expires_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::jsonb, $11, $12, $13)
        )
        SELECT l.redemption_id, l.coupon_id, l.use_no, l.state, r.store_id, s.name,
               r.terminal_id, l.redeemed_at, r.created_at
          FROM ledger l
          JOIN redemptions r USING (redemption_id)
          LEFT JOIN stores s ON s.store_id = r.store_id
         WHERE l.platform = $5 AND l.coupon_id = ANY($14::text[]) AND l.state <> 'released'
        """,
        preparation.preparation_id,
        preparation.merchant,
        preparation.store_id,
        preparation.terminal_id,
        preparation.platform,
        preparation.poi_id,
        preparation.account_id,
        preparation.order_id,
        preparation.scan_hash,
        OFFERS.dump_json(tuple(preparation.offers)).decode(),
        preparation.sealed,
        preparation.prepared_at,
        preparation.expires_at,
        [offer.coupon_id for offer in preparation.offers],
    )
    return tuple(_as_claim(row) for row in rows)


async def forget_secrets(conn: Connection, *, limit: int) -> int:
    """Drop the tokens and codes of scans that nobody can redeem any more."""
    status = await conn.execute(
        """
        UPDATE preparations SET sealed = NULL WHERE preparation_id IN (
            SELECT preparation_id FROM preparations p
             WHERE sealed IS NOT NULL AND expires_at < now()
               AND NOT EXISTS (
                   SELECT FROM redemptions r
                    WHERE r.claimed_preparation_id = p.preparation_id AND r.state = 'pending'
               )
             ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED
        )
        """,
        limit,
    )
    return int(status.rsplit(" ", 1)[-1])


async def forget_preparations(conn: Connection, *, older_than: timedelta, limit: int) -> int:
    status = await conn.execute(
        """
        DELETE FROM preparations WHERE preparation_id IN (
            SELECT preparation_id FROM preparations
             WHERE created_at < now() - $1::interval AND sealed IS NULL
             ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED
        )
        """,
        older_than,
        limit,
    )
    return int(status.rsplit(" ", 1)[-1])
