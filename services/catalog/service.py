"""Starts everything in order and stops it in reverse."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from services.catalog.gateway import Gateway
from services.catalog.handlers.matching import Matcher
from services.catalog.handlers.questions import Questions, QueueLimits
from services.catalog.handlers.reserving import Decider, Terms, deciding
from services.catalog.handlers.syncing import Syncer
from services.catalog.http import QUESTIONS, ROUTES
from services.catalog.http.keys import ZONE
from services.catalog.schedule import Task, schedule, scheduled
from services.catalog.settings import Settings
from services.catalog.subscriptions import subscriptions
from shared import messaging
from shared.messaging.broker import connected
from shared.messaging.consumer import consuming
from shared.messaging.outbox import Database
from shared.messaging.relay import relaying
from shared.postgres.migrate import migrate
from shared.postgres.pool import pooled
from shared.web import operations
from shared.web.client import ServiceClient, client_session
from shared.web.keys import BROKER, DATABASE, VERIFIER
from shared.web.routes import add_routes
from shared.web.server import new_application, serving
from shared.web.service_token import service_credentials
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
        # Decisions never wait for a connection that a list or a batch of news holds.
        hot_pool = await enter(pooled(url, service="catalog", max_size=settings.catalog_deciders))
        database, hot = Database(pool), Database(hot_pool)
        # One bell: what a decision says is relayed as everything else.
        hot.published = database.published
        broker = await enter(connected(settings.nats_url, name="catalog"))
        app = new_application()
        app[DATABASE] = database
        app[BROKER] = broker
        app[ZONE] = settings.zone
        app[VERIFIER] = await enter(verifying(settings.access_url, broker))
        await enter(relaying(database, broker))
        heard = subscriptions(zone=settings.zone)
        app[operations.SUBSCRIPTIONS] = heard
        await enter(consuming(database, broker, heard, durable="catalog"))
        gateway = await enter(_gateway(settings))
        sync = Syncer(database, gateway, settings)
        match = Matcher(database, gateway, settings)
        pushing = (
            Task("sync", settings.catalog_sync_seconds, sync.round),
            Task("match-stores", settings.catalog_sync_seconds, match.round),
        )
        await enter(scheduled((*schedule(database, settings), *pushing)))
        app[QUESTIONS] = questions = Questions(_limits(settings))
        decider = Decider(questions, hot, _terms(settings))
        await enter(deciding(decider, writers=settings.catalog_deciders))
        add_routes(app, ROUTES)
        yield await enter(
            serving(
                app,
                host=settings.host,
                port=settings.catalog_port,
                connections_max=settings.connections_max,
            )
        )


@asynccontextmanager
async def _gateway(settings: Settings) -> AsyncIterator[Gateway]:
    """Calls platforms with tokens of intake's."""
    credentials = service_credentials(settings.access_url, settings.master_key_bytes, "catalog")
    async with client_session() as session:
        yield Gateway(
            session,
            ServiceClient(session, settings.intake_url, credentials),
            base_urls=settings.base_urls,
            calls_per_second=settings.catalog_goods_calls_per_second,
        )


def _limits(settings: Settings) -> QueueLimits:
    return QueueLimits(
        entries=settings.catalog_queue_max,
        batch=settings.catalog_batch_max,
        give_up_seconds=settings.catalog_give_up_seconds,
    )


def _terms(settings: Settings) -> Terms:
    return Terms(
        pay_within=settings.pay_within,
        release_after=settings.release_after,
        zone=settings.zone,
    )
