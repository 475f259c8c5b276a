"""What this service is told by its environment."""

from collections.abc import Mapping
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
    # Sooner than intake gives up waiting for us (QIAO_INTAKE_QUICK_ANSWER_SECONDS).
    catalog_give_up_seconds: float = Field(default=1.2, gt=0)
    catalog_deciders: int = Field(default=1, ge=1, le=8)

    intake_url: str = "http://127.0.0.1:7001"
    douyin_base_url: str = "https://open.douyin.com"
    # How often it is looked for products that a platform does not have as they are wanted.
    catalog_sync_seconds: float = Field(default=0.5, ge=0.02)
    # A push that takes longer belongs to a process that died: the platform is read before another.
    catalog_sync_lease_seconds: float = Field(default=60.0, ge=1)
    # After a failure that may pass; each one doubles it, up to five minutes.
    catalog_retry_seconds: float = Field(default=2.0, gt=0)
    catalog_audit_poll_seconds: float = Field(default=60.0, gt=0)
    # How often each product is read back, to find what was changed behind our back.
    catalog_read_back_seconds: float = Field(default=900.0, gt=0)
    # Stock of one product goes to its platform this often at most.
    catalog_stock_pause_seconds: float = Field(default=3.0, ge=0)
    # Whether a platform has found a store; it says so too, unless its message is lost.
    catalog_match_poll_seconds: float = Field(default=300.0, gt=0)
    # Of all calls about goods by one application.
    catalog_goods_calls_per_second: float = Field(default=10.0, gt=0)

    @property
    def base_urls(self) -> Mapping[str, str]:
        """By platform name."""
        return {"douyin": self.douyin_base_url}

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.catalog_time_zone)

    @property
    def pay_within(self) -> timedelta:
        return timedelta(seconds=self.catalog_pay_seconds)

    @property
    def release_after(self) -> timedelta:
        return timedelta(seconds=self.catalog_release_after_seconds)
