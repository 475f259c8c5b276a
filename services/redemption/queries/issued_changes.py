"""Statements that change coupons whose codes are ours, beside spending them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.postgres.connection import Connection


@dataclass(frozen=True, slots=True)
class SealedCode:
    platform: str
    coupon_id: str
    merchant: str
    order_id: str
    sealed_code: bytes
    version: int


async def lock_issued(conn: Connection, *, platform: str, coupon_ids: Sequence[str]) -> set[str]:
    """Which of them are ours; nobody changes those before the transaction is over."""
    rows = await conn.fetch(
        """
        SELECT coupon_id FROM issued_coupons
         WHERE platform = $1 AND coupon_id = ANY($2::text[])
         ORDER BY platform, coupon_id FOR UPDATE
        """,
        platform,
        coupon_ids,
    )
    return {row["coupon_id"] for row in rows}


async def is_ours(conn: Connection, *, platform: str, coupon_ids: Sequence[str]) -> bool:
    found: Any = await conn.fetchval(
        """
        SELECT EXISTS (
            SELECT FROM issued_coupons WHERE platform = $1 AND coupon_id = ANY($2::text[])
        )
        """,
        platform,
        coupon_ids,
    )
    return bool(found)


async def give_back(
    conn: Connection, *, platform: str, coupon_ids: Sequence[str], times: Sequence[int]
) -> dict[tuple[str, str], int]:
    """Uses that were released; which change of each coupon this is."""
    rows = await conn.fetch(
        """
        UPDATE issued_coupons i
           SET times_used = i.times_used - back.times, version = i.version + 1
          FROM unnest($2::text[], $3::bigint[]) AS back (coupon_id, times)
         WHERE i.platform = $1 AND i.coupon_id = back.coupon_id
        RETURNING i.platform, i.coupon_id, i.version
        """,
        platform,
        coupon_ids,
        times,
    )
    return {(row["platform"], row["coupon_id"]): row["version"] for row in rows}


async def end_refunded(
    conn: Connection,
    *,
    platforms: Sequence[str],
    coupon_ids: Sequence[str],
    refunded_at: Sequence[datetime],
) -> None:
    """The platform gave the money back: nothing of these is spent any more."""
    await conn.execute(
        """
        WITH ended AS (
            SELECT i.platform, i.coupon_id, heard.refunded_at
              FROM unnest($1::text[], $2::text[], $3::timestamptz[])
                AS heard (platform, coupon_id, refunded_at)
              JOIN issued_coupons i
                ON i.platform = heard.platform AND i.coupon_id = heard.coupon_id
             WHERE i.refunded_at IS NULL
             ORDER BY i.platform, i.coupon_id FOR UPDATE OF i
        )
        UPDATE issued_coupons i SET refunded_at = ended.refunded_at, version = i.version + 1
          FROM ended WHERE i.platform = ended.platform AND i.coupon_id = ended.coupon_id
        """,
        platforms,
        coupon_ids,
        refunded_at,
    )


async def report_taken_back(conn: Connection, redemption_id: UUID) -> None:
    """What the platform was not told of yet it need not hear; of the rest it is told."""
    await conn.execute(
        """
        WITH withdrawn AS (
            UPDATE reports SET state = 'withdrawn', settled_at = now()
             WHERE redemption_id = $1 AND step = 'redeem' AND state = 'waiting' AND attempts = 0
            RETURNING use_no
        )
        INSERT INTO reports
            (report_id, step, platform, merchant, order_id, coupon_id, use_no, redemption_id,
             poi_id)
        SELECT gen_random_uuid(), 'cancel', platform, merchant, order_id, coupon_id, use_no,
               redemption_id, poi_id
          FROM reports
         WHERE redemption_id = $1 AND step = 'redeem'
           AND state IN ('waiting', 'asking', 'accepted')
           AND use_no NOT IN (SELECT use_no FROM withdrawn)
         ORDER BY seq
        """,
        redemption_id,
    )


async def find_code(conn: Connection, coupon_id: str) -> SealedCode | None:
    row = await conn.fetchrow(
        """
        SELECT platform, coupon_id, merchant, order_id, sealed_code, version
          FROM issued_coupons WHERE coupon_id = $1 ORDER BY platform LIMIT 1
        """,
        coupon_id,
    )
    return None if row is None else SealedCode(*row.values())
