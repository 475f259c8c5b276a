"""Statements that issue coupons: each for a whole batch."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from pydantic import TypeAdapter

from services.redemption.domain.issuing import SoldSku
from shared.contracts.envelope import Event
from shared.contracts.products import UsageRules
from shared.postgres.connection import Connection


@dataclass(frozen=True, slots=True)
class KeptCode:
    coupon_id: str
    # Base64, as JSON has it.
    sealed_code: str


@dataclass(frozen=True, slots=True)
class KnownIssue:
    merchant: str
    coupons_asked: int
    state: str
    codes: tuple[KeptCode, ...]


@dataclass(frozen=True, slots=True)
class IssueLook:
    """What is known of a question for codes: its answer, its SKU, a refund of all of it."""

    known: KnownIssue | None
    sku: SoldSku | None
    locked_by: str | None


@dataclass(frozen=True, slots=True)
class IssueAsked:
    platform: str
    merchant: str
    order_id: str
    sku: str
    third_sku_id: str | None
    platform_sku_id: str | None


@dataclass(frozen=True, slots=True)
class NewIssue:
    """In the order of the type new_issue."""

    platform: str
    order_id: str
    sku: str
    merchant: str
    coupons_asked: int
    state: str
    ask: str
    product_id: str | None
    sku_id: str | None
    title: str | None
    kind: str | None
    usage: str
    bought_at: datetime
    valid_from: datetime | None
    valid_to: datetime | None
    day: date | None
    slot: str | None
    next_report_at: datetime | None
    traceparent: str


@dataclass(frozen=True, slots=True)
class NewIssuedCoupon:
    """In the order of the type new_coupon."""

    platform: str
    coupon_id: str
    merchant: str
    order_id: str
    sku: str
    code_hash: bytes
    sealed_code: bytes
    original_amount_fen: int | None
    pay_amount_fen: int | None
    times_total: int
    refund_lock: str | None
    event_id: UUID
    subject: str
    payload: bytes


_CODES: Final = TypeAdapter(tuple[KeptCode, ...])
_LOOK: Final = """
SELECT s.merchant, s.coupons_asked, s.state,
       (SELECT jsonb_agg(jsonb_build_object(
                   'coupon_id', i.coupon_id, 'sealed_code', encode(i.sealed_code, 'base64'))
                   ORDER BY i.coupon_id)
          FROM issued_coupons i
         WHERE i.platform = s.platform AND i.order_id = s.order_id AND i.sku = s.sku),
       sold.product_id, sold.sku_id, sold.title, sold.kind, sold.times, sold.usage,
       (SELECT l.after_sale_id FROM refund_locks l
         WHERE l.platform = a.platform AND l.order_id = a.order_id
           AND l.released_at IS NULL AND l.coupon_ids = '{}' LIMIT 1)
  FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
       WITH ORDINALITY
    AS a (platform, merchant, order_id, sku, third_sku_id, platform_sku_id, place)
  LEFT JOIN issues s
    ON s.platform = a.platform AND s.order_id = a.order_id AND s.sku = a.sku
  LEFT JOIN LATERAL (
       SELECT k.product_id, k.sku_id, k.title, k.kind, k.times, k.usage FROM skus k
        WHERE k.merchant = a.merchant AND k.platform = a.platform
          AND (k.third_sku_id = a.third_sku_id OR k.platform_sku_id = a.platform_sku_id)
        ORDER BY (k.third_sku_id = a.third_sku_id) DESC, k.sku_id LIMIT 1
  ) sold ON true
 ORDER BY a.place
"""


async def look_at_issues(conn: Connection, asked: Sequence[IssueAsked]) -> list[IssueLook]:
    rows = await conn.fetch(
        _LOOK,
        [each.platform for each in asked],
        [each.merchant for each in asked],
        [each.order_id for each in asked],
        [each.sku for each in asked],
        [each.third_sku_id for each in asked],
        [each.platform_sku_id for each in asked],
    )
    return [_as_look(list(row.values())) for row in rows]


def _as_look(values: list[Any]) -> IssueLook:
    """Any: asyncpg knows no column types."""
    known = values[0] and KnownIssue(
        values[0], values[1], values[2], _CODES.validate_json(values[3] or "[]")
    )
    return IssueLook(known or None, _as_sku(values[4:10]), values[10])


def _as_sku(values: list[Any]) -> SoldSku | None:
    """Any: asyncpg knows no column types."""
    product_id, sku_id, title, kind, times, usage = values
    if product_id is None:
        return None
    return SoldSku(product_id, sku_id, title, kind, times, UsageRules.model_validate_json(usage))


async def add_issues(
    conn: Connection, issues: Sequence[NewIssue], coupons: Sequence[NewIssuedCoupon]
) -> set[tuple[str, str, str]]:
    """Keep each issue that is new, with its coupons and their events; gives those.

    One that was waiting until now counts as new when its coupons come.
    """
    rows = await conn.fetch(
        """
        WITH added AS (
            INSERT INTO issues
                (platform, order_id, sku, merchant, coupons_asked, state, ask, product_id,
                 sku_id, title, kind, usage, bought_at, valid_from, valid_to, day, slot,
                 next_report_at, traceparent)
            SELECT platform, order_id, sku, merchant, coupons_asked, state, ask::jsonb,
                   product_id, sku_id, title, kind, usage::jsonb, bought_at, valid_from,
                   valid_to, day, slot, next_report_at, traceparent
              FROM unnest($1::new_issue[])
             ORDER BY platform, order_id, sku
            ON CONFLICT (platform, order_id, sku) DO UPDATE
               SET state = EXCLUDED.state, product_id = EXCLUDED.product_id,
                   sku_id = EXCLUDED.sku_id, title = EXCLUDED.title, kind = EXCLUDED.kind,
                   usage = EXCLUDED.usage, bought_at = EXCLUDED.bought_at,
                   next_report_at = EXCLUDED.next_report_at
             WHERE issues.state = 'waiting' AND EXCLUDED.state = 'issued'
            RETURNING platform, order_id, sku
        ), made AS (
            SELECT c.* FROM unnest($2::new_coupon[]) c JOIN added USING (platform, order_id, sku)
        ), issued AS (
            INSERT INTO issued_coupons
                (platform, coupon_id, merchant, order_id, sku, code_hash, sealed_code,
                 original_amount_fen, pay_amount_fen, times_total, refund_lock)
            SELECT platform, coupon_id, merchant, order_id, sku, code_hash, sealed_code,
                   original_amount_fen, pay_amount_fen, times_total, refund_lock
              FROM made
        ), said AS (
            INSERT INTO outbox (event_id, subject, payload)
            SELECT event_id, subject, payload FROM made RETURNING seq
        ), queued AS (
            INSERT INTO outbox_pending (seq) SELECT seq FROM said
        )
        SELECT platform, order_id, sku FROM added
        """,
        [_as_row(issue) for issue in issues],
        [_as_row(coupon) for coupon in coupons],
    )
    return {(row["platform"], row["order_id"], row["sku"]) for row in rows}


def _as_row(new: NewIssue | NewIssuedCoupon) -> tuple[object, ...]:
    return tuple(getattr(new, name) for name in new.__slots__)


def payload_of(event: Event) -> bytes:
    return event.model_dump_json().encode()
