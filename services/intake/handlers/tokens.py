"""The one owner of each application's access token, for all workers and services together.

The platform invalidates older tokens with each new one and refuses too many fetches, so one row
in Postgres holds the token, and a lease in that row says who is fetching. Nobody holds a
transaction open while the platform is asked.
"""

import asyncio
from datetime import timedelta
from uuid import UUID

import structlog

from services.intake.domain.apps import App
from services.intake.domain.secret_box import SecretBox
from services.intake.gateway import TokenGateway
from services.intake.handlers.directory import Directory
from services.intake.handlers.metrics import TOKENS_FETCHED
from services.intake.queries import tokens as queries
from services.intake.queries.tokens import TokenRow
from shared.clock import utc_now
from shared.errors import Rejection, Unavailable
from shared.ids import new_id
from shared.platforms.outcomes import Refused, Retry
from shared.platforms.tokens import AccessToken
from shared.postgres.connection import Pool

# The platform lets the token before live on for five minutes: fetched within them, the new one
# takes nothing from whoever still holds the old one.
_REFRESH_AHEAD = timedelta(minutes=4)
_USABLE = timedelta(seconds=30)
_LEASE_SECONDS = 10.0
_WAIT_SECONDS = 8.0
_LOOK_AGAIN_SECONDS = 0.05
_REST_AFTER_FAILURE_SECONDS = 1.0
# A fetch every two seconds is a third of what the platform refuses at: 500 in five minutes.
_YOUNGEST_REPLACED = timedelta(seconds=2)

log = structlog.get_logger()


class Tokens:
    def __init__(
        self, pool: Pool, box: SecretBox, directory: Directory, gateway: TokenGateway
    ) -> None:
        self._pool = pool
        self._box = box
        self._directory = directory
        self._gateway = gateway

    async def token_for(self, app: App, *, rejected_digest: str | None) -> AccessToken:
        """A token that lives, and is not the rejected one. Raises Unavailable or Rejection."""
        if not app.live_secrets(utc_now().timestamp()):
            raise Rejection("this application has no live secret", reason="app_disabled")
        deadline = asyncio.get_running_loop().time() + _WAIT_SECONDS
        while True:
            row = await self._find(app)
            if row is not None and row.digest != rejected_digest and _is_usable(row):
                return self._open(row)
            if row is not None and row.digest == rejected_digest:
                _refuse_haste(row)
            fetched = await self._fetch_as_only_one(app, row)
            if fetched is not None:
                return fetched
            if asyncio.get_running_loop().time() > deadline:
                raise Unavailable("a new access token is still being fetched")
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)

    async def refresh_ahead(self) -> None:
        """Replace tokens before they end, so that nobody waits for it."""
        async with self._pool.acquire() as conn:
            ageing = await queries.list_ageing(conn, within=_REFRESH_AHEAD)
        for client_key in ageing:
            app = self._directory.app(client_key)
            row = None if app is None else await self._find(app)
            if app is None or row is None or not _is_ageing(row):
                continue
            if not app.live_secrets(utc_now().timestamp()):
                continue
            try:
                await self._fetch_as_only_one(app, row)
            except (Rejection, Unavailable) as failure:
                log.warning("token_refresh_delayed", client_key=client_key, reason=failure.reason)

    async def _find(self, app: App) -> TokenRow | None:
        async with self._pool.acquire() as conn:
            return await queries.find_token(conn, app.client_key)

    def _open(self, row: TokenRow) -> AccessToken:
        if row.sealed_token is None or row.expires_at is None:
            raise Unavailable("a new access token is still being fetched")
        return AccessToken(self._box.open(row.sealed_token, context=row.client_key), row.expires_at)

    async def _fetch_as_only_one(self, app: App, seen: TokenRow | None) -> AccessToken | None:
        """Fetch, if nobody else is at it; None if somebody is, or has been meanwhile."""
        lease_id = new_id()
        async with self._pool.acquire() as conn:
            mine = await queries.take_lease(
                conn,
                app.client_key,
                lease_id=lease_id,
                seen=seen.digest if seen else None,
                seconds=_LEASE_SECONDS,
            )
        return await self._fetch(app, lease_id) if mine else None

    async def _fetch(self, app: App, lease_id: UUID) -> AccessToken:
        try:
            token = await self._fetch_with_any(app)
        except (Refused, Retry) as failure:
            TOKENS_FETCHED.labels(str(failure.reason)).inc()
            log.warning("token_not_fetched", client_key=app.client_key, reason=failure.reason)
            async with self._pool.acquire() as conn:
                await queries.release_lease(
                    conn,
                    app.client_key,
                    lease_id=lease_id,
                    rest_seconds=_REST_AFTER_FAILURE_SECONDS,
                )
            raise
        TOKENS_FETCHED.labels("ok").inc()
        log.info("token_fetched", client_key=app.client_key, expires_at=token.expires_at)
        async with self._pool.acquire() as conn:
            await queries.store_token(
                conn,
                app.client_key,
                lease_id=lease_id,
                sealed_token=self._box.seal(token.value, context=app.client_key),
                digest=token.digest,
                expires_at=token.expires_at,
            )
        return token

    async def _fetch_with_any(self, app: App) -> AccessToken:
        """With the newest live secret the platform takes: it may not have changed over yet."""
        *newer, oldest = app.live_secrets(utc_now().timestamp())
        for secret in newer:
            try:
                return await self._gateway.fetch(
                    platform=app.platform, client_key=app.client_key, client_secret=secret
                )
            except Refused as refused:
                log.info("token_secret_refused", client_key=app.client_key, reason=refused.reason)
        return await self._gateway.fetch(
            platform=app.platform, client_key=app.client_key, client_secret=oldest
        )


def _is_usable(row: TokenRow) -> bool:
    return row.expires_at is not None and row.expires_at - utc_now() > _USABLE


def _is_ageing(row: TokenRow) -> bool:
    return row.expires_at is not None and row.expires_at - utc_now() < _REFRESH_AHEAD


def _refuse_haste(row: TokenRow) -> None:
    """A platform that turns away what it has just issued is not helped by more of the same."""
    if row.fetched_at is not None and utc_now() - row.fetched_at < _YOUNGEST_REPLACED:
        raise Unavailable(
            "the platform turned away a token it has just issued", retry_after_seconds=2
        )
