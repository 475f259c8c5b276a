"""What a platform must offer, so that services need not know which one they speak with."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from shared.contracts.intake import PlatformDelivery
from shared.contracts.observations import Observation
from shared.platforms.answers import (
    Cancellation,
    CouponList,
    CouponToVerify,
    OrderPage,
    Preparation,
    RecordPage,
    Verification,
)
from shared.platforms.scans import EncryptedData, Scan, ShortLink, TypedCode

# Where a value sits inside an event's content: keys and list positions from the top.
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Webhook:
    """One delivery, read but not interpreted. `from_user_id` is personal."""

    event: str
    client_key: str | None
    from_user_id: str | None
    msg_id: str | None
    log_id: str | None
    content: Any


class PlatformClient(Protocol):
    """The platform's OpenAPI. Raises Refused, Retry, and (calls with effect) OutcomeUnknown."""

    async def resolve_short_link(self, link: ShortLink) -> EncryptedData: ...

    async def prepare(
        self, scan: EncryptedData | TypedCode, *, poi_id: str, account_id: str | None = None
    ) -> Preparation: ...

    async def verify(
        self,
        *,
        verify_token: str,
        poi_id: str,
        coupons: Sequence[CouponToVerify],
        order_id: str | None = None,
        account_id: str | None = None,
        repeated: bool = False,
    ) -> Verification: ...

    async def cancel(
        self,
        *,
        verify_id: str,
        coupon_id: str,
        cancel_token: str,
        order_id: str | None = None,
        account_id: str | None = None,
    ) -> Cancellation: ...

    async def cancel_batch(
        self,
        *,
        order_id: str,
        verify_ids: Sequence[str],
        cancel_token: str,
        account_id: str | None = None,
    ) -> Cancellation: ...

    async def certificate_get(
        self, encrypted_code: str, *, account_id: str | None = None
    ) -> CouponList: ...

    async def certificate_query(
        self,
        *,
        order_id: str | None = None,
        encrypted_code: str | None = None,
        account_id: str | None = None,
    ) -> CouponList: ...

    async def verify_record_query(
        self,
        *,
        account_id: str,
        poi_ids: Sequence[str] = (),
        start: datetime | None = None,
        end: datetime | None = None,
        cursor: str = "0",
        size: int = 20,
    ) -> RecordPage: ...

    async def order_query(
        self,
        *,
        account_id: str,
        order_id: str | None = None,
        updated_from: datetime | None = None,
        updated_to: datetime | None = None,
        cursor: str | None = None,
        page_size: int = 100,
    ) -> OrderPage: ...


class Platform(Protocol):
    """One content platform: its rules, its webhooks, its scan forms and its client."""

    name: str
    # How long after a redemption it may be taken back.
    cancel_window: timedelta
    # How long a verify token from prepare is trusted.
    preparation_lifetime: timedelta
    # How many certificate calls a second the platform grants one application.
    calls_per_second: int
    # How many orders one prepare/verify may spend coupons of, and how many coupons at once.
    coupons_per_call: int
    default_base_url: str
    default_short_link_origins: tuple[str, ...]

    def verify_webhook(
        self, headers: Mapping[str, str], raw: bytes, secrets: Sequence[str]
    ) -> bool:
        """Whether one of the live secrets signed these very bytes. `headers` ignores case."""
        ...

    def read_webhook(self, headers: Mapping[str, str], raw: bytes) -> Webhook:
        """Read the body strictly, or raise Unreadable. `headers` ignores case."""
        ...

    def handshake_answer(self, webhook: Webhook) -> bytes | None:
        """The body to answer at once if this is the platform's handshake."""
        ...

    def account_id(self, content: object) -> str | None:
        """The merchant's id at the platform, if the content names one."""
        ...

    def order_ids(self, content: object) -> tuple[str, ...]: ...

    def sent_at(self, content: object) -> datetime | None:
        """When the platform says the message arose."""
        ...

    def personal_fields(self, event: str, content: object) -> tuple[Path, ...]:
        """Where personal data sits in the content: paths of leaves, to be sealed."""
        ...

    def observations(self, delivery: PlatformDelivery) -> tuple[Observation, ...]:
        """Translate a delivery; nothing for events that say nothing about an order."""
        ...

    def parse_scan(self, text: str, *, short_link_origins: Collection[str]) -> Scan:
        """Understand what was scanned or typed, or raise a Rejection."""
        ...
