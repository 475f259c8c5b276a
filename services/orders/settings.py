"""What this service is told by its environment."""

from collections.abc import Mapping
from datetime import timedelta

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.contracts.products import RefundDecision, RefundRules
from shared.runtime import CommonSettings


class Settings(CommonSettings):
    model_config = SettingsConfigDict(env_prefix="QIAO_", frozen=True, extra="ignore")

    orders_port: int = Field(default=7002, ge=0, le=65535)
    intake_url: str = "http://127.0.0.1:7001"
    redemption_url: str = "http://127.0.0.1:7003"
    douyin_base_url: str = "https://open.douyin.com"

    # How often each merchant's changed orders are read back from its platform.
    orders_poll_seconds: float = Field(default=5.0, ge=0.1)
    # How far each reading goes back before the end of the last one.
    orders_poll_overlap_seconds: float = Field(default=60.0, ge=0)
    # The wider net, for what the platform itself was late to show.
    orders_sweep_seconds: float = Field(default=600.0, ge=1)
    orders_sweep_hours: float = Field(default=48.0, gt=0)
    # The platform's quota is per application: divide it where several workers run.
    orders_queries_per_second: float = Field(default=20.0, gt=0)
    # How long an order may be incomplete before the platform is asked about it alone.
    orders_read_back_after_seconds: float = Field(default=30.0, ge=0)

    # What to do with refunds of orders whose product we do not know: allow, ask or refuse.
    orders_refund_before_use: RefundDecision = RefundDecision.ALLOW
    orders_refund_after_expiry: RefundDecision = RefundDecision.ALLOW
    orders_refund_partly_used: RefundDecision = RefundDecision.ASK
    # Douyin passes an unanswered refund by itself; its documents say 24 h here and 72 h there.
    orders_douyin_refund_passes_hours: float = Field(default=24.0, gt=0, le=720)
    # How long before that a person is called.
    orders_refund_due_soon_hours: float = Field(default=4.0, ge=0)
    # How often what is due is looked for.
    orders_refund_tick_seconds: float = Field(default=1.0, ge=0.05)

    @property
    def default_refund_rules(self) -> RefundRules:
        return RefundRules(
            before_use=self.orders_refund_before_use,
            after_expiry=self.orders_refund_after_expiry,
            partly_used=self.orders_refund_partly_used,
        )

    @property
    def refund_passes_after(self) -> Mapping[str, timedelta]:
        """By platform name."""
        return {"douyin": timedelta(hours=self.orders_douyin_refund_passes_hours)}

    @property
    def refund_due_soon(self) -> timedelta:
        return timedelta(hours=self.orders_refund_due_soon_hours)

    @property
    def base_urls(self) -> Mapping[str, str]:
        """By platform name."""
        return {"douyin": self.douyin_base_url}

    @property
    def read_back_after(self) -> timedelta:
        return timedelta(seconds=self.orders_read_back_after_seconds)
