"""What intake is told by its environment."""

from pydantic import Field

from shared.runtime import CommonSettings

_MIB = 1024 * 1024


class Settings(CommonSettings):
    intake_port: int = Field(default=7001, ge=0, le=65535)
    douyin_base_url: str = "https://open.douyin.com"
    # Larger than any webhook the platform is known to send.
    intake_body_bytes_max: int = Field(default=256 * 1024, ge=1024, le=_MIB)
    # Deliveries that may wait for a commit; over either limit the answer is 503.
    intake_queue_max: int = Field(default=10_000, ge=1, le=1_000_000)
    intake_queue_bytes_max: int = Field(default=32 * _MIB, ge=_MIB)
    intake_batch_max: int = Field(default=500, ge=1, le=5000)
    # One writer makes the largest commits, and those cost the least; more help only where a commit
    # takes long and cores are idle.
    intake_writers: int = Field(default=1, ge=1, le=16)
    # The platform cuts the connection at 5 s; its retry is better than its doubt.
    intake_give_up_seconds: float = Field(default=4.0, gt=0, le=4.5)
    # A platform that asks waits 8 s, or 2 s where a buyer looks on; it hears from us before. The
    # owner of the matter has three quarters of it.
    intake_quick_answer_seconds: float = Field(default=1.5, gt=0, lt=2)
    intake_answer_seconds: float = Field(default=6.0, gt=0, lt=8)
    # Questions that may wait for one owner at once, and answers for a commit.
    intake_open_questions_max: int = Field(default=1000, ge=1, le=100_000)
    catalog_url: str = "http://127.0.0.1:7005"
    orders_url: str = "http://127.0.0.1:7002"
    redemption_url: str = "http://127.0.0.1:7003"
    # Older than the platform's three retries explain: flagged, never refused.
    intake_late_after_seconds: int = Field(default=3600, ge=1)
