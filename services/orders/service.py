"""Starts everything in order and stops it in reverse."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp

from services.orders.gateway import Gateway, Locks
from services.orders.handlers.after_sales.desk import Desk
from services.orders.handlers.reconciling import Reader
from services.orders.http import ROUTES
from services.orders.http.after_sales import DESK
from services.orders.schedule import going_on, reading_back
from services.orders.settings import Settings
from services.orders.subscriptions import subscriptions
from shared import messaging, sealing
from shared.messaging.broker import connected
from shared.messaging.consumer import consuming
from shared.messaging.outbox import Database
from shared.messaging.relay import relaying
from shared.postgres.migrate import migrate
from shared.postgres.pool import pooled
from shared.sealing.keyring import Keyring
from shared.web import operations
from shared.web.client import ServiceClient, client_session
from shared.web.keys import BROKER, DATABASE, VERIFIER
from shared.web.routes import add_routes
from shared.web.server import new_application, serving
from shared.web.service_token import service_credentials
from shared.web.verifier import verifying

MIGRATIONS = (
    messaging.MIGRATIONS,
    sealing.MIGRATIONS,
    Path(__file__).parent / "migrations",
)


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[str]:
    """Run the service beside the body. Yields the base URL of its HTTP."""
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(
            pooled(
                settings.postgres_url.get_secret_value(),
                service="orders",
                max_size=settings.postgres_pool_max,
            )
        )
        await migrate(pool, *MIGRATIONS)
        database = Database(pool)
        broker = await stack.enter_async_context(connected(settings.nats_url, name="orders"))
        verifier = await stack.enter_async_context(verifying(settings.access_url, broker))
        session = await stack.enter_async_context(client_session())
        await stack.enter_async_context(relaying(database, broker))
        heard = subscriptions(read_back_after=settings.read_back_after)
        await stack.enter_async_context(consuming(database, broker, heard, durable="orders"))
        reader = Reader(database, _gateway(session, settings), settings)
        await stack.enter_async_context(reading_back(reader))
        desk = _desk(session, settings, reader)
        await stack.enter_async_context(going_on(desk))
        app = new_application()
        app[DESK] = desk
        app[DATABASE] = database
        app[BROKER] = broker
        app[VERIFIER] = verifier
        app[operations.SUBSCRIPTIONS] = heard
        add_routes(app, ROUTES)
        yield await stack.enter_async_context(
            serving(
                app,
                host=settings.host,
                port=settings.orders_port,
                connections_max=settings.connections_max,
            )
        )


def _desk(session: aiohttp.ClientSession, settings: Settings, reader: Reader) -> Desk:
    master_key = settings.master_key_bytes
    credentials = service_credentials(settings.access_url, master_key, "orders")
    return Desk(
        reader.database,
        reader.gateway,
        Locks(ServiceClient(session, settings.redemption_url, credentials)),
        Keyring(master_key, service="orders"),
        settings,
    )


def _gateway(session: aiohttp.ClientSession, settings: Settings) -> Gateway:
    credentials = service_credentials(settings.access_url, settings.master_key_bytes, "orders")
    return Gateway(
        session,
        ServiceClient(session, settings.intake_url, credentials),
        base_urls=settings.base_urls,
        queries_per_second=settings.orders_queries_per_second,
    )
