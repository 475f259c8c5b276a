"""Counts by application and hour, for people."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.postgres.connection import Connection


@dataclass(frozen=True, slots=True)
class AppCounts:
    client_key: str
    merchant: str
    accepted: int
    duplicates: int
    conflicts: int
    refused: int
    last_accepted_at: datetime | None


@dataclass(frozen=True, slots=True)
class Counted:
    """What one worker saw since it last wrote."""

    client_key: str
    hour: datetime
    accepted: int
    duplicates: int
    conflicts: int
    refused: int
    last_accepted_at: datetime | None


async def add_counts(conn: Connection, counted: Sequence[Counted]) -> None:
    """The caller sorts by key: workers then wait for each other and never deadlock."""
    await conn.execute(
        """
        INSERT INTO app_hours AS known
            (client_key, hour, accepted, duplicates, conflicts, refused, last_accepted_at)
        SELECT * FROM unnest($1::text[], $2::timestamptz[], $3::bigint[], $4::bigint[],
                             $5::bigint[], $6::bigint[], $7::timestamptz[])
        ON CONFLICT (client_key, hour) DO UPDATE
           SET accepted = known.accepted + excluded.accepted,
               duplicates = known.duplicates + excluded.duplicates,
               conflicts = known.conflicts + excluded.conflicts,
               refused = known.refused + excluded.refused,
               last_accepted_at = greatest(known.last_accepted_at, excluded.last_accepted_at)
        """,
        [each.client_key for each in counted],
        [each.hour for each in counted],
        [each.accepted for each in counted],
        [each.duplicates for each in counted],
        [each.conflicts for each in counted],
        [each.refused for each in counted],
        [each.last_accepted_at for each in counted],
    )


async def sum_counts(
    conn: Connection, *, merchant: str | None, since: datetime, until: datetime
) -> list[AppCounts]:
    """Every application, those that were silent included."""
    rows = await conn.fetch(
        """
        SELECT apps.client_key, apps.merchant,
               coalesce(sum(accepted), 0)::bigint, coalesce(sum(duplicates), 0)::bigint,
               coalesce(sum(conflicts), 0)::bigint, coalesce(sum(refused), 0)::bigint,
               (SELECT max(last_accepted_at) FROM app_hours h WHERE h.client_key = apps.client_key)
          FROM apps LEFT JOIN app_hours
            ON app_hours.client_key = apps.client_key AND hour >= $2 AND hour < $3
         WHERE $1::text IS NULL OR merchant = $1
         GROUP BY apps.client_key ORDER BY apps.client_key
        """,
        merchant,
        since,
        until,
    )
    return [AppCounts(*row) for row in rows]


async def list_last_accepted(conn: Connection) -> list[tuple[str, datetime]]:
    """When each application last delivered; before its first delivery, when it was added."""
    rows = await conn.fetch(
        """
        SELECT client_key, coalesce(
                   (SELECT max(last_accepted_at) FROM app_hours h
                     WHERE h.client_key = apps.client_key), created_at)
          FROM apps
        """
    )
    return [(row[0], row[1]) for row in rows]
