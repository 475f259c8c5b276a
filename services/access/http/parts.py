"""What the application carries for the routes of this service."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta

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
def counting_refusals(request: web.Request) -> Iterator[None]:
    """Let an address be refused only so often; what is granted costs it nothing."""
    refusals, address = request.app[PARTS].refusals, _address(request)
    refusals.take(address)
    refused = False
    try:
        yield
    except Rejection:
        refused = True
        raise
    finally:
        if not refused:
            refusals.give_back(address)


def _address(request: web.Request) -> str:
    forwarded = request.headers.get("X-Forwarded-For", "")
    if request.app[PARTS].behind_proxy and forwarded:
        return forwarded.rpartition(",")[2].strip()[:64]
    return request.remote or "unknown"
