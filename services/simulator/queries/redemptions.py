"""Preparations, verifications and their cancellations."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.simulator.domain.coupons import Verification
from services.simulator.domain.fields import own_id
from shared.postgres.connection import Connection


@dataclass(frozen=True, slots=True)
class Preparation:
    verify_token: str
    client_key: str
    order_id: int
    poi_id: str
    certificate_ids: Sequence[int]
    created_at: datetime
    expires_at: datetime
    # The JSON that verify answered to this token, once it has.
    answer: str | None = None


@dataclass(frozen=True, slots=True)
class KeptCancellation:
    verify_ids: Sequence[int]
    answer: str


async def add_preparations(conn: Connection, preparations: Sequence[Preparation]) -> None:
    await conn.execute(
        """
        INSERT INTO preparations (
            verify_token, client_key, order_id, poi_id, certificate_ids, created_at, expires_at
        )
        SELECT verify_token, client_key, order_id, poi_id,
               string_to_array(certificate_ids, ',')::bigint[], created_at, expires_at
          FROM unnest(
              $1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[],
              $6::timestamptz[], $7::timestamptz[]
          ) AS given (
              verify_token, client_key, order_id, poi_id, certificate_ids, created_at, expires_at
          )
        ON CONFLICT (verify_token) DO NOTHING
        """,
        [one.verify_token for one in preparations],
        [one.client_key for one in preparations],
        [one.order_id for one in preparations],
        [one.poi_id for one in preparations],
        [",".join(map(str, one.certificate_ids)) for one in preparations],
        [one.created_at for one in preparations],
        [one.expires_at for one in preparations],
    )


async def lock_preparations(
    conn: Connection, verify_tokens: Sequence[str]
) -> dict[str, Preparation]:
    rows = await conn.fetch(
        """
        SELECT verify_token, client_key, order_id, poi_id, certificate_ids, created_at,
               expires_at, answer
          FROM preparations WHERE verify_token = ANY($1::text[])
         ORDER BY verify_token FOR UPDATE
        """,
        verify_tokens,
    )
    return {row["verify_token"]: Preparation(*row.values()) for row in rows}


async def keep_answers(conn: Connection, preparations: Sequence[Preparation]) -> None:
    await conn.execute(
        """
        UPDATE preparations p SET answer = given.answer
          FROM unnest($1::text[], $2::text[]) AS given (verify_token, answer)
         WHERE p.verify_token = given.verify_token
        """,
        [one.verify_token for one in preparations],
        [one.answer for one in preparations],
    )


async def add_verifications(conn: Connection, verifications: Sequence[Verification]) -> None:
    await conn.execute(
        """
        INSERT INTO verifications (
            verify_id, certificate_id, order_id, account_id, poi_id, verify_token, verified_at,
            serial
        )
        SELECT * FROM unnest(
            $1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[],
            $7::timestamptz[], $8::bigint[]
        )
        """,
        [one.verify_id for one in verifications],
        [one.certificate_id for one in verifications],
        [one.order_id for one in verifications],
        [one.account_id for one in verifications],
        [one.poi_id for one in verifications],
        [one.verify_token for one in verifications],
        [one.verified_at for one in verifications],
        [one.serial for one in verifications],
    )


async def cancel_verifications(conn: Connection, verify_ids: Sequence[int], now: datetime) -> None:
    await conn.execute(
        "UPDATE verifications SET cancelled_at = $2 WHERE verify_id = ANY($1::bigint[])",
        verify_ids,
        now,
    )


async def find_verifications(
    conn: Connection, verify_ids: Sequence[int]
) -> dict[int, Verification]:
    rows = await conn.fetch(
        """
        SELECT verify_id, certificate_id, order_id, account_id, poi_id, verify_token,
               verified_at, cancelled_at, serial
          FROM verifications WHERE verify_id = ANY($1::bigint[])
        """,
        verify_ids,
    )
    return {row["verify_id"]: Verification(*row.values()) for row in rows}


async def find_latest_uses(conn: Connection, certificate_id: str, limit: int) -> list[int]:
    """Of a times card, by either of its names."""
    rows = await conn.fetch(
        """
        SELECT v.verify_id FROM verifications v JOIN coupons c USING (certificate_id)
         WHERE (c.certificate_id = $1 OR c.third_certificate_id = $2)
           AND c.times_count > 1 AND v.cancelled_at IS NULL
         ORDER BY v.verified_at DESC, v.serial DESC LIMIT $3
        """,
        own_id(certificate_id),
        certificate_id,
        limit,
    )
    return [row["verify_id"] for row in rows]


async def find_kept_cancellation(
    conn: Connection, client_key: str, cancel_token: str, *, since: datetime
) -> KeptCancellation | None:
    row = await conn.fetchrow(
        """
        SELECT verify_ids, answer FROM cancellations
         WHERE client_key = $1 AND cancel_token = $2 AND created_at > $3
        """,
        client_key,
        cancel_token,
        since,
    )
    return None if row is None else KeptCancellation(*row.values())


async def keep_cancellation(
    conn: Connection,
    client_key: str,
    cancel_token: str,
    *,
    kept: KeptCancellation,
    now: datetime,
) -> None:
    await conn.execute(
        """
        INSERT INTO cancellations (client_key, cancel_token, verify_ids, answer, created_at)
        VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (client_key, cancel_token) DO UPDATE
           SET verify_ids = excluded.verify_ids, answer = excluded.answer,
               created_at = excluded.created_at
        """,
        client_key,
        cancel_token,
        kept.verify_ids,
        kept.answer,
        now,
    )
