"""When and where a coupon may be spent: pure, and the same offline at a terminal.

docs/vectors/usage-rules.json holds what every implementation must answer.

A day of service begins with its hours: where they run past midnight, the time after midnight is
still the day before's, for weekdays, dates, blackouts and daily limits alike. Without hours it is
the calendar's day. All is read off the clock on the store's wall, so the hour that a change to
winter time repeats is open twice if it is open at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from shared.contracts.products import Days, Hours, UsageRules
from shared.platforms.reasons import Reason

_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Slot:
    """The time that a ticket is for: a whole day, or hours that begin on it."""

    day: date
    hours: Hours | None = None


@dataclass(frozen=True, slots=True)
class Term:
    """What binds one coupon, beside the rules of its product. None does not restrict."""

    bought_at: datetime | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    slot: Slot | None = None


@dataclass(frozen=True, slots=True)
class Use:
    """`times` uses at one moment; `earlier` are the moments of each use that stands."""

    moment: datetime
    store_id: str
    time_zone: str
    earlier: Sequence[datetime] = ()
    times: int = 1


def why_not(rules: UsageRules, term: Term, use: Use) -> Reason | None:
    """The first thing that speaks against it, the most final one first; None: it is usable."""
    if rules.store_ids is not None and use.store_id not in rules.store_ids:
        return Reason.WRONG_STORE
    if term.valid_from is not None and use.moment < term.valid_from:
        return Reason.NOT_YET_VALID
    if term.valid_to is not None and use.moment >= term.valid_to:
        return Reason.EXPIRED
    wall = _wall(use.moment, use.time_zone)
    day = _service_day(rules.hours, wall)
    return (
        _against_dates(rules, term, use, day or wall.date())
        or (Reason.NOT_THIS_HOUR if day is None else None)
        or _against_slot(term.slot, wall)
        or _over_limits(rules, use, day or wall.date())
    )


def _against_dates(rules: UsageRules, term: Term, use: Use, day: date) -> Reason | None:
    if rules.dates is not None and day > rules.dates.last:
        return Reason.EXPIRED
    if rules.days_after_purchase is not None and term.bought_at is not None:
        bought_on = _wall(term.bought_at, use.time_zone).date()
        if day >= bought_on + rules.days_after_purchase * _DAY:
            return Reason.EXPIRED
    if rules.dates is not None and day < rules.dates.first:
        return Reason.NOT_YET_VALID
    if rules.weekdays and day.isoweekday() not in rules.weekdays:
        return Reason.NOT_TODAY
    if any(_within(day, blackout) for blackout in rules.blackouts):
        return Reason.NOT_TODAY
    return None


def _against_slot(slot: Slot | None, wall: datetime) -> Reason | None:
    if slot is None:
        return None
    fits = _covers(slot.hours, slot.day, wall) if slot.hours else wall.date() == slot.day
    return None if fits else Reason.WRONG_SLOT


def _over_limits(rules: UsageRules, use: Use, day: date) -> Reason | None:
    limited = rules.uses_per_day is not None or rules.uses_per_period is not None
    if not limited:
        return None
    days = [_day_of(rules.hours, _wall(moment, use.time_zone)) for moment in use.earlier]
    if rules.uses_per_day is not None and days.count(day) + use.times > rules.uses_per_day:
        return Reason.USED_UP_TODAY
    if rules.uses_per_period is None or rules.period_days is None:
        return None
    first = day - (rules.period_days - 1) * _DAY
    within = sum(first <= each <= day for each in days)
    return Reason.USED_UP_IN_PERIOD if within + use.times > rules.uses_per_period else None


def _day_of(hours: Sequence[Hours], wall: datetime) -> date:
    return _service_day(hours, wall) or wall.date()


def _service_day(hours: Sequence[Hours], wall: datetime) -> date | None:
    """The day whose hours it is, today's before yesterday's; None outside of all hours."""
    today = wall.date()
    if not hours:
        return today
    for day in (today, today - _DAY):
        if any(_covers(each, day, wall) for each in hours):
            return day
    return None


def _covers(hours: Hours, day: date, wall: datetime) -> bool:
    """Whether these hours, begun on that day, are on; an end not after the start is next day's."""
    ends_on = day if hours.end > hours.start else day + _DAY
    return _at(day, hours.start) <= wall < _at(ends_on, hours.end)


def _within(day: date, days: Days) -> bool:
    return days.first <= day <= days.last


def _at(day: date, clock: time) -> datetime:
    return datetime.combine(day, clock)


def _wall(moment: datetime, time_zone: str) -> datetime:
    return moment.astimezone(_zone(time_zone)).replace(tzinfo=None)


@lru_cache(maxsize=256)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
