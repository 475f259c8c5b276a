"""Calls platforms about goods, with access tokens that intake hands out, merchants in turn."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

import aiohttp

from shared.clock import utc_now
from shared.errors import Rejection
from shared.platforms.goods import GoodsClient
from shared.platforms.rate import FairLimiter, Priority
from shared.platforms.registry import platform_named
from shared.platforms.tokens import digest_of
from shared.web.client import ServiceClient

_RENEW_BEFORE = timedelta(minutes=1)
# Intake holds the token too: asking it now and then tells of another application or account.
_TRUSTED_FOR = timedelta(minutes=5)
_WAIT_FOR_TURN_SECONDS = 20.0
_NOT_FOUND = 404


class NoApplication(Rejection):
    """The merchant has no application or no account at this platform: nobody can ask."""

    reason = "no_application"


class Turn(NamedTuple):
    """One call may be made now."""

    client: GoodsClient
    account_id: str


class Gateway:
    """One client per merchant and platform; one quota per application."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        intake: ServiceClient,
        *,
        base_urls: Mapping[str, str],
        calls_per_second: float,
    ) -> None:
        self._session = session
        self._intake = intake
        self._base_urls = base_urls
        self._calls_per_second = calls_per_second
        self._applications: dict[tuple[str, str], _Application] = {}
        self._limiters: dict[tuple[str, str], FairLimiter] = {}

    async def turn(self, merchant: str, platform: str) -> Turn:
        """Wait for the merchant's turn.

        Raises NoApplication, another Rejection, or Unavailable; nothing was asked then.
        """
        application = self._applications.get((merchant, platform))
        if application is None:
            application = _Application(self._intake, merchant, platform)
            self._applications[merchant, platform] = application
        await application.token()
        if application.account_id is None:
            raise NoApplication("nobody has named the merchant's account at the platform")
        limiter = self._limiter(platform, application.client_key)
        await limiter.acquire(merchant, priority=Priority.BACKGROUND)
        adapter = platform_named(platform)
        client = adapter.new_goods_client(
            self._session,
            tokens=application,
            base_url=self._base_urls.get(platform, adapter.default_base_url),
        )
        return Turn(client, application.account_id)

    def _limiter(self, platform: str, client_key: str) -> FairLimiter:
        limiter = self._limiters.get((platform, client_key))
        if limiter is None:
            limiter = self._limiters[platform, client_key] = FairLimiter(
                rate_per_second=self._calls_per_second,
                burst=max(1, int(self._calls_per_second)),
                max_wait_seconds=_WAIT_FOR_TURN_SECONDS,
            )
        return limiter


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
