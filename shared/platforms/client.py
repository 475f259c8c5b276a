"""The calls that every platform's client offers, and how to make one."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

import aiohttp

from shared.platforms.answers import (
    Cancellation,
    Coupon,
    CouponList,
    CouponToVerify,
    OrderPage,
    Preparation,
    RecordPage,
    Verification,
)
from shared.platforms.refunds import RefundVerdict
from shared.platforms.scans import EncryptedData, ShortLink, TypedCode
from shared.platforms.tokens import TokenKeeper, TokenSource


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

    async def report_codes(
        self,
        *,
        order_id: str,
        codes: Sequence[str],
        failure: str | None = None,
        account_id: str | None = None,
    ) -> None: ...

    async def certificate_get(
        self, encrypted_code: str, *, account_id: str | None = None
    ) -> Coupon: ...

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

    async def answer_refund(
        self, verdict: RefundVerdict, *, account_id: str | None = None
    ) -> None: ...


class ClientFactory(Protocol):
    def __call__(
        self,
        session: aiohttp.ClientSession,
        *,
        tokens: TokenSource,
        base_url: str,
        short_link_origins: Collection[str],
    ) -> PlatformClient: ...


class TokenKeeperFactory(Protocol):
    def __call__(
        self,
        session: aiohttp.ClientSession,
        *,
        base_url: str,
        client_key: str,
        client_secret: str,
    ) -> TokenKeeper: ...
