"""What is issued when a platform asks for codes (发券), and what a repeated question may change."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from services.redemption.domain.codes import Code
from services.redemption.domain.issued import share_of
from shared.contracts.asks import CodesAsk
from shared.contracts.products import ProductKind, UsageRules

# The platform opens the refund to the buyer if it has no codes after ten minutes.
WAIT_FOR_PRODUCT: Final = timedelta(minutes=8)
COUPONS_MAX: Final = 1_000


@dataclass(frozen=True, slots=True)
class SoldSku:
    """A SKU as catalog has it at the moment of the question."""

    product_id: str
    sku_id: str
    title: str
    kind: str
    times: int
    usage: UsageRules


@dataclass(frozen=True, slots=True)
class Terms:
    """What is kept with an issue for ever: a snapshot."""

    product_id: str | None
    sku_id: str | None
    title: str | None
    kind: str | None
    times: int
    usage: UsageRules
    bought_at: datetime


@dataclass(frozen=True, slots=True)
class NewCoupon:
    coupon_id: str
    code: Code
    original_amount_fen: int | None
    pay_amount_fen: int | None


def sku_name(ask: CodesAsk) -> str:
    return ask.third_sku_id or ask.platform_sku_id or ""


def has_to_wait(ask: CodesAsk, sku: SoldSku | None) -> bool:
    """Only its product says how often a times card can be used."""
    return sku is None and ask.kind is ProductKind.TIMES_CARD


def terms_of(ask: CodesAsk, sku: SoldSku | None, *, now: datetime) -> Terms:
    """By the product; an unknown one is sold on the terms that the platform names."""
    bought_at = ask.paid_at or now
    if sku is None:
        return Terms(None, None, ask.title, ask.kind, 1, UsageRules(), bought_at)
    return Terms(
        sku.product_id,
        sku.sku_id,
        ask.title or sku.title,
        sku.kind,
        sku.times,
        sku.usage,
        bought_at,
    )


def coupons_of(ask: CodesAsk, names: Sequence[str], codes: Sequence[Code]) -> list[NewCoupon]:
    """One for each piece; their amounts add up to what the question says."""
    return [
        NewCoupon(
            name,
            code,
            share_of(ask.original_amount_fen, number, ask.count),
            share_of(ask.pay_amount_fen, number, ask.count),
        )
        for number, (name, code) in enumerate(zip(names, codes, strict=True), start=1)
    ]
