"""Checks tokens offline: signature by the published keys, expiry, revocations heard of."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import aiohttp
import jwt
import structlog

from shared.clock import from_unix_seconds, utc_now
from shared.contracts.access import Revoked
from shared.contracts.envelope import filter_subject
from shared.errors import Unauthorized, Unavailable
from shared.messaging.background import background, pause
from shared.messaging.broker import Broker
from shared.messaging.follow import follow
from shared.platforms.reasons import GUIDANCE, Guidance, Reason
from shared.web.principal import AUDIENCE, ISSUER, Principal

_ALGORITHM = "EdDSA"
_REFRESH_SECONDS = 30.0
_RETRY_SECONDS = 0.5
_REQUEST_SECONDS = 3.0
_CLOCK_SKEW_SECONDS = 5
# Longer than any token lives.
_REMEMBER = timedelta(minutes=20)
# Checking a signature costs a third of a millisecond, and terminals send one token many times.
_CHECKED_MAX = 4096
_REVOCATIONS = tuple(filter_subject(f"{kind}.revoked") for kind in ("terminal", "staff", "client"))

log = structlog.get_logger()


class TokenRevoked(Unauthorized):
    """Of a terminal it says what the clerk should do: nothing at this screen helps."""

    reason = "token_revoked"

    def __init__(self, detail: str, guidance: Guidance | None) -> None:
        super().__init__(detail)
        self.guidance = guidance


class TokenVerifier:
    """The published keys and the revocations of the last minutes."""

    def __init__(self) -> None:
        self._keys: Mapping[str, jwt.PyJWK] = {}
        self._void_before: dict[str, datetime] = {}
        self._checked: dict[str, Principal] = {}
        self.refresh_wanted = asyncio.Event()

    @property
    def ready(self) -> bool:
        return bool(self._keys)

    def verify(self, token: str) -> Principal:
        """Raises Unauthorized, or Unavailable while no keys have been fetched yet."""
        principal = self._checked.get(token)
        if principal is None or principal.expires_at <= utc_now():
            principal = self._check(token)
            self._remember(token, principal)
        return self._unless_revoked(principal)

    def _remember(self, token: str, principal: Principal) -> None:
        """Keep what a signature said; the oldest goes first."""
        self._checked.pop(token, None)
        self._checked[token] = principal
        if len(self._checked) > _CHECKED_MAX:
            del self._checked[next(iter(self._checked))]

    def _check(self, token: str) -> Principal:
        try:
            claims = jwt.decode(
                token,
                self._key_of(token),
                algorithms=[_ALGORITHM],
                issuer=ISSUER,
                audience=AUDIENCE,
                leeway=_CLOCK_SKEW_SECONDS,
                options={"require": ["exp", "iat", "sub", "merchant", "actions"]},
            )
        except jwt.ExpiredSignatureError:
            message = "the token has expired: fetch a new one"
            raise Unauthorized(message, reason="token_expired") from None
        except jwt.PyJWTError:
            message = "the token is not one of ours"
            raise Unauthorized(message, reason="token_invalid") from None
        return _principal(claims)

    def revoke(self, principal: str, before: datetime) -> None:
        known = self._void_before.get(principal)
        self._void_before[principal] = before if known is None else max(known, before)

    def use_keys(self, jwks: Mapping[str, object]) -> None:
        keys = {key.key_id: key for key in jwt.PyJWKSet.from_dict(dict(jwks)).keys if key.key_id}
        if keys.keys() != self._keys.keys():
            # What a withdrawn key has signed is void.
            self._checked.clear()
        self._keys = keys

    def forget_old_revocations(self) -> None:
        horizon = utc_now() - _REMEMBER
        self._void_before = {
            principal: before for principal, before in self._void_before.items() if before > horizon
        }

    def _key_of(self, token: str) -> jwt.PyJWK:
        if not self._keys:
            message = "the keys of the access service are not at hand yet"
            raise Unavailable(message)
        key_id = jwt.get_unverified_header(token).get("kid")
        key = self._keys.get(str(key_id))
        if key is None:
            self.refresh_wanted.set()
            message = "signed with an unknown key"
            raise jwt.InvalidTokenError(message)
        return key

    def _unless_revoked(self, principal: Principal) -> Principal:
        before = self._void_before.get(principal.subject)
        # A token issued at the very moment of the revocation is void too.
        if before is not None and principal.issued_at <= before:
            message = "this access was revoked"
            of_terminal = principal.subject.startswith("terminal:")
            raise TokenRevoked(message, GUIDANCE[Reason.TERMINAL_REVOKED] if of_terminal else None)
        return principal


def _principal(claims: Mapping[str, object]) -> Principal:
    stores, actions = claims.get("stores"), claims["actions"]
    if not isinstance(actions, list) or not (stores is None or isinstance(stores, list)):
        message = "the token is not one of ours"
        raise Unauthorized(message, reason="token_invalid")
    return Principal(
        subject=str(claims["sub"]),
        merchant=str(claims["merchant"]),
        stores=None if stores is None else tuple(map(str, stores)),
        actions=frozenset(map(str, actions)),
        issued_at=from_unix_seconds(float(str(claims["iat"]))),
        expires_at=from_unix_seconds(float(str(claims["exp"]))),
    )


@asynccontextmanager
async def verifying(access_url: str, broker: Broker) -> AsyncIterator[TokenVerifier]:
    """Fetch the keys and hear revocations beside the body."""
    verifier = TokenVerifier()
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_REQUEST_SECONDS)) as session,
        background(lambda stop: _fetch(verifier, session, access_url, stop), name="access-keys"),
        background(lambda stop: _hear(verifier, broker, stop), name="revocations"),
    ):
        yield verifier


async def _fetch(
    verifier: TokenVerifier, session: aiohttp.ClientSession, access_url: str, stop: asyncio.Event
) -> None:
    """Ask for keys, and for revocations too: events may be missed while NATS is away."""
    since = utc_now() - _REMEMBER
    while not stop.is_set():
        try:
            verifier.use_keys(await _get(session, f"{access_url}/.well-known/jwks.json"))
            asked_at = utc_now()
            revocations = await _get(
                session, f"{access_url}/v1/revocations", since=since.isoformat()
            )
            for item in revocations["items"]:
                verifier.revoke(item["principal"], datetime.fromisoformat(item["revoked_at"]))
            since = asked_at - timedelta(minutes=1)
            verifier.forget_old_revocations()
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, KeyError) as error:
            log.warning("access_keys_delayed", error=type(error).__name__)
        await _until_wanted(verifier, stop)


async def _until_wanted(verifier: TokenVerifier, stop: asyncio.Event) -> None:
    if not verifier.ready:
        await pause(stop, _RETRY_SECONDS)
        return
    wanted = asyncio.create_task(verifier.refresh_wanted.wait())
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait(
        {wanted, stopped}, timeout=_REFRESH_SECONDS, return_when=asyncio.FIRST_COMPLETED
    )
    wanted.cancel()
    stopped.cancel()
    verifier.refresh_wanted.clear()
    # A flood of tokens with unknown keys must not become a flood of fetches.
    await pause(stop, _RETRY_SECONDS)


async def _get(
    session: aiohttp.ClientSession, url: str, **params: str
) -> dict[str, list[dict[str, str]]]:
    async with session.get(url, params=params) as response:
        response.raise_for_status()
        body: dict[str, list[dict[str, str]]] = await response.json()
        return body


async def _hear(verifier: TokenVerifier, broker: Broker, stop: asyncio.Event) -> None:
    async def hear() -> None:
        async for event in follow(broker, _REVOCATIONS, since=datetime.now(UTC) - _REMEMBER):
            revoked = Revoked.model_validate(event.data)
            verifier.revoke(revoked.principal, revoked.revoked_at)
            log.info("revocation_heard", principal=revoked.principal)

    hearing = asyncio.create_task(hear())
    await stop.wait()
    hearing.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await hearing
