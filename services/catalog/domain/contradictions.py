"""Rules of a product that contradict each other: each with the member and what to do about it."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, timedelta
from itertools import pairwise
from typing import Final, NamedTuple

from services.catalog.domain.products import Content
from shared.contracts.products import Days, ProductKind, Sku, StockBy, UsageRules

# Longer validities have every weekday in them.
_LOOK_DAYS_MAX: Final = 366
_MINUTES_A_DAY: Final = 24 * 60


class Contradiction(NamedTuple):
    """Where it stands, `skus.0.times`, and what is wrong with it."""

    member: str
    detail: str


def contradictions(content: Content) -> tuple[Contradiction, ...]:
    """Everything that cannot be meant; nothing if the product can be sold as it stands."""
    return tuple(found for rule in _RULES for found in rule(content))


def _sale_window(content: Content) -> Iterator[Contradiction]:
    begins, ends = content.sale_from, content.sale_to
    if begins is not None and ends is not None and begins >= ends:
        yield Contradiction("sale_to", "the sale must end after it begins")


def _validity(content: Content) -> Iterator[Contradiction]:
    for member, usage in _usages(content):
        yield from _dates(content, member, usage)
        yield from _lists(member, usage)
        yield from _hours(member, usage)
        if usage.dates is not None and _no_day_is_left(usage.dates, usage):
            yield Contradiction(
                f"{member}.dates", "no day is left between weekdays and blackouts to use it on"
            )


def _dates(content: Content, member: str, usage: UsageRules) -> Iterator[Contradiction]:
    if usage.dates is None:
        return
    if usage.days_after_purchase is not None:
        yield Contradiction(
            f"{member}.days_after_purchase", "fixed dates or days after purchase, not both"
        )
    if usage.dates.first > usage.dates.last:
        yield Contradiction(f"{member}.dates", "the last day must not be before the first")
    # A day's grace: which day it is depends on the store's clock.
    last_day_of_sale = None if content.sale_to is None else content.sale_to.astimezone(UTC).date()
    if last_day_of_sale is not None and last_day_of_sale > usage.dates.last + timedelta(days=1):
        yield Contradiction("sale_to", f"still sold after {usage.dates.last}, its last day of use")
    if content.sale_from is not None and content.sale_to is None:
        first_day_of_sale = content.sale_from.astimezone(UTC).date()
        if first_day_of_sale > usage.dates.last:
            yield Contradiction("sale_from", "sold only after its last day of use")


def _lists(member: str, usage: UsageRules) -> Iterator[Contradiction]:
    if len(set(usage.weekdays)) < len(usage.weekdays):
        yield Contradiction(f"{member}.weekdays", "a weekday is named twice")
    if usage.store_ids is not None and not usage.store_ids:
        yield Contradiction(f"{member}.store_ids", "name a store, or leave it out for all of them")
    if len(set(usage.store_ids or ())) < len(usage.store_ids or ()):
        yield Contradiction(f"{member}.store_ids", "a store is named twice")
    for place, days in enumerate(usage.blackouts):
        if days.first > days.last:
            yield Contradiction(
                f"{member}.blackouts.{place}", "the last day must not be before the first"
            )


def _hours(member: str, usage: UsageRules) -> Iterator[Contradiction]:
    spans = []
    for place, hours in enumerate(usage.hours):
        begin = hours.start.hour * 60 + hours.start.minute
        end = hours.end.hour * 60 + hours.end.minute
        if hours.start.tzinfo is not None or hours.end.tzinfo is not None:
            yield Contradiction(f"{member}.hours.{place}", "the store's clock, without a zone")
        elif begin == end:
            yield Contradiction(f"{member}.hours.{place}", "no time is between start and end")
        else:
            spans.append((begin, end if end > begin else end + _MINUTES_A_DAY))
    spans.sort()
    wrapped = [(begin + _MINUTES_A_DAY, end + _MINUTES_A_DAY) for begin, end in spans[:1]]
    if any(later[0] < earlier[1] for earlier, later in pairwise([*spans, *wrapped])):
        yield Contradiction(f"{member}.hours", "hours overlap")


def _no_day_is_left(dates: Days, usage: UsageRules) -> bool:
    days = (dates.last - dates.first).days + 1
    if days < 1 or days > _LOOK_DAYS_MAX or not (usage.weekdays or usage.blackouts):
        return False
    return not any(
        is_open(dates.first + timedelta(days=number), usage.weekdays, usage.blackouts)
        for number in range(days)
    )


def is_open(day: date, weekdays: Sequence[int], blackouts: Sequence[Days]) -> bool:
    """Whether neither the weekday nor a blackout forbids the day."""
    if weekdays and day.isoweekday() not in weekdays:
        return False
    return not any(dark.first <= day <= dark.last for dark in blackouts)


def _times(content: Content) -> Iterator[Contradiction]:
    card = content.kind is ProductKind.TIMES_CARD
    for place, sku in enumerate(content.skus):
        if card and sku.times < 2:  # noqa: PLR2004 - two is the least that makes it a times card
            yield Contradiction(f"skus.{place}.times", "a times card is for two uses at least")
        if not card and sku.times > 1:
            yield Contradiction(f"skus.{place}.times", "only a times card is spent more than once")
    for member, usage in _usages(content):
        limits = (usage.uses_per_day, usage.period_days, usage.uses_per_period)
        if not card and any(limit is not None for limit in limits):
            yield Contradiction(f"{member}.uses_per_day", "uses are counted on a times card only")
        if (usage.period_days is None) != (usage.uses_per_period is None):
            yield Contradiction(
                f"{member}.period_days", "period_days and uses_per_period go together"
            )


def _tickets(content: Content) -> Iterator[Contradiction]:
    ticket = content.kind is ProductKind.TICKET
    for place, sku in enumerate(content.skus):
        if not ticket and sku.admits > 1:
            yield Contradiction(f"skus.{place}.admits", "only a ticket lets several people in")
        if not ticket and sku.stock_by is not StockBy.SKU:
            yield Contradiction(f"skus.{place}.stock_by", "only tickets are kept by day or slot")
        dated = sku.stock_by is not StockBy.SKU
        if ticket and dated and _usage_of(content, sku).days_after_purchase is not None:
            yield Contradiction(
                f"skus.{place}.stock_by",
                "a dated ticket is valid on its day, not for days after purchase",
            )


def _courses(content: Content) -> Iterator[Contradiction]:
    if content.kind is not ProductKind.COURSE:
        return
    for member, usage in _usages(content):
        for name in ("store_ids", "hours", "weekdays"):
            if getattr(usage, name):
                yield Contradiction(
                    f"{member}.{name}", "a course is opened online, not in a store at some hour"
                )


def _prices(content: Content) -> Iterator[Contradiction]:
    for place, sku in enumerate(content.skus):
        if sku.original_price_fen < sku.price_fen:
            yield Contradiction(
                f"skus.{place}.original_price_fen", "must not be below the price it is sold at"
            )
        if content.kind is ProductKind.VOUCHER and sku.original_price_fen == 0:
            yield Contradiction(f"skus.{place}.original_price_fen", "a voucher is worth something")


def _usages(content: Content) -> Iterator[tuple[str, UsageRules]]:
    yield "usage", content.usage
    for place, sku in enumerate(content.skus):
        if sku.usage is not None:
            yield f"skus.{place}.usage", sku.usage


def _usage_of(content: Content, sku: Sku) -> UsageRules:
    return content.usage if sku.usage is None else sku.usage


_RULES: Final[Sequence[Callable[[Content], Iterator[Contradiction]]]] = (
    _sale_window,
    _validity,
    _times,
    _tickets,
    _courses,
    _prices,
)
