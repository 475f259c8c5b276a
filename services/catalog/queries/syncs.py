"""Statements about how far platforms have what the catalog wants."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from services.catalog.domain.products import Wanted
from services.catalog.domain.syncing import Push, Sync, SyncState, state_of
from shared.platforms.goods import AuditState, Shelf
from shared.postgres.connection import Connection, Row


@dataclass(frozen=True, slots=True)
class Listing:
    category_id: str | None
    attributes: dict[str, str]
    sku_attributes: dict[str, str]


@dataclass(frozen=True, slots=True)
class Shown:
    """One line of the list of syncs."""

    sync: Sync
    state: SyncState
    title: str
    next_at: datetime
    synced_at: datetime | None
    drifted_at: datetime | None
    failed_at: datetime | None


async def enrol(conn: Connection) -> None:
    """Begin with every product that is wanted on the shelf and made by us.

    What has the platform's id already was made there, and is kept there.
    """
    await conn.execute(
        """
        INSERT INTO syncs (product_key, merchant, platform)
        SELECT product_key, merchant, platform FROM products p
         WHERE wanted = 'on_shelf' AND platform_product_id IS NULL
           AND NOT EXISTS (SELECT FROM syncs s WHERE s.product_key = p.product_key)
        ON CONFLICT (product_key) DO NOTHING
        """
    )


async def nudge_changed(conn: Connection) -> None:
    """Come back at once to products that were changed since they were looked at."""
    await conn.execute(
        """
        UPDATE syncs y SET next_at = now(), nudged_at = now(), seen_version = p.version,
                           attempts = 0
          FROM products p
         WHERE p.product_key = y.product_key AND y.seen_version < p.version
        """
    )


async def nudge_restocked(conn: Connection) -> None:
    """Come back at once to products of which there is more or less than was looked at.

    Times only say where to look: a change may be older than what was committed before it.
    """
    await conn.execute(
        """
        WITH moved AS (
            SELECT DISTINCT s.product_key FROM stock t JOIN skus s USING (sku_key)
             WHERE t.changed_at > now() - interval '5 minutes'
        ), free AS (
            SELECT s.product_key, sum(t.total - t.held - t.sold)::bigint AS left_over
              FROM moved JOIN skus s USING (product_key) JOIN stock t USING (sku_key)
             WHERE NOT s.retired AND (t.day = '-infinity' OR t.day >= current_date)
             GROUP BY s.product_key
        )
        UPDATE syncs y
           SET next_at = least(y.next_at, now()), nudged_at = now(), free_seen = free.left_over
          FROM free
         WHERE free.product_key = y.product_key AND y.state = 'synced'
           AND y.free_seen IS DISTINCT FROM free.left_over
        """
    )


async def take_due(
    conn: Connection, *, now: datetime, lease: UUID, until: datetime, limit: int
) -> list[str]:
    """Products to work on, merchants in turn; others take them when the lease has run out."""
    rows = await conn.fetch(
        """
        WITH due AS (
            SELECT product_key, next_at,
                   row_number() OVER (PARTITION BY merchant, platform ORDER BY next_at) AS turn
              FROM syncs
             WHERE next_at <= $1 AND (leased_until IS NULL OR leased_until <= $1)
        ), chosen AS (
            SELECT s.product_key FROM syncs s JOIN due USING (product_key)
             WHERE s.leased_until IS NULL OR s.leased_until <= $1
             ORDER BY due.turn, due.next_at LIMIT $4
               FOR UPDATE OF s SKIP LOCKED
        )
        UPDATE syncs s SET lease = $2, leased_until = $3
          FROM chosen c, products p
         WHERE s.product_key = c.product_key AND p.product_key = s.product_key
        RETURNING p.product_id
        """,
        now,
        lease,
        until,
        limit,
    )
    return [row[0] for row in rows]


async def find(conn: Connection, product_id: str) -> Shown | None:
    rows = await conn.fetch(
        """
        SELECT y.*, p.product_id, p.wanted, p.platform_product_id, p.title
          FROM syncs y JOIN products p USING (product_key) WHERE p.product_id = $1
        """,
        product_id,
    )
    return _shown(rows[0]) if rows else None


async def list_syncs(
    conn: Connection,
    *,
    merchant: str | None,
    state: str | None,
    before: int | None,
    limit: int,
) -> list[Shown]:
    """Newest products first."""
    rows = await conn.fetch(
        """
        SELECT y.*, p.product_id, p.wanted, p.platform_product_id, p.title
          FROM syncs y JOIN products p USING (product_key)
         WHERE ($1::text IS NULL OR y.merchant = $1)
           AND ($2::text IS NULL OR y.state = $2)
           AND ($3::bigint IS NULL OR y.product_key < $3)
         ORDER BY y.product_key DESC LIMIT $4
        """,
        merchant,
        state,
        before,
        limit,
    )
    return [_shown(row) for row in rows]


async def save(
    conn: Connection,
    sync: Sync,
    *,
    lease: UUID,
    taken_at: datetime,
    next_at: datetime,
    now: datetime,
    keep: bool,
) -> bool:
    """False if another worker has it by now; then nothing is written. `keep` keeps the lease.

    What was nudged since it was taken is due at once.
    """
    status = await conn.execute(
        """
        UPDATE syncs
           SET state = $3, accepted_digest = $4, accepted_view = $5, pushing = $6,
               pushing_digest = $7, pushing_view = $8, audit = $9, audit_reason = $10,
               shelf = $11, stock = $12, looked_at = $13, look_at = $14, drift = $15,
               drifted_at = CASE WHEN $15::jsonb IS NULL THEN NULL
                                 ELSE coalesce(drifted_at, $21) END,
               drift_version = drift_version
                             + (($15::jsonb IS NOT NULL AND drifted_at IS NULL))::integer,
               stock_pushed_at = $16, attempts = $17, reason = $18,
               detail = $19, failed_at = CASE WHEN $18::text IS NULL THEN NULL
                                              ELSE coalesce(failed_at, $21) END,
               synced_at = CASE WHEN $3 = 'synced' THEN $21 ELSE synced_at END,
               next_at = CASE WHEN nudged_at > $22 THEN $21 ELSE $20 END,
               lease = CASE WHEN $23 THEN lease END,
               leased_until = CASE WHEN $23 THEN leased_until END
         WHERE product_key = $1 AND lease = $2
        """,
        *(sync.product_key, lease, state_of(sync), sync.accepted_digest),
        *(_write(sync.accepted_view), sync.pushing, sync.pushing_digest),
        *(_write(sync.pushing_view), sync.audit, sync.audit_reason, sync.shelf),
        *(_write(sync.stock), sync.looked_at, sync.look_at, _write(sync.drift or None)),
        *(sync.stock_pushed_at, sync.attempts, sync.reason, sync.detail, next_at, now),
        *(taken_at, keep),
    )
    return status == "UPDATE 1"


async def drift_version(conn: Connection, product_key: int) -> int:
    version: int = await conn.fetchval(
        "SELECT drift_version FROM syncs WHERE product_key = $1", product_key
    )
    return version


async def ask_for_looks(
    conn: Connection, platform: str, platform_product_ids: Sequence[str]
) -> None:
    """The platform says that something became of them."""
    await conn.execute(
        """
        UPDATE syncs y SET next_at = now(), nudged_at = now(), look_asked_at = now()
          FROM products p
         WHERE p.product_key = y.product_key AND p.platform = $1
           AND p.platform_product_id = ANY($2::text[])
        """,
        platform,
        platform_product_ids,
    )


async def start_over(conn: Connection, product_key: int) -> None:
    """Push what the catalog has, whatever the platform shows, at once."""
    await conn.execute(
        """
        UPDATE syncs
           SET next_at = now(), nudged_at = now(), look_asked_at = now(), attempts = 0,
               reason = NULL, detail = NULL, failed_at = NULL, drift = NULL, drifted_at = NULL,
               accepted_digest = CASE WHEN drift IS NULL AND audit IS DISTINCT FROM 'failed'
                                      THEN accepted_digest END,
               state = 'pending'
         WHERE product_key = $1
        """,
        product_key,
    )


async def set_platform_product_id(
    conn: Connection, product_key: int, platform_product_id: str
) -> bool:
    """False if it is so, or if another product has that id: then it is left to that one."""
    status = await conn.execute(
        """
        UPDATE products p SET platform_product_id = $2, version = version + 1, changed_at = now()
         WHERE product_key = $1 AND platform_product_id IS DISTINCT FROM $2
           AND NOT EXISTS (SELECT FROM products o WHERE o.platform = p.platform
                              AND o.platform_product_id = $2)
        """,
        product_key,
        platform_product_id,
    )
    return status == "UPDATE 1"


async def set_platform_sku_ids(
    conn: Connection, product_key: int, sku_ids: Mapping[str, str]
) -> None:
    """The platform's ids by ours."""
    await conn.execute(
        """
        UPDATE skus s SET platform_sku_id = n.platform_sku_id
          FROM unnest($2::text[], $3::text[]) AS n (sku_id, platform_sku_id)
         WHERE s.product_key = $1 AND s.sku_id = n.sku_id
           AND s.platform_sku_id IS DISTINCT FROM n.platform_sku_id
        """,
        product_key,
        list(sku_ids),
        list(sku_ids.values()),
    )


