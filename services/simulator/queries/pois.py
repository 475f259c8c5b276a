"""The platform's stores, and which stores of callers are tied to them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.postgres.connection import Connection


@dataclass(frozen=True, slots=True)
class PoiRow:
    poi_id: str
    account_id: str
    name: str
    merchant_name: str


@dataclass(frozen=True, slots=True)
class MatchStore:
    task_id: int
    place: int
    ext_id: str
    poi_name: str
    poi_id: str | None
    match_result: int
    match_poi_id: str | None


async def page_pois(
    conn: Connection, account_id: str, *, poi_id: str | None, offset: int, limit: int
) -> list[PoiRow]:
    rows = await conn.fetch(
        """
        SELECT p.poi_id, p.account_id, p.name, m.name AS merchant_name
          FROM pois p JOIN merchants m USING (account_id)
         WHERE account_id = $1 AND ($2::text IS NULL OR p.poi_id = $2)
         ORDER BY p.poi_id OFFSET $3 LIMIT $4
        """,
        account_id,
        poi_id,
        offset,
        limit,
    )
    return [PoiRow(*row.values()) for row in rows]


async def count_pois(conn: Connection, account_id: str, *, poi_id: str | None) -> int:
    count: int = await conn.fetchval(
        "SELECT count(*) FROM pois WHERE account_id = $1 AND ($2::text IS NULL OR poi_id = $2)",
        account_id,
        poi_id,
    )
    return count


async def add_task(
    conn: Connection, task_id: int, client_key: str, *, now: datetime, due_at: datetime
) -> None:
    await conn.execute(
        """
        INSERT INTO poi_match_tasks (task_id, client_key, created_at, due_at)
        VALUES ($1, $2, $3, $4)
        """,
        task_id,
        client_key,
        now,
        due_at,
    )


async def add_stores(conn: Connection, stores: Sequence[MatchStore]) -> None:
    await conn.execute(
        """
        INSERT INTO poi_match_stores (task_id, place, ext_id, poi_name, poi_id)
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[])
        """,
        [one.task_id for one in stores],
        [one.place for one in stores],
        [one.ext_id for one in stores],
        [one.poi_name for one in stores],
        [one.poi_id for one in stores],
    )


async def lock_due_tasks(conn: Connection, now: datetime, limit: int) -> list[tuple[int, str]]:
    """Tasks that end now, each with its app."""
    rows = await conn.fetch(
        """
        SELECT task_id, client_key FROM poi_match_tasks
         WHERE finished_at IS NULL AND due_at <= $1
         ORDER BY due_at LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED
        """,
        now,
        limit,
    )
    return [(row[0], row[1]) for row in rows]


async def find_stores(conn: Connection, task_id: int) -> list[MatchStore]:
    rows = await conn.fetch(
        """
        SELECT task_id, place, ext_id, poi_name, poi_id, match_result, match_poi_id
          FROM poi_match_stores WHERE task_id = $1 ORDER BY place
        """,
        task_id,
    )
    return [MatchStore(*row.values()) for row in rows]


async def find_task(conn: Connection, task_id: int, client_key: str) -> tuple[bool] | None:
    """Whether it is finished; None if this app never submitted it."""
    row = await conn.fetchrow(
        """
        SELECT finished_at IS NOT NULL FROM poi_match_tasks
         WHERE task_id = $1 AND client_key = $2
        """,
        task_id,
        client_key,
    )
    return None if row is None else (row[0],)


async def find_candidate(conn: Connection, client_key: str, store: MatchStore) -> str | None:
    """The platform's store of that id, or of that name, among the app's merchants."""
    poi_id: str | None = await conn.fetchval(
        """
        SELECT p.poi_id FROM pois p JOIN merchants m USING (account_id)
         WHERE m.client_key = $1
           AND (p.poi_id = $2
                OR lower(replace(p.name, ' ', '')) = lower(replace($3, ' ', '')))
         ORDER BY p.poi_id = $2 DESC NULLS LAST, p.poi_id LIMIT 1
        """,
        client_key,
        store.poi_id,
        store.poi_name,
    )
    return poi_id


async def tie(conn: Connection, client_key: str, ext_id: str, poi_id: str) -> bool:
    """False if either is tied to another one already."""
    row = await conn.fetchrow(
        """
        INSERT INTO poi_relations (client_key, ext_id, poi_id) VALUES ($1, $2, $3)
        ON CONFLICT DO NOTHING RETURNING ext_id
        """,
        client_key,
        ext_id,
        poi_id,
    )
    return row is not None


async def save_result(
    conn: Connection, store: MatchStore, *, result: int, poi_id: str | None
) -> None:
    await conn.execute(
        """
        UPDATE poi_match_stores SET match_result = $3, match_poi_id = $4
         WHERE task_id = $1 AND place = $2
        """,
        store.task_id,
        store.place,
        result,
        poi_id,
    )


async def finish_task(conn: Connection, task_id: int, now: datetime) -> None:
    await conn.execute(
        "UPDATE poi_match_tasks SET finished_at = $2 WHERE task_id = $1", task_id, now
    )


async def find_relations(
    conn: Connection, client_key: str, ext_ids: Sequence[str]
) -> dict[str, str]:
    rows = await conn.fetch(
        """
        SELECT ext_id, poi_id FROM poi_relations
         WHERE client_key = $1 AND ext_id = ANY($2::text[])
        """,
        client_key,
        ext_ids,
    )
    return {row[0]: row[1] for row in rows}
