"""Calls another of our services, with a token that is fetched anew before it expires."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import orjson

from shared.errors import Rejection, Unavailable

_CONNECT_SECONDS = 2.0
_TOTAL_SECONDS = 10.0
_RENEW_BEFORE_SECONDS = 60.0
_OK = range(200, 300)


class Credentials:
    """Client credentials at the access service, and the token they gave last."""

    def __init__(self, access_url: str, *, client_id: str, client_secret: str) -> None:
        self._url = f"{access_url}/v1/token"
        self._body = {
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": client_secret,
        }
        self._lock = asyncio.Lock()
        self._token = ""
        self._renew_at = 0.0

    async def token(self, session: aiohttp.ClientSession) -> str:
        """Raises Unavailable while access is away, Rejection if it refuses."""
        async with self._lock:
            now = asyncio.get_running_loop().time()
            if now >= self._renew_at:
                answer = await call(session, "POST", self._url, body=self._body)
                self._token = answer["access_token"]
                self._renew_at = now + answer["expires_in"] - _RENEW_BEFORE_SECONDS
            return self._token

    def forget(self) -> None:
        self._renew_at = 0.0


class ServiceClient:
    """JSON over HTTP to one base URL as one principal."""

    def __init__(
        self, session: aiohttp.ClientSession, base_url: str, credentials: Credentials
    ) -> None:
        self._session = session
        self._base_url = base_url
        self._credentials = credentials

    async def call(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        query: Mapping[str, str] | None = None,
    ) -> Any:
        """Any: the JSON of the answer. Raises Rejection (4xx) or Unavailable (5xx, no answer)."""
        try:
            return await self._call(method, path, body, query)
        except Rejection as rejection:
            if rejection.status != 401:  # noqa: PLR2004 - a token revoked or signed with an old key
                raise
            self._credentials.forget()
            return await self._call(method, path, body, query)

    async def _call(
        self, method: str, path: str, body: object, query: Mapping[str, str] | None
    ) -> Any:
        token = await self._credentials.token(self._session)
        return await call(
            self._session, method, self._base_url + path, body=body, query=query, token=token
        )


async def call(
    session: aiohttp.ClientSession,
    method: str,
    url: str,
    *,
    body: object = None,
    query: Mapping[str, str] | None = None,
    token: str | None = None,
) -> Any:
    """One request; raises Rejection with the callee's reason, or Unavailable."""
    headers = {"Content-Type": "application/json"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    data = None if body is None else orjson.dumps(body)
    try:
        async with session.request(
            method, url, data=data, params=query, headers=headers
        ) as response:
            raw = await response.read()
            return _answer(response.status, raw, url)
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        message = f"{url} did not answer: {type(error).__name__}"
        raise Unavailable(message) from error


def _answer(status: int, raw: bytes, url: str) -> Any:
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        body = {}
    if status in _OK:
        return body
    reason, detail = body.get("reason", "unexpected"), body.get("detail", "")
    if status >= 500:  # noqa: PLR2004 - the callee's fault or outage: asking again may help
        message = f"{url} answered {status}: {reason} {detail}"
        raise Unavailable(message)
    rejection = Rejection(detail or f"{url} answered {status}", reason=reason)
    rejection.status = status
    raise rejection


@asynccontextmanager
async def client_session() -> AsyncIterator[aiohttp.ClientSession]:
    timeout = aiohttp.ClientTimeout(total=_TOTAL_SECONDS, connect=_CONNECT_SECONDS)
    connector = aiohttp.TCPConnector(limit=200)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
        yield session
