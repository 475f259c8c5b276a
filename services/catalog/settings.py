"""What this service is told by its environment."""

from datetime import timedelta
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field

from shared.runtime import CommonSettings


def _is_time_zone(name: str) -> str:
    if name not in available_timezones():
        message = "must be an IANA time zone such as Asia/Shanghai"
        raise ValueError(message)
    return name


class Settings(CommonSettings):
    catalog_port: int = Field(default=7005, ge=0, le=65535)
    # By whose calendar days and validities begin.
    catalog_time_zone: Annotated[str, AfterValidator(_is_time_zone)] = "Asia/Shanghai"

    # How long stock is held for an order that is not paid.
    catalog_pay_seconds: float = Field(default=900.0, ge=1)
    # How much longer it waits for news of a payment in time.
    catalog_release_after_seconds: float = Field(default=60.0, ge=0)
    catalog_release_every_seconds: float = Field(default=1.0, ge=0.05)

    # Orders that wait for a decision; more are told to ask again.
    catalog_queue_max: int = Field(default=5000, ge=1)
    # One commit decides so many at most.
    catalog_batch_max: int = Field(default=500, ge=1, le=5000)
    # A platform waits a second or two; an answer after that helps nobody.
    catalog_give_up_seconds: float = Field(default=1.5, gt=0)
    catalog_deciders: int = Field(default=1, ge=1, le=8)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.catalog_time_zone)

    @property
    def pay_within(self) -> timedelta:
        return timedelta(seconds=self.catalog_pay_seconds)

    @property
    def release_after(self) -> timedelta:
        return timedelta(seconds=self.catalog_release_after_seconds)
