"""Statements about stores that platforms are to find."""

from collections.abc import Sequence
from datetime import datetime

from services.catalog.domain.matching import Match, MatchStage
from shared.platforms.goods import StoreToMatch
from shared.postgres.connection import Connection, Row


async def add(
    conn: Connection, merchant: str, platform: str, stores: Sequence[StoreToMatch]
) -> None:
    """A store that is being looked for already is not looked for twice."""
    await conn.execute(
        """
        INSERT INTO poi_matches
            (merchant, platform, store_id, name, province, city, address, latitude, longitude,
             guess)
        SELECT $1, $2, s.*
          FROM unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
                      $8::float8[], $9::float8[], $10::text[]) AS s
        ON CONFLICT (merchant, platform, store_id) WHERE finished_at IS NULL DO NOTHING
        """,
        *(merchant, platform),
        [store.ext_id for store in stores],
        [store.name for store in stores],
        [store.province for store in stores],
        [store.city for store in stores],
        [store.address for store in stores],
        [store.latitude for store in stores],
        [store.longitude for store in stores],
        [store.poi_id for store in stores],
    )


async def find_open(
    conn: Connection, merchant: str, platform: str, store_ids: Sequence[str]
) -> list[Match]:
    rows = await conn.fetch(
        """
        SELECT m.*, nullif(s.poi_id, '') AS current_poi_id
          FROM poi_matches m
          LEFT JOIN stores s ON s.store_id = m.store_id AND s.merchant = m.merchant
         WHERE m.merchant = $1 AND m.platform = $2 AND m.store_id = ANY($3::text[])
           AND m.finished_at IS NULL
         ORDER BY m.match_key
        """,
        merchant,
        platform,
        store_ids,
    )
    return [_match(row) for row in rows]


async def list_matches(
    conn: Connection, *, merchant: str | None, state: str | None, before: int | None, limit: int
) -> list[Match]:
    """Newest first."""
    rows = await conn.fetch(
        """
        SELECT m.*, nullif(s.poi_id, '') AS current_poi_id
          FROM poi_matches m
          LEFT JOIN stores s ON s.store_id = m.store_id AND s.merchant = m.merchant
         WHERE ($1::text IS NULL OR m.merchant = $1) AND ($2::text IS NULL OR m.state = $2)
           AND ($3::bigint IS NULL OR m.match_key < $3)
         ORDER BY m.match_key DESC LIMIT $4
        """,
        merchant,
        state,
        before,
        limit,
    )
    return [_match(row) for row in rows]


async def take_due(conn: Connection, *, now: datetime, until: datetime, limit: int) -> list[Match]:
    """All of one merchant; others take them when `until` has come and nothing was written."""
    rows = await conn.fetch(
        """
        WITH first AS (
            SELECT merchant, platform FROM poi_matches
             WHERE finished_at IS NULL AND next_at <= $1 ORDER BY next_at LIMIT 1
        ), due AS MATERIALIZED (
            SELECT m.match_key FROM poi_matches m JOIN first USING (merchant, platform)
             WHERE m.finished_at IS NULL AND m.next_at <= $1
             ORDER BY m.next_at LIMIT $3 FOR UPDATE OF m SKIP LOCKED
        )
        UPDATE poi_matches m SET next_at = $2
          FROM due WHERE m.match_key = due.match_key
        RETURNING m.*, NULL::text AS current_poi_id
        """,
        now,
        until,
        limit,
    )
    return [_match(row) for row in rows]


async def mark_submitted(
    conn: Connection, match_keys: Sequence[int], task_id: str, *, now: datetime, next_at: datetime
) -> None:
    await conn.execute(
        """
        UPDATE poi_matches
           SET state = 'running', task_id = $2, submitted_at = $3, next_at = $4, attempts = 0,
               reason = NULL, detail = NULL
         WHERE match_key = ANY($1::bigint[]) AND finished_at IS NULL
        """,
        match_keys,
        task_id,
        now,
        next_at,
    )


async def look_later(conn: Connection, match_keys: Sequence[int], next_at: datetime) -> None:
    await conn.execute(
        """
        UPDATE poi_matches SET next_at = $2, reason = NULL, detail = NULL, attempts = 0
         WHERE match_key = ANY($1::bigint[]) AND finished_at IS NULL
        """,
        match_keys,
        next_at,
    )


async def mark_failing(
    conn: Connection, match_keys: Sequence[int], *, reason: str, detail: str, next_at: datetime
) -> None:
    """It is tried again."""
    await conn.execute(
        """
        UPDATE poi_matches
           SET reason = $2, detail = $3, attempts = attempts + 1, next_at = $4
         WHERE match_key = ANY($1::bigint[]) AND finished_at IS NULL
        """,
        match_keys,
        reason,
        detail,
        next_at,
    )


async def finish(
    conn: Connection,
    match_key: int,
    stage: MatchStage,
    *,
    poi_id: str | None,
    result: int | None,
    reason: str | None,
    now: datetime,
) -> None:
    await conn.execute(
        """
        UPDATE poi_matches
           SET state = $2, poi_id = $3, result = $4, reason = $5, detail = NULL, finished_at = $6
         WHERE match_key = $1 AND finished_at IS NULL
        """,
        match_key,
        stage,
        poi_id,
        result,
        reason,
        now,
    )


async def ask_for_looks(conn: Connection, platform: str, store_ids: Sequence[str]) -> None:
    """The platform says that it has found, or not found, them."""
    await conn.execute(
        """
        UPDATE poi_matches SET next_at = now()
         WHERE platform = $1 AND store_id = ANY($2::text[]) AND state = 'running'
        """,
        platform,
        store_ids,
    )


def _match(row: Row) -> Match:
    return Match(
        match_key=row["match_key"],
        merchant=row["merchant"],
        platform=row["platform"],
        store=StoreToMatch(
            ext_id=row["store_id"],
            name=row["name"],
            province=row["province"],
            city=row["city"],
            address=row["address"],
            latitude=row["latitude"],
            longitude=row["longitude"],
            poi_id=row["guess"],
        ),
        stage=MatchStage(row["state"]),
        task_id=row["task_id"],
        poi_id=row["poi_id"],
        result=row["result"],
        attempts=row["attempts"],
        reason=row["reason"],
        detail=row["detail"],
        asked_at=row["asked_at"],
        submitted_at=row["submitted_at"],
        finished_at=row["finished_at"],
        next_at=row["next_at"],
        current_poi_id=row["current_poi_id"],
    )
