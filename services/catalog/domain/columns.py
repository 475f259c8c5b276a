"""The columns of a product list: how each is called, read and written. A row is one SKU."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from zoneinfo import ZoneInfo

from services.catalog.domain.tables import Wrong
from shared.contracts.products import CodeOrigin, Days, Hours, ProductKind, RefundDecision
from shared.platforms.reasons import Words

UNLIMITED: Final = "unlimited"
_FEN_MAX: Final = 10**10
_STOCK_MAX: Final = 10**9
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")
_SPLIT: Final = re.compile(r"[;;、,,\s]+")
_RANGE: Final = re.compile(r"\s*[~~至—]+\s*")
_WEEKDAYS_ZH: Final = "一二三四五六日"

KINDS: Final[Mapping[str, ProductKind]] = {
    "团餐券": ProductKind.MEAL,
    "代金券": ProductKind.VOUCHER,
    "次卡": ProductKind.TIMES_CARD,
    "门票": ProductKind.TICKET,
    "课程": ProductKind.COURSE,
    **{kind.value: kind for kind in ProductKind},
}
ORIGINS: Final[Mapping[str, CodeOrigin]] = {
    "平台码": CodeOrigin.PLATFORM,
    "三方码": CodeOrigin.MERCHANT,
    **{origin.value: origin for origin in CodeOrigin},
}
DECISIONS: Final[Mapping[str, RefundDecision]] = {
    "可退": RefundDecision.ALLOW,
    "需审核": RefundDecision.ASK,
    "不可退": RefundDecision.REFUSE,
    **{decision.value: decision for decision in RefundDecision},
}
YES_NO: Final[Mapping[str, bool]] = {
    "是": True,
    "否": False,
    "yes": True,
    "no": False,
    "true": True,
    "false": False,
}


@dataclass(frozen=True, slots=True)
class Column:
    """`read` gets the text of a cell that holds something, and the merchant's time zone.

    Any: what the member takes.
    """

    key: str
    zh: str
    read: Callable[[str, ZoneInfo], Any]
    of_sku: bool = False
    required: bool = False


def _wrong(zh: str, en: str, do_zh: str, do_en: str) -> Wrong:
    return Wrong(Words(zh, en), Words(do_zh, do_en))


def read_id(text: str, _zone: ZoneInfo) -> str:
    if not _ID.fullmatch(text):
        raise _wrong(
            "编号里有不能用的字符",
            "an id of characters that cannot be used",
            "只用字母、数字和 . _ : -,最多 64 位",
            "letters, digits and . _ : - only, 64 at most",
        )
    return text


def read_text(text: str, _zone: ZoneInfo) -> str:
    if len(text) > 200 or not text.isprintable():  # noqa: PLR2004 - the length of a title
        raise _wrong(
            "文字太长,或含有换行",
            "too long, or with a line break",
            "改为一行,最多 200 字",
            "make it one line of 200 characters at most",
        )
    return text


def read_fen(text: str, _zone: ZoneInfo) -> int:
    """Yuan, as people write them."""
    cleaned = text.removeprefix("¥").removeprefix("¥").removesuffix("元").replace(",", "")
    try:
        fen = Decimal(cleaned.strip()) * 100
    except InvalidOperation:
        fen = Decimal(-1)
    if not fen.is_finite() or fen != fen.to_integral_value() or not 0 <= fen <= _FEN_MAX:
        raise _wrong(
            "不是金额",
            "not an amount",
            "写成元,最多两位小数,如 88.00",
            "write yuan with two decimals at most, such as 88.00",
        )
    return int(fen)


def _read_whole(text: str, *, least: int, most: int) -> int:
    cleaned = text.replace(",", "")
    if not (cleaned.isascii() and cleaned.isdigit()) or not least <= int(cleaned[:19]) <= most:
        raise _wrong(
            f"不是 {least} 到 {most} 的整数",
            f"not a whole number from {least} to {most}",
            "改为整数",
            "make it a whole number",
        )
    return int(cleaned)


def read_stock(text: str, _zone: ZoneInfo) -> int | str:
    if text.lower() in {UNLIMITED, "不限"}:
        return UNLIMITED
    return _read_whole(text, least=0, most=_STOCK_MAX)


def read_count(most: int) -> Callable[[str, ZoneInfo], int]:
    return lambda text, _zone: _read_whole(text, least=1, most=most)


def one_of(words: Mapping[str, Any]) -> Callable[[str, ZoneInfo], Any]:
    def read(text: str, _zone: ZoneInfo) -> Any:
        if text.lower() not in words:
            known = "、".join(words)
            raise _wrong(
                "没有这个选项", "there is no such choice", f"填 {known} 之一", f"one of {known}"
            )
        return words[text.lower()]

    return read


def read_moment(text: str, zone: ZoneInfo) -> datetime:
    try:
        moment = datetime.fromisoformat(text.replace("/", "-"))
        return moment if moment.tzinfo else moment.replace(tzinfo=zone)
    except ValueError:
        raise _no_date("2026-11-21 或 2026-11-21 10:00") from None


def _read_date(text: str) -> date:
    try:
        parts = [int(part) for part in text.strip().replace("/", "-").split("-")]
        return date(*parts)
    except (ValueError, TypeError):
        raise _no_date("2026-11-21") from None


def _no_date(example: str) -> Wrong:
    return _wrong(
        "不是日期", "not a date", f"写成 {example}", f"write it as {example.partition(' 或')[0]}"
    )


def read_dates(text: str, _zone: ZoneInfo) -> Days:
    ends = [_read_date(part) for part in _RANGE.split(text) if part]
    if not 1 <= len(ends) <= 2 or ends[0] > ends[-1]:  # noqa: PLR2004 - both ends
        raise _wrong(
            "日期范围写反了,或不是两头",
            "a range that runs backwards, or without two ends",
            "写成 2026-10-01~2026-10-07",
            "write it as 2026-10-01~2026-10-07",
        )
    return Days(first=ends[0], last=ends[-1])


def read_blackouts(text: str, zone: ZoneInfo) -> tuple[Days, ...]:
    return tuple(read_dates(part, zone) for part in re.split(r"[;;]", text) if part.strip())


def read_weekdays(text: str, _zone: ZoneInfo) -> tuple[int, ...]:
    """`1-5`, `1,3,5` or 周一、周三; Monday is 1."""
    days: set[int] = set()
    for part in filter(None, _SPLIT.split(text.replace("周", " ").replace("星期", " "))):
        numbers = [_weekday(each) for each in part.split("-")]
        if len(numbers) > 2 or numbers[0] > numbers[-1]:  # noqa: PLR2004 - both ends
            raise _no_weekday()
        days.update(range(numbers[0], numbers[-1] + 1))
    return tuple(sorted(days))


def _weekday(text: str) -> int:
    text = text.strip().replace("天", "日")
    if text in set(_WEEKDAYS_ZH):
        return _WEEKDAYS_ZH.index(text) + 1
    if text in set("1234567"):
        return int(text)
    raise _no_weekday()


def _no_weekday() -> Wrong:
    return _wrong(
        "不是星期", "not a weekday", "写成 1-5 或 周一、周三", "write 1-5 or 1,3,5; Monday is 1"
    )


def read_hours(text: str, _zone: ZoneInfo) -> tuple[Hours, ...]:
    hours = []
    for part in filter(None, re.split(r"[;;,,\s]+", text.replace("~", "-").replace("~", "-"))):
        start, _, end = part.partition("-")
        try:
            hours.append(Hours(start=_clock(start), end=_clock(end)))
        except ValueError:
            raise _wrong(
                "不是时段",
                "not hours",
                "写成 10:00-14:00;17:00-21:00",
                "write 10:00-14:00;17:00-21:00",
            ) from None
    return tuple(hours)


def _clock(text: str) -> time:
    hour, _, minute = text.strip().partition(":")
    # Midnight at the end of a day is the beginning of the next one.
    return time(int(hour) % 24 if int(hour) <= 24 else int(hour), int(minute or 0))  # noqa: PLR2004


def read_ids(text: str, zone: ZoneInfo) -> tuple[str, ...]:
    return tuple(read_id(part, zone) for part in _SPLIT.split(text) if part)


COLUMNS: Final = (
    Column("product_id", "商品编号", read_id, required=True),
    Column("kind", "类型", one_of(KINDS), required=True),
    Column("title", "商品名", read_text, required=True),
    Column("sku_id", "规格编号", read_id, of_sku=True),
    Column("sku_title", "规格名", read_text, of_sku=True),
    Column("price", "售价", read_fen, of_sku=True, required=True),
    Column("original_price", "原价", read_fen, of_sku=True),
    Column("stock", "库存", read_stock, of_sku=True),
    Column("times", "次数", read_count(1000), of_sku=True),
    Column("admits", "人数", read_count(100), of_sku=True),
    Column("per_buyer_max", "每人限购", read_count(1000)),
    Column("sale_from", "开售时间", read_moment),
    Column("sale_to", "停售时间", read_moment),
    Column("valid_dates", "有效日期", read_dates),
    Column("valid_days", "购买后有效天数", read_count(3650)),
    Column("weekdays", "可用星期", read_weekdays),
    Column("hours", "可用时段", read_hours),
    Column("blackouts", "不可用日期", read_blackouts),
    Column("stores", "适用门店", read_ids),
    Column("code_origin", "券码来源", one_of(ORIGINS)),
    Column("refund_before_use", "使用前退款", one_of(DECISIONS)),
    Column("refund_after_expiry", "过期退款", one_of(DECISIONS)),
    Column("refund_partly_used", "部分使用退款", one_of(DECISIONS)),
    Column("category_id", "平台类目", read_id),
    Column("published", "上架", one_of(YES_NO)),
)
BY_KEY: Final[Mapping[str, Column]] = {column.key: column for column in COLUMNS}
BY_NAME: Final[Mapping[str, Column]] = {
    name: column for column in COLUMNS for name in (column.key, column.zh)
}