async def find_listing(conn: Connection, product_key: int) -> Listing:
    row = await conn.fetchrow(
        "SELECT category_id, attributes, sku_attributes FROM listings WHERE product_key = $1",
        product_key,
    )
    if row is None:
        return Listing(None, {}, {})
    return Listing(row[0], orjson.loads(row[1]), orjson.loads(row[2]))


async def keep_listing(conn: Connection, product_key: int, listing: Listing) -> None:
    await conn.execute(
        """
        INSERT INTO listings (product_key, category_id, attributes, sku_attributes)
        VALUES ($1, $2, $3, $4)
        ON CONFLICT (product_key) DO UPDATE
           SET category_id = excluded.category_id, attributes = excluded.attributes,
               sku_attributes = excluded.sku_attributes, changed_at = now()
        """,
        product_key,
        listing.category_id,
        _write(listing.attributes),
        _write(listing.sku_attributes),
    )


async def nudge(conn: Connection, product_key: int) -> None:
    await conn.execute(
        """
        UPDATE syncs SET next_at = now(), nudged_at = now(), attempts = 0 WHERE product_key = $1
        """,
        product_key,
    )


async def find_poi_ids(
    conn: Connection, merchant: str, platform: str, store_ids: Sequence[str] | None
) -> tuple[str, ...]:
    """Of the open stores named, or of all of the merchant's."""
    rows = await conn.fetch(
        """
        SELECT poi_id FROM stores
         WHERE merchant = $1 AND platform = $2 AND open AND poi_id <> ''
           AND ($3::text[] IS NULL OR store_id = ANY($3))
         ORDER BY poi_id
        """,
        merchant,
        platform,
        store_ids,
    )
    return tuple(row[0] for row in rows)


