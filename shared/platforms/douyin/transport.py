"""One exchange with Douyin's OpenAPI over HTTP, and how it can fail."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn, TypeVar

import aiohttp
import orjson
from pydantic import ValidationError

from shared.clock import utc_now
from shared.platforms.douyin.envelope import Envelope, read_envelope
from shared.platforms.douyin.errors import Disposition, Meaning, meaning_of_envelope
from shared.platforms.douyin.fields import Shape
from shared.platforms.outcomes import OutcomeUnknown, Refused, Retry
from shared.platforms.reasons import Reason
from shared.platforms.tokens import TokenSource

MAX_ANSWER_BYTES = 4 << 20
RATE_LIMITED_STATUS = 429
FIRST_SERVER_ERROR_STATUS = 500

ShapeT = TypeVar("ShapeT", bound=Shape)


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """How long one call may take. The total must hold the connecting too."""

    connect_seconds: float = 1.0
    total_seconds: float = 3.0

    def for_aiohttp(self) -> aiohttp.ClientTimeout:
        return aiohttp.ClientTimeout(
            total=self.total_seconds,
            connect=self.connect_seconds,
            sock_connect=self.connect_seconds,
        )


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `has_effect` decides what a broken connection means."""

    method: str
    path: str
    has_effect: bool = False
    query: Sequence[tuple[str, str]] = ()
    body: Mapping[str, Any] | None = None
    account_id: str | None = None

    def fail(
        self, description: str, *, reason: Reason, code: int | None = None
    ) -> OutcomeUnknown | Retry:
        """What a failure means after the request may have arrived."""
        if self.has_effect:
            return OutcomeUnknown(description, reason=reason, code=code)
        return Retry(description, reason=reason, code=code)


class Transport:
    """Sends calls with a token, renews the token once if it is turned away, reads envelopes."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        base_url: str,
        tokens: TokenSource,
        limits: TimeLimits,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._session = session
        self._base_url = base_url.rstrip("/")
        self._tokens = tokens
        self._limits = limits
        self._clock = clock

    async def send(self, call: Call, shape: type[ShapeT]) -> tuple[ShapeT, datetime]:
        """The answer's data, and the platform's own time of it."""
        token = await self._tokens.token()
        envelope = await self._attempt(call, token)
        meaning = _meaning(call, envelope)
        if meaning.disposition is Disposition.TOKEN:
            token = await self._tokens.token(rejected=token)
            envelope = await self._attempt(call, token)
            meaning = _meaning(call, envelope)
        if meaning.disposition is not Disposition.OK:
            _raise(envelope, meaning)
        try:
            data = shape.model_validate(envelope.data)
        except ValidationError as error:
            raise _malformed(call, error) from None
        return data, envelope.now or self._clock()

    async def _attempt(self, call: Call, token: str) -> Envelope:
        headers = {"access-token": token, "content-type": "application/json"}
        if call.account_id:
            headers["Rpc-Transit-Life-Account"] = call.account_id
        status, raw = await exchange(
            self._session, self._base_url, call, headers=headers, limits=self._limits
        )
        return envelope_of(call, status, raw)


async def exchange(
    session: aiohttp.ClientSession,
    base_url: str,
    call: Call,
    *,
    headers: Mapping[str, str],
    limits: TimeLimits,
) -> tuple[int, bytes]:
    """Send and read within the limits. What was surely not sent is Retry, whatever the call."""
    try:
        async with session.request(
            call.method,
            f"{base_url}{call.path}",
            params=call.query,
            data=None if call.body is None else orjson.dumps(call.body),
            headers=headers,
            timeout=limits.for_aiohttp(),
            # A redirect would carry the token to wherever it points.
            allow_redirects=False,
        ) as response:
            return response.status, await _read_limited(response)
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
        raise Retry("the platform cannot be reached", reason=Reason.PLATFORM_UNREACHABLE) from None
    except TimeoutError:
        raise call.fail(
            f"no answer within {limits.total_seconds} s", reason=Reason.PLATFORM_UNREACHABLE
        ) from None
    except aiohttp.ClientError as error:
        raise call.fail(
            f"the connection broke: {type(error).__name__}", reason=Reason.PLATFORM_UNREACHABLE
        ) from None


async def _read_limited(response: aiohttp.ClientResponse) -> bytes:
    """The body, or nothing if it is larger than any answer can be: it then reads as malformed."""
    chunks = []
    size = 0
    async for chunk in response.content.iter_chunked(1 << 16):
        size += len(chunk)
        if size > MAX_ANSWER_BYTES:
            return b""
        chunks.append(chunk)
    return b"".join(chunks)


def envelope_of(call: Call, status: int, raw: bytes) -> Envelope:
    """Read the envelope. The platform answers 200 always: another status is not its own."""
    if status == RATE_LIMITED_STATUS:
        raise Retry("HTTP 429", reason=Reason.PLATFORM_BUSY)
    if status >= FIRST_SERVER_ERROR_STATUS:
        raise call.fail(f"HTTP {status}", reason=Reason.PLATFORM_BUSY)
    envelope = read_envelope(raw)
    if envelope is None:
        raise call.fail(
            f"HTTP {status} without a readable envelope", reason=Reason.UNKNOWN_PLATFORM_ERROR
        )
    return envelope


def _meaning(call: Call, envelope: Envelope) -> Meaning:
    return meaning_of_envelope(
        envelope.code, sub_code=envelope.sub_code, has_effect=call.has_effect
    )


def _raise(envelope: Envelope, meaning: Meaning) -> NoReturn:
    description = envelope.description or meaning.note
    match meaning.disposition:
        case Disposition.REFUSED:
            raise Refused(description, reason=meaning.reason, code=envelope.code)
        case Disposition.UNKNOWN_OUTCOME:
            raise OutcomeUnknown(description, reason=meaning.reason, code=envelope.code)
        case _:
            # Turned away at the gateway, for a token or for a quota: nothing was done.
            raise Retry(description, reason=meaning.reason, code=envelope.code)


def _malformed(call: Call, error: ValidationError) -> OutcomeUnknown | Retry:
    first = error.errors(include_input=False, include_url=False)[0]
    where = ".".join(str(step) for step in first["loc"])
    return call.fail(
        f"the answer to {call.path} is malformed at {where}: {first['msg']}",
        reason=Reason.UNKNOWN_PLATFORM_ERROR,
    )
