"""The queue of questions to apps, and what they were answered."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.simulator.domain.questions import Action, Form, Question, QuestionState
from shared.postgres.connection import Connection


@dataclass(frozen=True, slots=True)
class DueQuestion:
    """One to be asked now, where, and with which secrets it is signed."""

    question_id: int
    client_key: str
    form: Form
    action: Action
    version: str
    body: str
    order_id: int | None
    after_sale_id: int | None
    attempts: int
    client_secret: str
    spi_url: str | None
    trade_url: str | None
    callback_token: str | None


@dataclass(frozen=True, slots=True)
class QuestionAttempt:
    """How one try ended, and what is to become of the question."""

    question_id: int
    number: int
    sent_at: datetime
    milliseconds: int
    status: int | None
    error: str | None
    answer: str
    state: QuestionState
    outcome: str
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class QuestionLine:
    question_id: int
    client_key: str
    form: str
    action: str
    order_id: str | None
    after_sale_id: str | None
    state: str
    outcome: str
    attempts: int


async def enqueue(
    conn: Connection, questions: Sequence[Question], now: datetime, *, due_at: datetime
) -> None:
    """Queue for those apps that have said where they may be asked."""
    await conn.execute(
        """
        INSERT INTO questions (
            client_key, form, action, body, order_id, after_sale_id, version, state, outcome,
            attempts, created_at, due_at, finished_at
        )
        SELECT given.*, CASE WHEN given.state = 'queued' THEN 0 ELSE 1 END, $10, $11,
               CASE WHEN given.state <> 'queued' THEN $10::timestamptz END
          FROM unnest(
              $1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[],
              $7::text[], $8::text[], $9::text[]
          ) AS given (
              client_key, form, action, body, order_id, after_sale_id, version, state, outcome
          )
          JOIN apps a USING (client_key)
         WHERE CASE WHEN given.form = 'spi' THEN a.spi_url ELSE a.trade_url END IS NOT NULL
        """,
        [one.client_key for one in questions],
        [one.form for one in questions],
        [one.action for one in questions],
        [one.body for one in questions],
        [one.order_id for one in questions],
        [one.after_sale_id for one in questions],
        [one.version for one in questions],
        [one.state for one in questions],
        [one.outcome for one in questions],
        now,
        due_at,
    )


async def take_due(
    conn: Connection, *, now: datetime, lease: timedelta, limit: int
) -> list[DueQuestion]:
    """Take what is due for the time of a lease; after it others may ask again."""
    rows = await conn.fetch(
        """
        WITH due AS MATERIALIZED (
            SELECT question_id FROM questions
             WHERE state = 'queued' AND due_at <= $1
             ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED
        )
        UPDATE questions q SET due_at = $2
          FROM due, apps a
         WHERE q.question_id = due.question_id AND a.client_key = q.client_key
        RETURNING q.question_id, q.client_key, q.form, q.action, q.version, q.body, q.order_id,
                  q.after_sale_id, q.attempts, a.client_secret, a.spi_url, a.trade_url,
                  a.callback_token
        """,
        now,
        now + lease,
        limit,
    )
    return [
        DueQuestion(row[0], row[1], Form(row[2]), Action(row[3]), *list(row.values())[4:])
        for row in rows
    ]


async def add_attempts(conn: Connection, attempts: Sequence[QuestionAttempt]) -> None:
    """A try that two senders made, after a lease ran out, is kept once."""
    await conn.execute(
        """
        INSERT INTO question_attempts (
            question_id, number, sent_at, milliseconds, status, error, answer
        )
        SELECT * FROM unnest(
            $1::bigint[], $2::bigint[], $3::timestamptz[], $4::bigint[], $5::bigint[],
            $6::text[], $7::text[]
        )
        ON CONFLICT (question_id, number) DO NOTHING
        """,
        [one.question_id for one in attempts],
        [one.number for one in attempts],
        [one.sent_at for one in attempts],
        [one.milliseconds for one in attempts],
        [one.status for one in attempts],
        [one.error for one in attempts],
        [one.answer for one in attempts],
    )


async def save_outcomes(
    conn: Connection, attempts: Sequence[QuestionAttempt], now: datetime
) -> None:
    await conn.execute(
        """
        UPDATE questions q
           SET state = given.state, outcome = given.outcome, attempts = given.number,
               due_at = coalesce(given.due_at, q.due_at),
               finished_at = CASE WHEN given.state <> 'queued' THEN $6::timestamptz END
          FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::timestamptz[])
               AS given (question_id, number, state, outcome, due_at)
         WHERE q.question_id = given.question_id AND q.state = 'queued'
        """,
        [one.question_id for one in attempts],
        [one.number for one in attempts],
        [one.state for one in attempts],
        [one.outcome for one in attempts],
        [one.due_at for one in attempts],
        now,
    )


async def find_open(conn: Connection, question_ids: Sequence[int]) -> set[int]:
    """Those that nobody else has finished meanwhile, held until we commit."""
    rows = await conn.fetch(
        """
        SELECT question_id FROM questions
         WHERE question_id = ANY($1::bigint[]) AND state = 'queued'
         ORDER BY question_id FOR UPDATE
        """,
        question_ids,
    )
    return {row["question_id"] for row in rows}


async def find_lines(
    conn: Connection, *, state: str | None, action: str | None, after: int, limit: int
) -> list[QuestionLine]:
    rows = await conn.fetch(
        """
        SELECT question_id, client_key, form, action, order_id::text, after_sale_id::text,
               state, outcome, attempts
          FROM questions
         WHERE question_id > $1 AND ($2::text IS NULL OR state = $2)
           AND ($3::text IS NULL OR action = $3)
         ORDER BY question_id LIMIT $4
        """,
        after,
        state,
        action,
        limit,
    )
    return [QuestionLine(*row.values()) for row in rows]


async def count_questions(conn: Connection) -> list[tuple[str, str, int]]:
    """By action and outcome; what is under way counts by its last one, or as queued."""
    rows = await conn.fetch(
        """
        SELECT form || ':' || action,
               CASE WHEN state = 'queued' THEN 'queued' ELSE outcome END, count(*)
          FROM questions GROUP BY 1, 2
        """
    )
    return [(row[0], row[1], row[2]) for row in rows]
