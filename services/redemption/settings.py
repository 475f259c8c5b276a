"""What this service is told by its environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.runtime import CommonSettings


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a platform's OpenAPI is, and whose short links may be asked where they lead."""

    base_url: str
    short_link_origins: tuple[str, ...]


class Settings(CommonSettings):
    model_config = SettingsConfigDict(env_prefix="QIAO_", frozen=True, extra="ignore")

    redemption_port: int = Field(default=7003, ge=0, le=65535)
    intake_url: str = "http://127.0.0.1:7001"
    douyin_base_url: str = "https://open.douyin.com"
    # Separated by commas.
    douyin_short_link_origins: str = "https://v.douyin.com"

    # The platform's quota is per application: divide it where several workers run.
    redemption_calls_per_second: float = Field(default=200, gt=0)
    redemption_quota_wait_seconds: float = Field(default=3.0, gt=0, le=10)
    redemption_preparation_minutes: int = Field(default=10, ge=1, le=60)
    # How long a repeated request waits for the answer of the first one.
    redemption_answer_wait_seconds: float = Field(default=4.0, gt=0, le=20)
    # Unknown typed codes within a minute, after which typing pauses.
    redemption_wrong_codes_per_terminal: int = Field(default=10, ge=1)
    redemption_wrong_codes_per_store: int = Field(default=40, ge=1)
    # Unknown codes of ours that begin alike, within an hour.
    redemption_wrong_codes_per_prefix: int = Field(default=20, ge=1)
    # Reports of our own codes: the platform grants calls_per_second, and tills come first.
    redemption_reports_per_second: float = Field(default=100, gt=0)
    # What to do with a redemption that the platform turns down afterwards, a second after it
    # refunded the coupon, say: the goods are gone (keep), or the redemption is (take_back).
    redemption_disputes: Literal["keep", "take_back"] = "keep"

    @property
    def endpoints(self) -> Mapping[str, Endpoint]:
        """By platform name."""
        origins = self.douyin_short_link_origins.split(",")
        return {
            "douyin": Endpoint(
                self.douyin_base_url,
                tuple(origin.strip().rstrip("/") for origin in origins if origin.strip()),
            )
        }
