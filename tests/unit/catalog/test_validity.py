"""From when until when a coupon can be spent."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from services.catalog.domain.validity import validity
from shared.contracts.products import Days, UsageRules

_SHANGHAI = ZoneInfo("Asia/Shanghai")
# Past midnight in Shanghai: its calendar says the 23rd.
_BOUGHT = datetime(2026, 11, 22, 16, 30, tzinfo=UTC)
_DAY = date(2026, 12, 24)


@pytest.mark.parametrize(
    ("usage", "day", "slot", "begins", "ends"),
    [
        (UsageRules(), None, None, None, None),
        (
            UsageRules(dates=Days(first=_DAY, last=_DAY)),
            *(None, None, "2026-12-24T00:00:00+08:00", "2026-12-25T00:00:00+08:00"),
        ),
        (
            UsageRules(days_after_purchase=1),
            *(None, None, "2026-11-22T16:30:00+00:00", "2026-11-24T00:00:00+08:00"),
        ),
        (
            UsageRules(dates=Days(first=_DAY, last=date(2027, 1, 31))),
            *(_DAY, None, "2026-12-24T00:00:00+08:00", "2026-12-25T00:00:00+08:00"),
        ),
        (
            UsageRules(),
            *(_DAY, "09:00-12:30", "2026-12-24T09:00:00+08:00", "2026-12-24T12:30:00+08:00"),
        ),
        (
            UsageRules(),
            *(_DAY, "22:00 - 02:00", "2026-12-24T22:00:00+08:00", "2026-12-25T02:00:00+08:00"),
        ),
        (
            UsageRules(),
            *(_DAY, "上午场", "2026-12-24T00:00:00+08:00", "2026-12-25T00:00:00+08:00"),
        ),
    ],
)
def test_days_begin_at_the_store_s_midnight(
    usage: UsageRules, day: date | None, slot: str | None, begins: str | None, ends: str | None
) -> None:
    found = validity(usage, bought_at=_BOUGHT, day=day, slot=slot, zone=_SHANGHAI)
    expected = tuple(None if one is None else datetime.fromisoformat(one) for one in (begins, ends))
    assert found == expected


def test_the_last_days_of_the_calendar_do_no_harm() -> None:
    usage = UsageRules(dates=Days(first=date.max, last=date.max))
    begins, ends = validity(usage, bought_at=_BOUGHT, day=None, slot=None, zone=_SHANGHAI)
    assert begins is not None
    assert ends is not None
    assert validity(usage, bought_at=_BOUGHT, day=date.max, slot="22:00-02:00", zone=_SHANGHAI)
