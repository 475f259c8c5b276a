"""What was answered to platforms' questions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.intake.domain.questions import answer_context
from shared.postgres.connection import Connection


@dataclass(frozen=True, slots=True)
class NewAnswer:
    client_key: str
    dedupe_key: str
    outcome: str
    reason: str | None
    final: bool
    body: bytes
    milliseconds: int
    answered_at: datetime


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """Which question it is kept beside, and what was answered to it before."""

    client_key: str
    dedupe_key: str
    delivery_id: UUID
    outcome_before: str | None


@dataclass(frozen=True, slots=True)
class FinalAnswer:
    outcome: str
    reason: str | None
    body: bytes


async def store_answers(conn: Connection, new: Sequence[NewAnswer]) -> list[StoredAnswer]:
    """Keep each beside its question, which stands in the list once; sorted by key.

    A passing answer never replaces a final one.
    """
    rows = await conn.fetch(
        """
        WITH asked AS (
            SELECT d.delivery_id, a.*
              FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::boolean[],
                          $6::bytea[], $7::integer[], $8::timestamptz[])
                   AS a (client_key, dedupe_key, outcome, reason, final, body, milliseconds,
                         answered_at)
              JOIN deliveries d USING (client_key, dedupe_key)
        ), stored AS (
            INSERT INTO delivery_answers AS known
                (delivery_id, outcome, reason, final, body, milliseconds, answered_at)
            SELECT delivery_id, outcome, reason, final, body, milliseconds, answered_at
              FROM asked ORDER BY delivery_id
            ON CONFLICT (delivery_id) DO UPDATE
               SET outcome = excluded.outcome, reason = excluded.reason, final = excluded.final,
                   body = excluded.body, milliseconds = excluded.milliseconds,
                   answered_at = excluded.answered_at
             WHERE excluded.final OR NOT known.final
        )
        SELECT asked.client_key, asked.dedupe_key, asked.delivery_id, before.outcome
          FROM asked LEFT JOIN delivery_answers before USING (delivery_id)
        """,
        [each.client_key for each in new],
        [each.dedupe_key for each in new],
        [each.outcome for each in new],
        [each.reason for each in new],
        [each.final for each in new],
        [each.body for each in new],
        [each.milliseconds for each in new],
        [each.answered_at for each in new],
    )
    return [StoredAnswer(*row.values()) for row in rows]


async def find_final_answer(
    conn: Connection, *, client_key: str, dedupe_key: str
) -> FinalAnswer | None:
    row = await conn.fetchrow(
        """
        SELECT a.outcome, a.reason, a.body
          FROM deliveries d JOIN delivery_answers a USING (delivery_id)
         WHERE d.client_key = $1 AND d.dedupe_key = $2 AND a.final
        """,
        client_key,
        dedupe_key,
    )
    return None if row is None else FinalAnswer(*row.values())


@dataclass(frozen=True, slots=True)
class SealedAnswer:
    """`context` is what it was sealed for."""

    body: bytes
    context: str


async def find_answer_body(conn: Connection, delivery_id: UUID) -> SealedAnswer | None:
    row = await conn.fetchrow(
        """
        SELECT d.client_key, d.dedupe_key, a.body
          FROM deliveries d JOIN delivery_answers a USING (delivery_id)
         WHERE d.delivery_id = $1
        """,
        delivery_id,
    )
    if row is None:
        return None
    client_key, dedupe_key, body = row
    return SealedAnswer(body, answer_context(client_key, dedupe_key))
