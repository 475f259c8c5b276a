"""The applications with their live secrets, and whose account is whose, at hand without a query."""

from collections.abc import Mapping

import structlog

from services.intake.domain.apps import App, AppKind, Secret, Trade, TradeKey
from services.intake.domain.secret_box import SecretBox
from services.intake.queries import apps as queries
from services.intake.queries import trade
from services.intake.queries.apps import SecretRow
from services.intake.queries.trade import TradeKeyRow
from shared.errors import Unreadable
from shared.platforms.questions import TradeEntry
from shared.platforms.registry import platform_named
from shared.postgres.connection import Connection, Pool
from shared.sealing.keyring import CannotOpen, Keyring

log = structlog.get_logger()


class Directory:
    """A copy of the tables; every worker looks about once a second whether they changed."""

    def __init__(self, pool: Pool, box: SecretBox, keyring: Keyring) -> None:
        self._pool = pool
        self._box = box
        self._keyring = keyring
        self._version = 0
        self._apps: Mapping[str, App] = {}
        self._trade_apps: Mapping[tuple[str, str], App] = {}
        self._merchants: Mapping[tuple[str, str], str] = {}

    def app(self, client_key: str) -> App | None:
        return self._apps.get(client_key)

    def trade_app(self, platform: str, app_id: str) -> App | None:
        return self._trade_apps.get((platform, app_id))

    @property
    def client_keys(self) -> tuple[str, ...]:
        return tuple(self._apps)

    def merchant_of(self, app: App, account_id: str | None) -> str:
        """Whose a delivery is. A merchant's own application never speaks for another one."""
        if account_id is None or not app.speaks_for_others:
            return app.merchant
        return self._merchants.get((app.platform, account_id), app.merchant)

    def app_for(self, merchant: str, platform: str) -> App | None:
        """The application that calls the platform for a merchant: its own before a provider's."""
        able = [
            app
            for app in self._apps.values()
            if app.platform == platform
            and app.fetches_tokens
            and app.secrets
            and (app.merchant == merchant or app.speaks_for_others)
        ]
        able.sort(key=lambda app: (app.merchant != merchant, app.client_key))
        return able[0] if able else None

    async def refresh(self) -> None:
        """Read everything again if anything has changed."""
        async with self._pool.acquire() as conn:
            version = await queries.read_version(conn)
            # Read first: what changes in between is read once more, and nothing is missed.
            if version != self._version:
                await self._read(conn)
                self._version = version
                log.info("directory_read", version=version, apps=len(self._apps))

    async def _read(self, conn: Connection) -> None:
        secrets: dict[str, list[Secret]] = {}
        for row in await queries.list_living_secrets(conn):
            secret = self._open(row)
            if secret is not None:
                secrets.setdefault(row.client_key, []).append(secret)
        trades = await self._read_trades(conn)
        apps = {
            row.client_key: App(
                client_key=row.client_key,
                platform=row.platform,
                merchant=row.merchant,
                kind=AppKind(row.kind),
                secrets=secrets.get(row.client_key, ()),
                trade=trades.get(row.client_key),
            )
            for row in await queries.list_every_app(conn)
        }
        merchants = {
            (row.platform, row.account_id): row.merchant
            for row in await queries.list_accounts(conn)
            if row.account_id is not None
        }
        await self._keyring.load(conn, {app.merchant for app in apps.values()})
        self._apps, self._merchants = apps, merchants
        self._trade_apps = {
            (app.platform, app.trade.app_id): app for app in apps.values() if app.trade
        }

    async def _read_trades(self, conn: Connection) -> Mapping[str, Trade]:
        keys: dict[str, list[TradeKey]] = {}
        for row in await trade.list_living_keys(conn):
            key = self._load(row)
            if key is not None:
                keys.setdefault(row.client_key, []).append(key)
        return {
            row.client_key: Trade(
                row.app_id,
                TradeEntry(row.order_path, row.pay_notify_url),
                tuple(keys.get(row.client_key, ())),
            )
            for row in await trade.list_trade_apps(conn)
        }

    def _load(self, row: TradeKeyRow) -> TradeKey | None:
        try:
            if row.public_key is not None:
                loaded = platform_named(row.platform).load_trade_key(row.public_key)
                return TradeKey(loaded, is_token=False, expires_at=row.expires_at)
            token = self._box.open(row.sealed_token or b"", context=trade.context_of(row.key_id))
        except (CannotOpen, Unreadable):
            log.exception("trade_key_unreadable", client_key=row.client_key)
            return None
        return TradeKey(token, is_token=True, expires_at=row.expires_at)

    def _open(self, row: SecretRow) -> Secret | None:
        try:
            value = self._box.open(row.sealed_secret or b"", context=row.client_key)
        except CannotOpen:
            # One unreadable secret must not disable every application.
            log.exception("app_secret_unreadable", client_key=row.client_key)
            return None
        return Secret(row.secret_id, value, row.created_at, row.expires_at)
