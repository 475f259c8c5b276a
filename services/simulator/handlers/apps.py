"""Apps subscribe, prove their address, and get tokens."""

import asyncio
import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

import orjson
from pydantic import BaseModel, ConfigDict, Field, field_validator

from services.simulator.domain.codes import Code, PlatformError
from services.simulator.domain.fields import Identifier, Text, TextOrEmpty
from services.simulator.domain.numbers import access_token
from services.simulator.gateway import WebhookPoster
from services.simulator.handlers.world import World
from services.simulator.queries import apps as queries
from services.simulator.queries.apps import App, ClientToken
from shared.clock import utc_now
from shared.errors import Rejection
from shared.platforms.douyin.events import EVENTS as MODELLED_EVENTS
from shared.platforms.douyin.events import NAMED_EVENTS
from shared.platforms.douyin.signatures import load_public_key
from shared.postgres.connection import Connection

EVENTS = tuple(sorted(({*MODELLED_EVENTS} | NAMED_EVENTS) - {"verify_webhook"}))
_OK = range(200, 300)
Text4096 = Annotated[str, Field(max_length=4096)]
_TOKEN_TRUST_SECONDS = 1.0
_SUBSCRIBED, _MUTED = 1, 0


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PoiRequest(_Body):
    poi_id: Identifier
    name: TextOrEmpty = ""


class MerchantRequest(_Body):
    account_id: Identifier
    name: TextOrEmpty = ""
    pois: list[PoiRequest] = Field(default_factory=list, max_length=1000)


class AppRequest(_Body):
    client_key: Identifier
    client_secret: Text = Field(repr=False)
    webhook_url: str | None = Field(default=None, pattern=r"^https?://", max_length=1000)
    merchants: list[MerchantRequest] = Field(default_factory=list, max_length=1000)
    # Where it answers questions; `{action}` stands for the question's name.
    spi_url: str | None = Field(default=None, pattern=r"^https?://", max_length=1000)
    # Where it is told of its mini-program's trade; the app's id there is its client_key.
    trade_url: str | None = Field(default=None, pattern=r"^https?://", max_length=1000)
    # Checks what a mini-program's server signs.
    public_key: Text4096 | None = None
    # Of the older callbacks.
    callback_token: Text | None = Field(default=None, repr=False)

    @field_validator("public_key")
    @classmethod
    def _is_rsa(cls, text: str | None) -> str | None:
        if text is not None:
            try:
                load_public_key(text)
            except (TypeError, ValueError):
                message = "an RSA public key, PEM or the Base64 inside one"
                raise ValueError(message) from None
        return text


class HandshakeFailed(Rejection):
    reason = "handshake_failed"


async def register_app(world: World, request: AppRequest, poster: WebhookPoster) -> App:
    """Add or change an app and the merchants it may act for, then challenge its address."""
    merchants = request.merchants
    pois = [(poi, merchant.account_id) for merchant in merchants for poi in merchant.pois]
    async with world.pool.acquire() as conn, conn.transaction():
        await queries.upsert_app(
            conn,
            client_key=request.client_key,
            client_secret=request.client_secret,
            webhook_url=request.webhook_url,
        )
        await queries.set_addresses(
            conn,
            request.client_key,
            spi_url=request.spi_url,
            trade_url=request.trade_url,
            public_key=request.public_key,
            callback_token=request.callback_token,
        )
        await queries.upsert_merchants(
            conn,
            request.client_key,
            [merchant.account_id for merchant in merchants],
            [merchant.name for merchant in merchants],
        )
        await queries.upsert_pois(
            conn,
            [poi.poi_id for poi, _ in pois],
            [account_id for _, account_id in pois],
            [poi.name for poi, _ in pois],
        )
    if request.webhook_url is not None:
        await _challenge(world, request, request.webhook_url, poster)
    async with world.pool.acquire() as conn:
        return await _existing(conn, request.client_key)


