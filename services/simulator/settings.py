from pathlib import Path
from typing import Self

from pydantic import Field, PositiveInt, model_validator

from shared.runtime import CommonSettings


class Settings(CommonSettings):
    # Not QIAO_HOST: whoever opens the other services to a network does not mean this one.
    simulator_host: str = "127.0.0.1"
    simulator_port: int = Field(default=7009, ge=0, le=65535)
    # A second listener, for clients that insist on https.
    simulator_tls_port: int | None = Field(default=None, ge=0, le=65535)
    simulator_tls_certificate: Path | None = None
    simulator_tls_key: Path | None = None

    simulator_token_seconds: PositiveInt = 7200
    simulator_token_overlap_seconds: int = Field(default=300, ge=0)
    simulator_token_fetches_max: PositiveInt = 500
    simulator_token_fetch_window_seconds: PositiveInt = 300

    # The life cycle; `PUT /sim/v1/pace` changes it at run time.
    simulator_preparation_seconds: int = Field(default=600, ge=1)
    simulator_cancel_window_seconds: int = Field(default=3600, ge=0)
    simulator_refund_seconds: float = Field(default=30, ge=0)
    simulator_settle_seconds: float = Field(default=7200, ge=0)
    simulator_unpaid_seconds: float = Field(default=1800, ge=0)
    simulator_coupon_seconds: int = Field(default=30 * 86400, ge=1)

    # Calls a second of one app; `PUT /sim/v1/pace` changes them at run time.
    simulator_prepare_per_second: PositiveInt = 200
    simulator_verify_record_per_second: PositiveInt = 100
    simulator_order_query_per_second: PositiveInt = 20

    simulator_webhook_timeout_seconds: float = Field(default=5, gt=0)
    simulator_webhook_tries: PositiveInt = 3
    simulator_webhook_retry_seconds: float = Field(default=5, ge=0)
    simulator_webhook_senders: int = Field(default=64, ge=1, le=1000)

    simulator_spi_timeout_seconds: float = Field(default=8, gt=0)
    simulator_spi_senders: int = Field(default=64, ge=1, le=1000)
    simulator_retry_scale: float = Field(default=1, ge=0, le=10)
    simulator_issue_seconds: float = Field(default=600, ge=0)
    simulator_audit_seconds: float = Field(default=86_400, ge=0)
    simulator_mini_audit_seconds: float = Field(default=259_200, ge=0)
    simulator_status_check_seconds: float = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _tls_is_whole(self) -> Self:
        parts = (self.simulator_tls_port, self.simulator_tls_certificate, self.simulator_tls_key)
        if any(part is not None for part in parts) and None in parts:
            message = "simulator_tls_port, _certificate and _key belong together"
            raise ValueError(message)
        return self
