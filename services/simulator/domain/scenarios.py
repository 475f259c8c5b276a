"""What a scenario file may say; whoever plays it reads it over HTTP."""

from collections.abc import Sequence
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Product(_Part):
    title_zh: str
    price_fen: int = Field(ge=0)
    # Below the price where there is a discount.
    pay_fen: int = Field(ge=0)
    coupons_per_order: int = Field(ge=1, le=20)
    groupon_type: int = Field(ge=1, le=3)
    # How often it is bought, beside the others.
    weight: Positive


class Phase(_Part):
    """A share of the run's time, and how fast orders or redemptions come in it, relatively."""

    name: str
    duration_share: Share
    relative_rate: float = Field(ge=0)


class Refunds(_Part):
    share_of_coupons: Share
    # When customers ask, as a share of the run's time after they paid.
    earliest_share: Share
    latest_share: Share


class Redemptions(_Part):
    share_of_coupons: Share
    curve: Sequence[Phase]
    # Of the redemptions, how many are taken back by the clerk.
    cancel_share: Share
    # Of the redemptions, how many are scanned a second time.
    rescan_share: Share


class OtherEvent(_Part):
    event: str
    content: dict[str, object]
    per_thousand_orders: float = Field(ge=0)


class Scenario(_Part):
    name: str
    title_zh: str
    title_en: str
    # How long it lasts by itself; a player may stretch or squeeze it.
    duration_seconds: Positive
    orders: int = Field(ge=1)
    unpaid_share: Share
    multi_coupon_share: Share
    products: Sequence[Product]
    stores: Sequence[str]
    arrivals: Sequence[Phase]
    refunds: Refunds
    redemptions: Redemptions
    other_events: Sequence[OtherEvent] = ()

    @model_validator(mode="after")
    def _phases_fill_the_time(self) -> Self:
        for phases in (self.arrivals, self.redemptions.curve):
            if abs(sum(phase.duration_share for phase in phases) - 1) > 1e-6:  # noqa: PLR2004
                message = f"{self.name}: duration_share must add up to 1"
                raise ValueError(message)
        return self
