"""Reads rows of coupons whose codes are ours."""

from collections.abc import Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Final

from services.redemption.domain.issued import Issued, read_slot
from services.redemption.domain.usage import Term
from services.redemption.queries.rows import CLAIMS
from shared.contracts.products import UsageRules

# How many columns `as_issued` reads.
ISSUED_COLUMNS: Final = 20


def as_issued(values: Sequence[Any]) -> Issued | None:
    """From platform to claims, in the order in which every statement names them; None: no coupon.

    Any: asyncpg knows no column types.
    """
    if values[1] is None:
        return None
    return Issued(
        platform=values[0],
        coupon_id=values[1],
        merchant=values[2],
        order_id=values[3],
        title=values[4],
        kind=values[5],
        usage=_usage(values[6]),
        term=_term(values[7], values[8], values[9], values[10], values[11]),
        original_amount_fen=values[12],
        pay_amount_fen=values[13],
        times_total=values[14],
        times_used=values[15],
        version=values[16],
        refund_lock=values[17],
        refunded_at=values[18],
        claims=CLAIMS.validate_json(values[19]) if values[19] else (),
    )


@lru_cache(maxsize=1024)
def _usage(text: str) -> UsageRules:
    """The coupons of one product have the same rules."""
    return UsageRules.model_validate_json(text)


def _term(
    bought_at: datetime,
    valid_from: datetime | None,
    valid_to: datetime | None,
    day: date | None,
    slot: str | None,
) -> Term:
    return Term(bought_at, valid_from, valid_to, read_slot(day, slot))
