"""Adding applications, rotating and deleting their secrets."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from services.intake.domain.apps import AppKind
from services.intake.domain.secret_box import SecretBox
from services.intake.handlers.directory import Directory
from services.intake.queries import apps as queries
from services.intake.queries import tokens
from services.intake.queries.apps import AppRow, SecretRow
from shared.clock import utc_now
from shared.errors import Forbidden, NotFound, Rejection
from shared.ids import new_id
from shared.messaging.outbox import Database
from shared.platforms.registry import platform_named
from shared.postgres.connection import Connection
from shared.web.principal import EVERY_MERCHANT, Principal

# Every delivery is checked against each of them.
_LIVING_SECRETS_MAX = 3


@dataclass(frozen=True, slots=True)
class NewApp:
    client_key: str
    platform: str
    merchant: str
    name: str
    kind: AppKind
    secret: str | None


@dataclass(frozen=True, slots=True)
class ShownApp:
    app: AppRow
    secrets: Sequence[SecretRow]


class Apps:
    """What is changed here is known to this worker at once, to the others within a second."""

    def __init__(self, database: Database, box: SecretBox, directory: Directory) -> None:
        self._database = database
        self._box = box
        self._directory = directory

    async def add(self, principal: Principal, new: NewApp) -> tuple[ShownApp, bool]:
        """The application, and whether it was added now; the same again changes nothing."""
        principal.require_merchant(new.merchant)
        if new.kind is AppKind.PROVIDER and principal.merchant != EVERY_MERCHANT:
            raise Forbidden("only the operator adds an application that serves every merchant")
        platform_named(new.platform)
        async with self._database.transaction() as transaction:
            conn = transaction.conn
            added = await queries.add_app(
                conn,
                client_key=new.client_key,
                platform=new.platform,
                merchant=new.merchant,
                name=new.name,
                kind=new.kind,
            )
            if added:
                if new.secret is not None:
                    await self._add_secret(conn, new.client_key, new.secret)
                await queries.advance_version(conn)
            shown = await self._show(conn, new.client_key)
        if not added and not self._is_same(shown, new):
            raise Rejection("this client key is in use with other content", reason="app_exists")
        await self._directory.refresh()
        return shown, added

    async def rotate(
        self, principal: Principal, client_key: str, secret: str, *, overlap: timedelta
    ) -> tuple[SecretRow, bool]:
        """The secret, and whether it is new; the others end after the overlap."""
        async with self._database.transaction() as transaction:
            conn = transaction.conn
            await self._lock(conn, principal, client_key)
            known = self._living_with(
                await queries.list_secrets(conn, [client_key]), self._box.fingerprint(secret)
            )
            secret_id = known or await self._add_another(conn, client_key, secret)
            await queries.end_secrets(conn, client_key, but=secret_id, overlap=overlap)
            await queries.advance_version(conn)
            secrets = await queries.list_secrets(conn, [client_key])
        await self._directory.refresh()
        return next(row for row in secrets if row.secret_id == secret_id), known is None

    async def delete_secret(self, principal: Principal, client_key: str, secret_id: UUID) -> None:
        """At once: nothing signed with it is accepted from now on."""
        async with self._database.transaction() as transaction:
            await self._lock(transaction.conn, principal, client_key)
            if not await queries.delete_secret(transaction.conn, client_key, secret_id):
                raise NotFound("this application has no such secret")
            # It may have been fetched with that secret.
            await tokens.forget_token(transaction.conn, client_key)
            await queries.advance_version(transaction.conn)
        await self._directory.refresh()

    async def list(self, merchant: str | None, *, after: str | None, limit: int) -> list[ShownApp]:
        async with self._database.pool.acquire() as conn:
            apps = await queries.list_apps(conn, merchant=merchant, after=after, limit=limit)
            secrets = await queries.list_secrets(conn, [app.client_key for app in apps])
        return [
            ShownApp(app, [row for row in secrets if row.client_key == app.client_key])
            for app in apps
        ]

    async def _add_another(self, conn: Connection, client_key: str, secret: str) -> UUID:
        now = utc_now()
        living = [
            row
            for row in await queries.list_secrets(conn, [client_key])
            if row.sealed_secret is not None and (row.expires_at is None or row.expires_at > now)
        ]
        if len(living) >= _LIVING_SECRETS_MAX:
            raise Rejection(
                f"{len(living)} secrets are alive: delete one or wait", reason="too_many_secrets"
            )
        return await self._add_secret(conn, client_key, secret)

    async def _add_secret(self, conn: Connection, client_key: str, secret: str) -> UUID:
        secret_id = new_id()
        await queries.add_secret(
            conn,
            secret_id=secret_id,
            client_key=client_key,
            sealed_secret=self._box.seal(secret, context=client_key),
            fingerprint=self._box.fingerprint(secret),
        )
        return secret_id

    async def _lock(self, conn: Connection, principal: Principal, client_key: str) -> AppRow:
        app = await queries.lock_app(conn, client_key)
        # Another merchant's application is as unknown as one that is not there.
        if app is None or principal.merchant not in (EVERY_MERCHANT, app.merchant):
            raise NotFound("no such application")
        return app

    async def _show(self, conn: Connection, client_key: str) -> ShownApp:
        app = await queries.lock_app(conn, client_key)
        if app is None:
            raise NotFound("no such application")
        return ShownApp(app, await queries.list_secrets(conn, [client_key]))

    def _is_same(self, shown: ShownApp, new: NewApp) -> bool:
        app = shown.app
        if (app.platform, app.merchant, app.name, app.kind) != (
            new.platform,
            new.merchant,
            new.name,
            new.kind,
        ):
            return False
        if new.secret is None:
            return True
        return self._living_with(shown.secrets, self._box.fingerprint(new.secret)) is not None

    @staticmethod
    def _living_with(secrets: Sequence[SecretRow], fingerprint: str) -> UUID | None:
        """The secret with this value that has no end yet."""
        for row in secrets:
            if row.fingerprint == fingerprint and row.expires_at is None:
                return row.secret_id
        return None
