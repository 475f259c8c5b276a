"""What the application carries for the routes of this service."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv6Network, ip_address

from aiohttp import web

from services.access.handlers.act import Act, acting
from services.access.handlers.authority import Authority
from services.access.handlers.clients import HouseClients
from services.access.handlers.keyed import KeyedHashes
from services.access.handlers.limits import Buckets
from services.access.handlers.passwords import Passwords
from services.access.handlers.signing_keys import KeySeal, Rotation
from shared.errors import Rejection
from shared.sealing.keyring import Keyring
from shared.web.keys import DATABASE, PRINCIPAL, TRACEPARENT, VERIFIER


@dataclass(frozen=True, slots=True)
class Parts:
    authority: Authority
    house: HouseClients
    keyed: KeyedHashes
    keyring: Keyring
    passwords: Passwords
    seal: KeySeal
    rotation: Rotation
    refusals: Buckets
    tokens: Buckets
    code_life: timedelta
    session_life: timedelta
    behind_proxy: bool


_ADDRESS_CHARACTERS_MAX = 64
_IPV4 = 4
PARTS = web.AppKey("PARTS", Parts)


@asynccontextmanager
async def act_of(request: web.Request, *, actor: str | None = None) -> AsyncIterator[Act]:
    """The transaction of a request; what it revoked is void here as soon as it committed."""
    async with acting(
        request.app[DATABASE],
        actor=actor or request[PRINCIPAL].subject,
        traceparent=request[TRACEPARENT],
    ) as act:
        yield act
    for principal, revoked_at in act.revoked.items():
        request.app[VERIFIER].revoke(principal, revoked_at)


@contextmanager
def counting_refusals(request: web.Request, *, who: str = "") -> Iterator[None]:
    """Let a caller be refused only so often; what is granted costs nothing.

    Many stores may share one address. So a caller is the route and the address, and also `who`
    it says it is where guessing another name helps nobody: one broken device stops only itself.
    """
    refusals = request.app[PARTS].refusals
    caller = f"{who or request.path} {_address(request)}"
    refusals.check(caller)
    try:
        yield
    except Rejection:
        refusals.charge(caller)
        raise


def _address(request: web.Request) -> str:
    forwarded = request.headers.get("X-Forwarded-For", "")
    if request.app[PARTS].behind_proxy and forwarded:
        return _network(forwarded.rpartition(",")[2].strip()[:_ADDRESS_CHARACTERS_MAX])
    return _network(request.remote or "unknown")


def _network(address: str) -> str:
    """One household or shop has a whole /64 of IPv6 addresses to ask from."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    return address if parsed.version == _IPV4 else str(IPv6Network((parsed, 64), strict=False))
