"""Asks platforms about orders and answers their refunds; has redemption lock coupons.

Access tokens of platforms are handed out by intake.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import quote

import aiohttp

from shared.clock import utc_now
from shared.contracts.asks import LockAnswer, LockAsk
from shared.errors import Rejection
from shared.platforms.answers import OrderPage
from shared.platforms.client import PlatformClient
from shared.platforms.rate import FairLimiter, Priority
from shared.platforms.refunds import RefundVerdict
from shared.platforms.registry import platform_named
from shared.platforms.tokens import digest_of
from shared.web.client import ServiceClient

PAGE_SIZE = 100
_RENEW_BEFORE = timedelta(minutes=1)
# Intake holds the token too: asking it now and then tells of another application or account.
_TRUSTED_FOR = timedelta(minutes=5)
_WAIT_FOR_TURN_SECONDS = 20.0
_NOT_FOUND = 404


class NoApplication(Rejection):
    """The merchant has no application at this platform: there is nobody to ask as."""

    reason = "no_application"


class Gateway:
    """One client per merchant and platform; one quota per application."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        intake: ServiceClient,
        *,
        base_urls: Mapping[str, str],
        queries_per_second: float,
    ) -> None:
        self._session = session
        self._intake = intake
        self._base_urls = base_urls
        self._queries_per_second = queries_per_second
        self._applications: dict[tuple[str, str], _Application] = {}
        self._limiters: dict[tuple[str, str], FairLimiter] = {}

    async def changed_orders(
        self,
        merchant: str,
        platform: str,
        *,
        account_id: str | None,
        changed_from: datetime,
        changed_to: datetime,
        cursor: str | None,
        priority: Priority,
    ) -> OrderPage:
        """One page of what changed. Raises NoApplication, another Rejection, or Unavailable."""
        client, account = await self._turn(merchant, platform, account_id, priority)
        return await client.order_query(
            account_id=account,
            updated_from=changed_from,
            updated_to=changed_to,
            cursor=cursor,
            page_size=PAGE_SIZE,
        )

    async def one_order(
        self, merchant: str, platform: str, *, account_id: str | None, order_id: str
    ) -> OrderPage:
        client, account = await self._turn(merchant, platform, account_id, Priority.COUNTER)
        return await client.order_query(account_id=account, order_id=order_id)

    async def answer_refund(
        self, merchant: str, platform: str, *, account_id: str | None, verdict: RefundVerdict
    ) -> None:
        """Raises NoApplication, Refused or another Rejection, Unavailable, or OutcomeUnknown."""
        client, account = await self._turn(merchant, platform, account_id, Priority.COUNTER)
        await client.answer_refund(verdict, account_id=account)

    async def _turn(
        self, merchant: str, platform: str, account_id: str | None, priority: Priority
    ) -> tuple[PlatformClient, str]:
        application = self._applications.get((merchant, platform))
        if application is None:
            application = _Application(self._intake, merchant, platform)
            self._applications[merchant, platform] = application
        await application.token()
        account = account_id or application.account_id
        if account is None:
            raise NoApplication("nobody has named the merchant's account at the platform")
        await self._limiter(platform, application.client_key).acquire(merchant, priority=priority)
        adapter = platform_named(platform)
        client = adapter.new_client(
            self._session,
            tokens=application,
            base_url=self._base_urls.get(platform, adapter.default_base_url),
            short_link_origins=(),
        )
        return client, account

    def _limiter(self, platform: str, client_key: str) -> FairLimiter:
        limiter = self._limiters.get((platform, client_key))
        if limiter is None:
            limiter = self._limiters[platform, client_key] = FairLimiter(
                rate_per_second=self._queries_per_second,
                # Evenly: whoever counts calls by the second must never count one too many.
                burst=1,
                max_wait_seconds=_WAIT_FOR_TURN_SECONDS,
            )
        return limiter


class Locks:
    """Coupons that redemption keeps from being spent while a refund is decided."""

    def __init__(self, redemption: ServiceClient) -> None:
        self._redemption = redemption

    async def take(self, lock_id: str, ask: LockAsk) -> LockAnswer:
        """Asked again it is the same lock. Raises Rejection or Unavailable."""
        answer = await self._redemption.call(
            "PUT", _lock_path(lock_id), body=ask.model_dump(mode="json")
        )
        return LockAnswer.model_validate(answer)

    async def give_back(self, lock_id: str, *, merchant: str, platform: str) -> None:
        """One that is not held is none to give back. Raises Rejection or Unavailable."""
        query = {"merchant": merchant, "platform": platform}
        try:
            await self._redemption.call("DELETE", _lock_path(lock_id), query=query)
        except Rejection as rejection:
            if rejection.status != _NOT_FOUND:
                raise


def _lock_path(lock_id: str) -> str:
    return f"/v1/refund-locks/{quote(lock_id, safe='')}"


class _Application:
    """A TokenSource: the application by which a merchant's platform is asked."""

    def __init__(self, intake: ServiceClient, merchant: str, platform: str) -> None:
        self._intake = intake
        self._asked = {"merchant": merchant, "platform": platform}
        self._lock = asyncio.Lock()
        self._token = ""
        self._renew_at = utc_now()
        self.client_key = ""
        self.account_id: str | None = None

    async def token(self, *, rejected: str | None = None) -> str:
        async with self._lock:
            if rejected is not None and rejected == self._token:
                await self._fetch(self._asked | {"rejected_digest": digest_of(rejected)})
            elif utc_now() >= self._renew_at:
                await self._fetch(self._asked)
            return self._token

    async def _fetch(self, body: Mapping[str, str]) -> None:
        try:
            answer = await self._intake.call("POST", "/v1/platform-tokens", body=body)
        except Rejection as rejection:
            if rejection.status == _NOT_FOUND:
                raise NoApplication(str(rejection)) from rejection
            raise
        self._token = answer["access_token"]
        self.client_key = answer["client_key"]
        self.account_id = answer["account_id"]
        expires_at = datetime.fromisoformat(answer["expires_at"])
        self._renew_at = min(expires_at - _RENEW_BEFORE, utc_now() + _TRUSTED_FOR)