async def find_free_stock(conn: Connection, product_key: int) -> dict[str, int | None]:
    """What is left of each SKU, over all days to come; None sells without end."""
    rows = await conn.fetch(
        """
        SELECT s.sku_id, coalesce(bool_or(t.total IS NULL AND t.stock_key IS NOT NULL), false),
               coalesce(sum(t.total - t.held - t.sold), 0)::bigint
          FROM skus s
          LEFT JOIN stock t ON t.sku_key = s.sku_key
                           AND (t.day = '-infinity' OR t.day >= current_date)
         WHERE s.product_key = $1 AND NOT s.retired
         GROUP BY s.sku_id
        """,
        product_key,
    )
    return {row[0]: None if row[1] else row[2] for row in rows}


def _write(value: object) -> str | None:
    return None if value is None else orjson.dumps(value).decode()


def _read(text: str | None) -> Any:
    return None if text is None else orjson.loads(text)


def _shown(row: Row) -> Shown:
    sync = Sync(
        product_key=row["product_key"],
        product_id=row["product_id"],
        merchant=row["merchant"],
        platform=row["platform"],
        wanted=Wanted(row["wanted"]),
        platform_product_id=row["platform_product_id"],
        accepted_digest=row["accepted_digest"],
        accepted_view=_read(row["accepted_view"]),
        pushing=None if row["pushing"] is None else Push(row["pushing"]),
        pushing_digest=row["pushing_digest"],
        pushing_view=_read(row["pushing_view"]),
        audit=None if row["audit"] is None else AuditState(row["audit"]),
        audit_reason=row["audit_reason"],
        shelf=None if row["shelf"] is None else Shelf(row["shelf"]),
        stock=_read(row["stock"]),
        looked_at=row["looked_at"],
        look_at=row["look_at"],
        look_asked_at=row["look_asked_at"],
        drift=_read(row["drift"]),
        stock_pushed_at=row["stock_pushed_at"],
        attempts=row["attempts"],
        reason=row["reason"],
        detail=row["detail"],
    )
    return Shown(
        sync,
        SyncState(row["state"]),
        row["title"],
        row["next_at"],
        row["synced_at"],
        row["drifted_at"],
        row["failed_at"],
    )
