"""Starts everything in order and stops it in reverse."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from services.catalog.http import ROUTES
from services.catalog.settings import Settings
from services.catalog.subscriptions import SUBSCRIPTIONS
from shared import messaging
from shared.messaging.broker import connected
from shared.messaging.outbox import Database
from shared.messaging.relay import relaying
from shared.postgres.migrate import migrate
from shared.postgres.pool import pooled
from shared.web import operations
from shared.web.keys import BROKER, DATABASE, VERIFIER
from shared.web.operations import HEALTH_ROUTES, OPERATION_ROUTES
from shared.web.routes import add_routes
from shared.web.server import new_application, serving
from shared.web.verifier import verifying

MIGRATIONS = (messaging.MIGRATIONS, Path(__file__).parent / "migrations")


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[str]:
    """Run the service beside the body. Yields the base URL of its HTTP."""
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        url = settings.postgres_url.get_secret_value()
        pool = await enter(pooled(url, service="catalog", max_size=settings.postgres_pool_max))
        await migrate(pool, *MIGRATIONS)
        database = Database(pool)
        broker = await enter(connected(settings.nats_url, name="catalog"))
        app = new_application()
        app[DATABASE] = database
        app[BROKER] = broker
        app[VERIFIER] = await enter(verifying(settings.access_url, broker))
        app[operations.SUBSCRIPTIONS] = SUBSCRIPTIONS
        await enter(relaying(database, broker))
        add_routes(app, (*HEALTH_ROUTES, *OPERATION_ROUTES, *ROUTES))
        yield await enter(serving(app, host=settings.host, port=settings.catalog_port))