async def _challenge(
    world: World, request: AppRequest, webhook_url: str, poster: WebhookPoster
) -> None:
    """Raises HandshakeFailed unless the address echoes a number that it can only know from us."""
    challenge = 1 + secrets.randbelow(10**9)
    body = orjson.dumps(
        {"event": "verify_webhook", "client_key": "", "content": {"challenge": challenge}}
    ).decode()
    answer = await poster.post(url=webhook_url, body=body, msg_id="", secret=request.client_secret)
    if answer.status not in _OK or _echo(answer.body) != challenge:
        said = answer.error or f"status {answer.status}"
        message = f"{webhook_url} did not answer the challenge ({said}); no webhooks will be sent"
        raise HandshakeFailed(message)
    async with world.pool.acquire() as conn:
        await queries.mark_webhook_verified(conn, request.client_key, webhook_url, utc_now())


def _echo(body: bytes) -> object:
    try:
        return orjson.loads(body)["challenge"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None


async def _existing(conn: Connection, client_key: str) -> App:
    app = await queries.find_app(conn, client_key)
    if app is None:
        raise PlatformError(Code.UNKNOWN_CLIENT_KEY)
    return app


async def issue_token(
    world: World, *, client_key: str, client_secret: str, stable: bool
) -> tuple[str, int]:
    """A token and the seconds it lives; a stable one is the newest while that is valid."""
    now = utc_now()
    settings = world.settings
    async with world.pool.acquire() as conn, conn.transaction():
        app = await queries.lock_app(conn, client_key)
        if app is None:
            raise PlatformError(Code.UNKNOWN_CLIENT_KEY)
        if not secrets.compare_digest(app.client_secret, client_secret):
            raise PlatformError(Code.WRONG_SECRET)
        newest = await queries.find_newest_token(conn, client_key)
        if stable and newest is not None and newest.expires_at > now:
            return newest.access_token, int((newest.expires_at - now).total_seconds())
        window = timedelta(seconds=settings.simulator_token_fetch_window_seconds)
        fetched = await queries.count_tokens(conn, client_key, now - window)
        if fetched >= settings.simulator_token_fetches_max:
            raise PlatformError(Code.TOO_MANY_TOKENS)
        await queries.supersede_tokens(
            conn,
            client_key,
            newest=None if newest is None else newest.access_token,
            now=now,
            overlap_until=now + timedelta(seconds=settings.simulator_token_overlap_seconds),
        )
        lifetime = timedelta(seconds=settings.simulator_token_seconds)
        token = ClientToken(access_token(), client_key, now + lifetime)
        await queries.add_token(conn, token, now)
    world.tokens.clear()
    return token.access_token, settings.simulator_token_seconds


async def authorise(world: World, token_text: str | None) -> str:
    """The app that a token was issued to."""
    if not token_text:
        raise PlatformError(Code.TOKEN_INVALID)
    token = await _find_token(world, token_text)
    if token is None:
        raise PlatformError(Code.TOKEN_INVALID)
    if token.expires_at <= utc_now():
        raise PlatformError(Code.TOKEN_EXPIRED)
    return token.client_key


async def _find_token(world: World, token_text: str) -> ClientToken | None:
    """Looked up once a second: another process may have issued a newer one."""
    now_seconds = asyncio.get_running_loop().time()
    known, at_seconds = world.tokens.get(token_text, (None, 0.0))
    if known is not None and now_seconds - at_seconds < _TOKEN_TRUST_SECONDS:
        return known
    async with world.pool.acquire() as conn:
        token = await queries.find_token(conn, token_text)
    world.tokens.pop(token_text, None)
    if token is not None:
        world.tokens[token_text] = (token, now_seconds)
    return token


async def event_statuses(world: World, client_key: str) -> list[dict[str, object]]:
    async with world.pool.acquire() as conn:
        app = await _existing(conn, client_key)
    return [
        {"event": event, "status": _MUTED if event in app.muted_events else _SUBSCRIBED}
        for event in EVENTS
    ]


async def update_event_statuses(
    world: World, client_key: str, statuses: Sequence[tuple[str, int]]
) -> None:
    """Raises PlatformError for an event that the platform does not have."""
    if any(event not in EVENTS for event, _ in statuses):
        raise PlatformError(Code.BAD_PARAMETER)
    async with world.pool.acquire() as conn, conn.transaction():
        app = await queries.lock_app(conn, client_key)
        if app is None:
            raise PlatformError(Code.UNKNOWN_CLIENT_KEY)
        muted = set(app.muted_events)
        for event, status in statuses:
            (muted.add if status == _MUTED else muted.discard)(event)
        await queries.mute_events(conn, client_key, sorted(muted))
