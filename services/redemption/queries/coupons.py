"""Statements about what is heard of coupons."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.redemption.domain.records import Fact
from shared.postgres.connection import Connection


@dataclass(frozen=True, slots=True)
class HeardFact:
    platform: str
    merchant: str
    fact: Fact


@dataclass(frozen=True, slots=True)
class Released:
    """A coupon that can be spent again, and whose redemption that was."""

    redemption_id: UUID
    coupon_id: str
    platform: str
    merchant: str
    order_id: str
    store_id: str
    terminal_id: str
    verify_id: str | None
    traceparent: str


async def keep_facts(conn: Connection, heard: Sequence[HeardFact]) -> None:
    """Keep the latest fact of each coupon, whatever the order in which facts are heard.

    A refund is final. Of two facts in one second the coupon that can be spent again is believed:
    the platform still has the last word. One fact per coupon and call.
    """
    await conn.execute(
        """
        INSERT INTO coupons (platform, coupon_id, merchant, fact, fact_at)
        SELECT *
          FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[])
            AS heard (platform, coupon_id)
         ORDER BY platform, coupon_id
        ON CONFLICT (platform, coupon_id) DO UPDATE
           SET fact = EXCLUDED.fact, fact_at = EXCLUDED.fact_at
         WHERE coupons.fact IS NULL
            OR (EXCLUDED.fact = 'refunded', EXCLUDED.fact_at, EXCLUDED.fact = 'available')
             > (coupons.fact = 'refunded', coupons.fact_at, coupons.fact = 'available')
        """,
        [each.platform for each in heard],
        [each.fact.coupon_id for each in heard],
        [each.merchant for each in heard],
        [each.fact.kind for each in heard],
        [each.fact.occurred_at for each in heard],
    )


async def next_versions(
    conn: Connection,
    *,
    platforms: Sequence[str],
    merchants: Sequence[str],
    coupon_ids: Sequence[str],
) -> dict[tuple[str, str], int]:
    """Count one more change of each coupon, and lock them in the order everybody does."""
    rows = await conn.fetch(
        """
        INSERT INTO coupons (platform, coupon_id, merchant, version)
        SELECT platform, coupon_id, merchant, 1
          FROM unnest($1::text[], $2::text[], $3::text[]) AS changed (platform, merchant, coupon_id)
         ORDER BY platform, coupon_id
        ON CONFLICT (platform, coupon_id) DO UPDATE SET version = coupons.version + 1
        RETURNING platform, coupon_id, version
        """,
        platforms,
        merchants,
        coupon_ids,
    )
    return {(row["platform"], row["coupon_id"]): row["version"] for row in rows}


async def release_taken_back(
    conn: Connection,
    *,
    platforms: Sequence[str],
    coupon_ids: Sequence[str],
    taken_back_at: Sequence[datetime],
    cause: str,
) -> list[Released]:
    """Release what was taken back at the platform, unless a cancellation of ours is under way.

    Coupons whose codes are ours are taken back here and nowhere else: what the platform says of
    them is the echo of our own report, and may be later than the next use.
    """
    rows = await conn.fetch(
        """
        UPDATE ledger l
           SET state = 'released', released_at = now(), released_because = $4
          FROM unnest($1::text[], $2::text[], $3::timestamptz[])
                   AS heard (platform, coupon_id, taken_back_at),
               redemptions r
         WHERE l.platform = heard.platform AND l.coupon_id = heard.coupon_id
           AND l.state = 'spent' AND l.redeemed_at < heard.taken_back_at
           AND r.redemption_id = l.redemption_id
           AND NOT EXISTS (
               SELECT FROM cancellations c
                WHERE c.redemption_id = l.redemption_id AND c.state = 'pending'
           )
           AND NOT EXISTS (
               SELECT FROM issued_coupons i
                WHERE i.platform = l.platform AND i.coupon_id = l.coupon_id
           )
        RETURNING l.redemption_id, l.coupon_id, l.platform, r.merchant, r.order_id,
                  r.store_id, r.terminal_id, l.verify_id, r.traceparent
        """,
        platforms,
        coupon_ids,
        taken_back_at,
        cause,
    )
    return [Released(*row.values()) for row in rows]


async def hurry_pending(
    conn: Connection, *, platforms: Sequence[str], coupon_ids: Sequence[str]
) -> None:
    """Ask at once about redemptions that wait for what the platform has just said.

    One that is being settled at this moment is passed over: it needs no hurry.
    """
    await conn.execute(
        """
        UPDATE redemptions SET next_attempt_at = now() WHERE redemption_id IN (
            SELECT r.redemption_id
              FROM unnest($1::text[], $2::text[]) AS heard (platform, coupon_id)
              JOIN ledger l ON l.platform = heard.platform AND l.coupon_id = heard.coupon_id
                           AND l.state = 'held'
              JOIN redemptions r ON r.redemption_id = l.redemption_id
             WHERE r.state = 'pending' AND r.pending_said AND r.next_attempt_at > now()
               FOR UPDATE OF r SKIP LOCKED
        )
        """,
        platforms,
        coupon_ids,
    )
