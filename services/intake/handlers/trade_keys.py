"""The mini-program of an application, and the keys that may sign its callbacks."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from services.intake.domain.secret_box import SecretBox
from services.intake.handlers.directory import Directory
from services.intake.queries import apps, trade
from services.intake.queries.apps import AppRow
from services.intake.queries.trade import TradeAppRow, TradeKeyRow, context_of
from shared.clock import utc_now
from shared.errors import NotFound, Rejection
from shared.ids import new_id
from shared.messaging.outbox import Database
from shared.platforms.registry import platform_named
from shared.postgres.connection import Connection
from shared.web.principal import EVERY_MERCHANT, Principal

# Every callback is checked against each of them.
_LIVING_KEYS_MAX = 3


@dataclass(frozen=True, slots=True)
class NewTrade:
    """The mini-program as it shall be, and a key to add where one is given."""

    app_id: str
    order_path: str
    pay_notify_url: str | None
    public_key: str | None
    token: str | None = field(repr=False)
    overlap: timedelta


@dataclass(frozen=True, slots=True)
class ShownTrade:
    app: TradeAppRow
    keys: Sequence[TradeKeyRow]


class TradeApps:
    """What is changed here is known to this worker at once, to the others within a second."""

    def __init__(self, database: Database, box: SecretBox, directory: Directory) -> None:
        self._database = database
        self._box = box
        self._directory = directory

    async def put(self, principal: Principal, client_key: str, new: NewTrade) -> ShownTrade:
        """The same again changes nothing; a new key lets the others of its sort end."""
        async with self._database.transaction() as transaction:
            conn = transaction.conn
            # First: it lets one change of the directory happen at a time.
            await apps.advance_version(conn)
            app = await self._lock(conn, principal, client_key)
            if new.public_key is not None:
                platform_named(app.platform).load_trade_key(new.public_key)
            row = TradeAppRow(client_key, new.app_id, new.order_path, new.pay_notify_url)
            if not await trade.put_trade_app(conn, row):
                raise Rejection("another application has this app id", reason="app_id_taken")
            if new.public_key is not None:
                await self._rotate(conn, client_key, new.public_key, new.overlap, is_token=False)
            if new.token is not None:
                await self._rotate(conn, client_key, new.token, new.overlap, is_token=True)
            keys = await trade.list_keys(conn, [client_key])
        await self._directory.refresh()
        return ShownTrade(row, keys)

    async def delete_key(self, principal: Principal, client_key: str, key_id: UUID) -> None:
        """At once: nothing signed with it is accepted from now on."""
        async with self._database.transaction() as transaction:
            await self._lock(transaction.conn, principal, client_key)
            if not await trade.delete_key(transaction.conn, client_key, key_id):
                raise NotFound("this application has no such key")
            await apps.advance_version(transaction.conn)
        await self._directory.refresh()

    async def show(self, client_keys: Sequence[str]) -> dict[str, ShownTrade]:
        async with self._database.pool.acquire() as conn:
            rows = await trade.list_trade_apps(conn, client_keys)
            keys = await trade.list_keys(conn, client_keys)
        return {
            row.client_key: ShownTrade(
                row, [key for key in keys if key.client_key == row.client_key]
            )
            for row in rows
        }

    async def _rotate(
        self, conn: Connection, client_key: str, value: str, overlap: timedelta, *, is_token: bool
    ) -> None:
        fingerprint = self._box.fingerprint("".join(value.split()))
        known = [
            key for key in await trade.list_keys(conn, [client_key]) if key.is_token is is_token
        ]
        same = next(
            (key for key in known if key.fingerprint == fingerprint and key.expires_at is None),
            None,
        )
        key_id = new_id() if same is None else same.key_id
        if same is None:
            now = utc_now()
            living = [key for key in known if key.expires_at is None or key.expires_at > now]
            if len(living) >= _LIVING_KEYS_MAX:
                raise Rejection(
                    f"{len(living)} keys are alive: delete one or wait", reason="too_many_keys"
                )
            await trade.add_key(
                conn,
                key_id=key_id,
                client_key=client_key,
                public_key=None if is_token else value,
                sealed_token=self._box.seal(value, context=context_of(key_id))
                if is_token
                else None,
                fingerprint=fingerprint,
            )
        await trade.end_keys(conn, client_key, but=key_id, tokens=is_token, overlap=overlap)

    async def _lock(self, conn: Connection, principal: Principal, client_key: str) -> AppRow:
        app = await apps.lock_app(conn, client_key)
        # Another merchant's application is as unknown as one that is not there.
        if app is None or principal.merchant not in (EVERY_MERCHANT, app.merchant):
            raise NotFound("no such application")
        return app
