"""Calls to the platforms: tokens from intake, a fair share of the quota, times measured."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import aiohttp
import structlog
from prometheus_client import Histogram

from services.redemption.settings import Endpoint
from shared.clock import utc_now
from shared.errors import Rejection, Unavailable
from shared.platforms.client import PlatformClient
from shared.platforms.outcomes import OutcomeUnknown, Refused, Retry
from shared.platforms.rate import FairLimiter, Priority
from shared.platforms.reasons import Reason
from shared.platforms.registry import platform_named
from shared.platforms.tokens import digest_of
from shared.web.client import ServiceClient

_RENEW_BEFORE = timedelta(minutes=2)
# Intake may have replaced it meanwhile, which the platform bears for five minutes.
_TRUST_FOR = timedelta(minutes=4)
# A quota wait that ends in nothing costs the customer at the counter this long at most.
_WAITING_MAX = 2_000
_WAITING_PER_STORE_MAX = 64
_BACK_OFF_SECONDS = 0.2

PLATFORM_SECONDS = Histogram(
    "qiao_redemption_platform_seconds",
    "Time of one call to a platform",
    ["call", "ending"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5),
)
QUOTA_SECONDS = Histogram(
    "qiao_redemption_quota_wait_seconds",
    "Time a call waited for its share of the platform's quota",
    buckets=(0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5),
)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Granted:
    value: str
    client_key: str
    account_id: str | None
    good_until: datetime


class MerchantTokens:
    """One merchant's access token at one platform, as intake hands it out."""

    def __init__(self, intake: ServiceClient, *, merchant: str, platform: str) -> None:
        self._intake = intake
        self._merchant = merchant
        self._platform = platform
        self._granted: Granted | None = None
        self._asking = asyncio.Lock()

    async def token(self, *, rejected: str | None = None) -> str:
        """Raises Retry while intake is away, Refused if it knows no application to ask with."""
        return (await self.grant(rejected=rejected)).value

    async def grant(self, *, rejected: str | None = None) -> Granted:
        granted = self._granted
        if granted is not None and granted.value != rejected and self._lives(granted):
            return granted
        async with self._asking:
            granted = self._granted
            # Whoever had the lock before us may have brought it.
            if granted is None or granted.value == rejected or not self._lives(granted):
                granted = self._granted = await self._ask(rejected)
            return granted

    @staticmethod
    def _lives(granted: Granted) -> bool:
        return granted.good_until > utc_now()

    async def _ask(self, rejected: str | None) -> Granted:
        body = {"merchant": self._merchant, "platform": self._platform}
        if rejected is not None:
            body["rejected_digest"] = digest_of(rejected)
        try:
            answer = await self._intake.call("POST", "/v1/platform-tokens", body=body)
        except Rejection as rejection:
            log.warning("platform_token_refused", merchant=self._merchant, reason=rejection.reason)
            raise Refused(str(rejection), reason=Reason.APP_NOT_AUTHORISED) from rejection
        except Unavailable as outage:
            log.warning("platform_token_delayed", merchant=self._merchant)
            raise Retry(
                "no access token for the platform at hand", reason=Reason.PLATFORM_UNREACHABLE
            ) from outage
        return Granted(
            answer["access_token"],
            answer["client_key"],
            answer.get("account_id"),
            min(
                datetime.fromisoformat(answer["expires_at"]) - _RENEW_BEFORE,
                utc_now() + _TRUST_FOR,
            ),
        )


@dataclass(frozen=True, slots=True)
class Counter:
    """One merchant at one platform: its client, its account, its application's quota."""

    client: PlatformClient
    account_id: str | None
    quota: "Quota"

    @asynccontextmanager
    async def turn(
        self, call: str, store_id: str, *, priority: Priority = Priority.COUNTER
    ) -> AsyncIterator[None]:
        """Make one call inside: it waits for this store's turn and is measured.

        Raises Retry if the turn does not come in time.
        """
        await self.quota.wait(call, store_id, priority=priority)
        async with timed(call):
            try:
                yield
            except Retry as busy:
                if busy.reason is Reason.PLATFORM_BUSY and busy.code is not None:
                    self.quota.slow_down(call)
                raise


class Quota:
    """What the platform grants one application a second, of each call, shared out by store."""

    def __init__(self, *, calls_per_second: float, wait_seconds: float) -> None:
        self._calls_per_second = calls_per_second
        self._wait_seconds = wait_seconds
        self._limiters: dict[str, FairLimiter] = {}

    async def wait(self, call: str, store_id: str, *, priority: Priority) -> None:
        started = time.perf_counter()
        try:
            await self._limiter(call).acquire(store_id, priority=priority)
        except Unavailable as busy:
            raise Retry(str(busy), reason=Reason.PLATFORM_BUSY, retry_after_seconds=2) from busy
        finally:
            QUOTA_SECONDS.observe(time.perf_counter() - started)

    def slow_down(self, call: str) -> None:
        """The platform says that we are too fast, whatever we counted."""
        self._limiter(call).back_off(_BACK_OFF_SECONDS)

    def _limiter(self, call: str) -> FairLimiter:
        if call not in self._limiters:
            self._limiters[call] = FairLimiter(
                rate_per_second=self._calls_per_second,
                burst=max(1, int(self._calls_per_second / 10)),
                max_wait_seconds=self._wait_seconds,
                max_waiting=_WAITING_MAX,
                max_waiting_per_key=_WAITING_PER_STORE_MAX,
            )
        return self._limiters[call]


class Gateway:
    """The way out to the platforms for all merchants."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        intake: ServiceClient,
        endpoints: Mapping[str, Endpoint],
        *,
        calls_per_second: float,
        quota_wait_seconds: float,
    ) -> None:
        self._session = session
        self._intake = intake
        self._endpoints = endpoints
        self._calls_per_second = calls_per_second
        self._quota_wait_seconds = quota_wait_seconds
        self._tokens: dict[tuple[str, str], MerchantTokens] = {}
        self._clients: dict[tuple[str, str], PlatformClient] = {}
        self._quotas: dict[tuple[str, str], Quota] = {}

    def origins(self, platform: str) -> tuple[str, ...]:
        return self._endpoints[platform].short_link_origins

    async def counter(self, *, merchant: str, platform: str) -> Counter:
        """Raises Retry or Refused if no token can be had; nothing was asked then."""
        key = (platform, merchant)
        if key not in self._clients:
            self._open(key)
        granted = await self._tokens[key].grant()
        quota = self._quotas.setdefault(
            (platform, granted.client_key),
            Quota(calls_per_second=self._calls_per_second, wait_seconds=self._quota_wait_seconds),
        )
        return Counter(self._clients[key], granted.account_id, quota)

    def _open(self, key: tuple[str, str]) -> None:
        platform, merchant = key
        endpoint = self._endpoints[platform]
        self._tokens[key] = MerchantTokens(self._intake, merchant=merchant, platform=platform)
        self._clients[key] = platform_named(platform).new_client(
            self._session,
            tokens=self._tokens[key],
            base_url=endpoint.base_url,
            short_link_origins=endpoint.short_link_origins,
        )


@asynccontextmanager
async def timed(call: str) -> AsyncIterator[None]:
    """Measure one call to the platform, and how it ended."""
    started = time.perf_counter()
    ending = "cancelled"
    try:
        yield
        ending = "answered"
    except Refused:
        ending = "refused"
        raise
    except Retry:
        ending = "retry"
        raise
    except OutcomeUnknown:
        ending = "unknown"
        raise
    finally:
        PLATFORM_SECONDS.labels(call, ending).observe(time.perf_counter() - started)
