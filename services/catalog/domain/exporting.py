"""Products as rows of a list that can be read in again."""

from collections.abc import Mapping
from datetime import datetime, time
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from services.catalog.domain.columns import COLUMNS, DECISIONS, KINDS, ORIGINS, UNLIMITED, YES_NO
from services.catalog.domain.products import Product, Wanted
from shared.contracts.products import Days, Hours, Sku


class Language(StrEnum):
    ZH = "zh"
    EN = "en"


Totals = Mapping[str, int | None]


def header(language: Language) -> list[str]:
    return [column.zh if language is Language.ZH else column.key for column in COLUMNS]


def rows_of(
    product: Product,
    *,
    totals: Totals,
    category_id: str | None,
    zone: ZoneInfo,
    language: Language,
) -> list[list[str]]:
    """One row for each SKU; all say the product's own members, so that each can stand alone."""
    own = _own(product, category_id, zone, language)
    return [
        [({**own, **_sku(sku, totals, language)}).get(column.key, "") for column in COLUMNS]
        for sku in product.content.skus
    ]


def _own(
    product: Product, category_id: str | None, zone: ZoneInfo, language: Language
) -> dict[str, str]:
    content, usage, refund = product.content, product.content.usage, product.content.refund
    return {
        "product_id": content.product_id,
        "kind": _word(KINDS, content.kind, language),
        "title": content.title,
        "per_buyer_max": _number(content.per_buyer_max),
        "sale_from": _moment(content.sale_from, zone),
        "sale_to": _moment(content.sale_to, zone),
        "valid_dates": _days(usage.dates) if usage.dates else "",
        "valid_days": _number(usage.days_after_purchase),
        "weekdays": ",".join(str(day) for day in usage.weekdays),
        "hours": ";".join(_hours(one) for one in usage.hours),
        "blackouts": ";".join(_days(one) for one in usage.blackouts),
        "stores": ";".join(usage.store_ids or ()),
        "code_origin": _word(ORIGINS, content.code_origin, language),
        "refund_before_use": _word(DECISIONS, refund.before_use, language),
        "refund_after_expiry": _word(DECISIONS, refund.after_expiry, language),
        "refund_partly_used": _word(DECISIONS, refund.partly_used, language),
        "category_id": category_id or "",
        "published": _word(YES_NO, product.wanted is Wanted.ON_SHELF, language),
    }


def _sku(sku: Sku, totals: Totals, language: Language) -> dict[str, str]:
    stock = ""
    if sku.sku_id in totals:
        total = totals[sku.sku_id]
        endless = "不限" if language is Language.ZH else UNLIMITED
        stock = endless if total is None else str(total)
    return {
        "sku_id": sku.sku_id,
        "sku_title": sku.title,
        "price": _yuan(sku.price_fen),
        "original_price": _yuan(sku.original_price_fen),
        "stock": stock,
        "times": str(sku.times),
        "admits": str(sku.admits),
    }


def _word(words: Mapping[str, Any], value: object, language: Language) -> str:
    """The first word that stands for it in Chinese, or in English."""
    names = [name for name, meant in words.items() if meant == value]
    return names[0] if language is Language.ZH else next(name for name in names if name.isascii())


def _yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02}"


def _number(value: int | None) -> str:
    return "" if value is None else str(value)


def _moment(moment: datetime | None, zone: ZoneInfo) -> str:
    """To the microsecond where there is one: read in again it is the same."""
    if moment is None:
        return ""
    return moment.astimezone(zone).replace(tzinfo=None).isoformat(" ")


def _days(days: Days) -> str:
    return f"{days.first.isoformat()}~{days.last.isoformat()}"


def _hours(hours: Hours) -> str:
    return f"{_clock(hours.start)}-{_clock(hours.end)}"


def _clock(moment: time) -> str:
    return f"{moment:%H:%M}"
