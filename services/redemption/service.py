"""Starts everything that redemption is made of, in order; stops it in reverse."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

from services.redemption.gateway import Gateway
from services.redemption.handlers.desk import Desk
from services.redemption.handlers.groups import grouped
from services.redemption.handlers.known_stores import KnownStores
from services.redemption.http import DESK, GROUPS, ROUTES
from services.redemption.schedule import scheduled
from services.redemption.settings import Settings
from services.redemption.subscriptions import SUBSCRIPTIONS
from shared import messaging, sealing
from shared.messaging.broker import connected
from shared.messaging.consumer import consuming
from shared.messaging.outbox import Database
from shared.messaging.relay import relaying
from shared.postgres.migrate import migrate
from shared.postgres.pool import pooled
from shared.sealing.derivation import derive
from shared.sealing.keyring import Keyring
from shared.web import operations
from shared.web.client import ServiceClient, client_session
from shared.web.keys import BROKER, DATABASE, VERIFIER
from shared.web.routes import add_routes
from shared.web.server import new_application, serving
from shared.web.service_token import service_credentials
from shared.web.verifier import verifying

MIGRATIONS: Final = (
    messaging.MIGRATIONS,
    sealing.MIGRATIONS,
    Path(__file__).parent / "migrations",
)


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[str]:
    """Yields the base URL."""
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(
            pooled(
                settings.postgres_url.get_secret_value(),
                service="redemption",
                max_size=settings.postgres_pool_max,
            )
        )
        await migrate(pool, *MIGRATIONS)
        database = Database(pool)
        broker = await stack.enter_async_context(connected(settings.nats_url, name="redemption"))
        verifier = await stack.enter_async_context(verifying(settings.access_url, broker))
        await stack.enter_async_context(relaying(database, broker))
        await stack.enter_async_context(
            consuming(database, broker, SUBSCRIPTIONS, durable="redemption")
        )
        desk = await stack.enter_async_context(_open_desk(settings, database))
        await stack.enter_async_context(scheduled(desk))
        app = new_application()
        app[GROUPS] = await stack.enter_async_context(grouped(desk))
        app[DATABASE], app[BROKER], app[VERIFIER], app[DESK] = database, broker, verifier, desk
        app[operations.SUBSCRIPTIONS] = SUBSCRIPTIONS
        add_routes(app, ROUTES)
        yield await stack.enter_async_context(
            serving(
                app,
                host=settings.host,
                port=settings.redemption_port,
                connections_max=settings.connections_max,
            )
        )


@asynccontextmanager
async def _open_desk(settings: Settings, database: Database) -> AsyncIterator[Desk]:
    master_key = settings.master_key_bytes
    async with client_session() as session:
        intake = ServiceClient(
            session,
            settings.intake_url,
            service_credentials(settings.access_url, master_key, "redemption"),
        )
        gateway = Gateway(
            session,
            intake,
            settings.endpoints,
            calls_per_second=settings.redemption_calls_per_second,
            quota_wait_seconds=settings.redemption_quota_wait_seconds,
        )
        yield Desk(
            database=database,
            gateway=gateway,
            keyring=Keyring(master_key, service="redemption"),
            scan_key=derive(master_key, "hash of scanned codes"),
            code_key=derive(master_key, "hash of issued codes"),
            settings=settings,
            stores=KnownStores(database.pool),
        )
