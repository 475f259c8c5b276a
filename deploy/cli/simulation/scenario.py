"""A scenario as the simulator describes it, and how its curves become moments."""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate
from random import Random

from pydantic import BaseModel, ConfigDict


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Stretch(_Part):
    """One part of the time, and how busy it is beside the others."""

    name: str
    duration_share: float
    relative_rate: float


class Product(_Part):
    title_zh: str
    price_fen: int
    pay_fen: int
    coupons_per_order: int
    groupon_type: int
    weight: float


class Refunds(_Part):
    share_of_coupons: float
    earliest_share: float
    latest_share: float


class Redemptions(_Part):
    share_of_coupons: float
    curve: tuple[Stretch, ...]
    cancel_share: float
    rescan_share: float


class OtherEvent(_Part):
    event: str
    content: dict[str, object]
    per_thousand_orders: float


class Scenario(_Part):
    name: str
    title_zh: str
    title_en: str
    orders: int
    duration_seconds: float
    unpaid_share: float
    multi_coupon_share: float
    products: tuple[Product, ...]
    arrivals: tuple[Stretch, ...]
    refunds: Refunds
    redemptions: Redemptions
    other_events: tuple[OtherEvent, ...] = ()


class Curve:
    """Moments in [0, 1), dense where the curve is high."""

    def __init__(self, stretches: Sequence[Stretch]) -> None:
        self._starts = [0.0, *accumulate(part.duration_share for part in stretches)]
        weights = [part.duration_share * part.relative_rate for part in stretches]
        self._reached = list(accumulate(weights))

    def moment(self, random: Random) -> float:
        level = random.random() * self._reached[-1]
        part = bisect_left(self._reached, level)
        before = self._reached[part - 1] if part else 0.0
        within = (level - before) / (self._reached[part] - before)
        start, end = self._starts[part], self._starts[part + 1]
        return (start + within * (end - start)) / self._starts[-1]
