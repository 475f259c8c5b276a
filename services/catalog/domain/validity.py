"""From when until when a coupon can be spent, as far as dates alone decide it."""

import re
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from shared.contracts.products import UsageRules

# A slot that names its hours: "09:00-12:30".
_HOURS: Final = re.compile(r"^([01]\d|2[0-3]):([0-5]\d)\s*[-~–]\s*([01]\d|2[0-3]):([0-5]\d)$")
# A time zone may move the last midnights of the calendar out of it.
_LAST_DAY: Final = date.max - timedelta(days=3)


def validity(
    usage: UsageRules,
    *,
    bought_at: datetime,
    day: date | None,
    slot: str | None,
    zone: ZoneInfo,
) -> tuple[datetime | None, datetime | None]:
    """None: open at that end. The end itself is no longer valid."""
    if day is not None:
        return _of_slot(day, slot, zone)
    if usage.dates is not None:
        return _midnight(usage.dates.first, zone), _midnight_after(usage.dates.last, zone)
    if usage.days_after_purchase is not None:
        first = bought_at.astimezone(zone).date()
        last = first + timedelta(days=usage.days_after_purchase - 1)
        return bought_at, _midnight_after(last, zone)
    return None, None


def _of_slot(day: date, slot: str | None, zone: ZoneInfo) -> tuple[datetime, datetime]:
    hours = _HOURS.match(slot) if slot is not None else None
    if hours is None:
        return _midnight(day, zone), _midnight_after(day, zone)
    start, end = time(int(hours[1]), int(hours[2])), time(int(hours[3]), int(hours[4]))
    first = min(day, _LAST_DAY)
    last = first + timedelta(days=1) if end <= start else first
    return datetime.combine(first, start, zone), datetime.combine(last, end, zone)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(min(day, _LAST_DAY), time(), zone)


def _midnight_after(day: date, zone: ZoneInfo) -> datetime:
    return _midnight(min(day, _LAST_DAY) + timedelta(days=1), zone)
