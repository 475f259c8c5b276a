"""Douyin's client token: two hours of life, and a new one soon kills the old ones."""

import asyncio
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import aiohttp

from shared.clock import utc_now
from shared.platforms.douyin.errors import Disposition, meaning_of_envelope
from shared.platforms.douyin.responses import TokenData
from shared.platforms.douyin.transport import Call, TimeLimits, envelope_of, exchange
from shared.platforms.outcomes import Refused, Retry
from shared.platforms.reasons import Reason
from shared.platforms.tokens import AccessToken, digest_of

CLIENT_TOKEN_PATH = "/oauth/client_token/"  # noqa: S105 - a path
# The same token for everybody while it lives: for several processes with one application.
STABLE_TOKEN_PATH = "/oauth/stable_client_token/"  # noqa: S105 - a path

# The platform keeps the latest two tokens alive for five minutes: time enough to change over.
REFRESH_AHEAD: Final = timedelta(minutes=4)
# The platform refuses after 500 in five minutes, for all processes of the application together.
MAX_FETCHES: Final = 30
FETCH_WINDOW: Final = timedelta(minutes=5)
_JSON = {"content-type": "application/json"}


class ClientTokenSource:
    """Fetches the token itself: one fetch at a time, ahead of expiry, never too often."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        base_url: str,
        client_key: str,
        client_secret: str,
        path: str = CLIENT_TOKEN_PATH,
        limits: TimeLimits | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._session = session
        self._base_url = base_url.rstrip("/")
        self._client_key = client_key
        self._client_secret = client_secret
        self._path = path
        self._limits = limits or TimeLimits()
        self._clock = clock
        self._held: AccessToken | None = None
        self._fetching = asyncio.Lock()
        self._fetches: deque[datetime] = deque()

    async def token(self, *, rejected: str | None = None) -> str:
        """Give a token; `rejected` is one that the platform has just turned away."""
        digest = None if rejected is None else digest_of(rejected)
        return (await self.access_token(rejected_digest=digest)).value

    async def access_token(self, *, rejected_digest: str | None = None) -> AccessToken:
        """The same with its expiry, and with the rejected token only named."""
        if self._held is not None and self._held.digest == rejected_digest:
            self._held = None
        held = self._living()
        if held is not None and (self._fetching.locked() or not self._ageing(held)):
            return held
        async with self._fetching:
            # Whoever had the lock before us may have brought it.
            held = self._living()
            if held is not None and not self._ageing(held):
                return held
            return await self._renewed(held)

    async def _renewed(self, held: AccessToken | None) -> AccessToken:
        try:
            self._held = await self._fetch()
        except (Retry, Refused):
            # An ageing token is still good; the next caller tries again.
            if held is None:
                raise
            return held
        return self._held

    def _living(self) -> AccessToken | None:
        held = self._held
        return held if held is not None and held.expires_at > self._clock() else None

    def _ageing(self, token: AccessToken) -> bool:
        return token.expires_at - self._clock() < REFRESH_AHEAD

    async def _fetch(self) -> AccessToken:
        self._count_fetch()
        call = Call(
            "POST",
            self._path,
            body={
                "client_key": self._client_key,
                "client_secret": self._client_secret,
                "grant_type": "client_credential",
            },
        )
        asked_at = self._clock()
        status, raw = await exchange(
            self._session, self._base_url, call, headers=_JSON, limits=self._limits
        )
        envelope = envelope_of(call, status, raw)
        meaning = meaning_of_envelope(envelope.code, has_effect=False)
        if meaning.disposition is Disposition.REFUSED:
            raise Refused(envelope.description, reason=meaning.reason, code=envelope.code)
        data = TokenData.read(envelope.data)
        if meaning.disposition is not Disposition.OK or data is None:
            raise Retry(envelope.description, reason=meaning.reason, code=envelope.code)
        return AccessToken(data.access_token, asked_at + timedelta(seconds=data.expires_in))

    def _count_fetch(self) -> None:
        now = self._clock()
        while self._fetches and now - self._fetches[0] >= FETCH_WINDOW:
            self._fetches.popleft()
        if len(self._fetches) >= MAX_FETCHES:
            wait = self._fetches[0] + FETCH_WINDOW - now
            raise Retry(
                f"{MAX_FETCHES} tokens within {FETCH_WINDOW}: something turns them away",
                reason=Reason.APP_NOT_AUTHORISED,
                retry_after_seconds=max(1, int(wait.total_seconds())),
            )
        self._fetches.append(now)
