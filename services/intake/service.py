"""Puts intake together: everything starts in order and stops in reverse."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

from services.intake.domain.secret_box import SecretBox
from services.intake.gateway import OwnerGateway, TokenGateway
from services.intake.handlers import metrics
from services.intake.handlers.answering import Answerer
from services.intake.handlers.answers import AnswerQueue, AnswerWriter, storing_answers
from services.intake.handlers.apps import Apps
from services.intake.handlers.asking import QuestionReader
from services.intake.handlers.committing import Committer, committing
from services.intake.handlers.counts import Counts
from services.intake.handlers.directory import Directory
from services.intake.handlers.handover import Handover
from services.intake.handlers.queue import CommitQueue, QueueLimits
from services.intake.handlers.receiving import Receiver
from services.intake.handlers.relaying import Relay, relaying_deliveries
from services.intake.handlers.tokens import Tokens
from services.intake.handlers.trade_keys import TradeApps
from services.intake.http import ROUTES
from services.intake.http.bodies import prepare_bodies
from services.intake.http.front import fronting
from services.intake.http.keys import INTAKE, Intake
from services.intake.queries.pending import count_pending
from services.intake.schedule import Every, repeating
from services.intake.settings import Settings
from services.intake.subscriptions import RETRIES, SUBSCRIPTIONS
from shared import messaging, sealing
from shared.messaging.broker import connected
from shared.messaging.consumer import consuming
from shared.messaging.outbox import Database
from shared.messaging.relay import relaying
from shared.platforms.questions import Pace
from shared.postgres.migrate import migrate
from shared.postgres.pool import pooled, when_possible
from shared.sealing.derivation import derive
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
_RELAY_CONNECTIONS = 1


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[str]:
    """Yields the HTTP base URL."""
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        url = settings.postgres_url.get_secret_value()
        pool = await enter(pooled(url, service="intake", max_size=settings.postgres_pool_max))
        await migrate(pool, *MIGRATIONS)
        # Commits and their relay never wait for a connection that a list or a report holds.
        hot_pool = await enter(
            pooled(url, service="intake", max_size=settings.intake_writers + _RELAY_CONNECTIONS)
        )
        database, hot = Database(pool), Database(hot_pool)
        broker = await enter(connected(settings.nats_url, name="intake"))
        intake = await _prepare(stack, settings, database)
        await enter(relaying(database, broker))
        handover = Handover()
        relay = Relay(hot, broker, intake.keyring, handover, intake.queue)
        await enter(relaying_deliveries(relay))
        await enter(consuming(database, broker, SUBSCRIPTIONS, durable="intake"))
        await enter(repeating(_schedule(intake, database)))
        committer = Committer(intake.queue, hot, database, intake.keyring, intake.counts, handover)
        await enter(committing(committer, writers=settings.intake_writers))
        answers = AnswerWriter(intake.answerer.answers, database, intake.keyring)
        await enter(storing_answers(answers))
        app = new_application()
        app[DATABASE], app[BROKER], app[INTAKE] = database, broker, intake
        app[VERIFIER] = await enter(verifying(settings.access_url, broker))
        app[operations.SUBSCRIPTIONS] = RETRIES
        prepare_bodies(app)
        add_routes(app, ROUTES)
        yield await enter(
            serving(
                app,
                host=settings.host,
                port=settings.intake_port,
                front=partial(fronting, intake),
                connections_max=settings.connections_max,
            )
        )


async def _prepare(stack: AsyncExitStack, settings: Settings, database: Database) -> Intake:
    master_key = settings.master_key_bytes
    keyring = Keyring(master_key, service="intake")
    secrets = SecretBox(master_key, purpose="application secrets")
    directory = Directory(database.pool, secrets, keyring)
    await when_possible(directory.refresh)
    session = await stack.enter_async_context(client_session())
    gateway = TokenGateway(session, {"douyin": settings.douyin_base_url})
    queue = CommitQueue(
        QueueLimits(
            entries=settings.intake_queue_max,
            total_bytes=settings.intake_queue_bytes_max,
            batch=settings.intake_batch_max,
            give_up_seconds=settings.intake_give_up_seconds,
        )
    )
    late_after = timedelta(seconds=settings.intake_late_after_seconds)
    return Intake(
        receiver=Receiver(directory, late_after),
        questions=QuestionReader(directory, late_after, derive(master_key, "buyer index")),
        answerer=Answerer(
            queue=queue,
            answers=AnswerQueue(settings.intake_queue_max),
            owners=await _owners(stack, settings),
            pool=database.pool,
            keyring=keyring,
            seconds={
                Pace.QUICK: settings.intake_quick_answer_seconds,
                Pace.ORDINARY: settings.intake_answer_seconds,
            },
        ),
        queue=queue,
        counts=Counts(database.pool),
        directory=directory,
        apps=Apps(database, secrets, directory),
        trade_apps=TradeApps(database, secrets, directory),
        tokens=Tokens(
            database.pool, SecretBox(master_key, purpose="platform tokens"), directory, gateway
        ),
        keyring=keyring,
        body_bytes_max=settings.intake_body_bytes_max,
    )


async def _owners(stack: AsyncExitStack, settings: Settings) -> OwnerGateway:
    """Each with connections of its own, so that one that is stuck holds up no other."""
    credentials = service_credentials(settings.access_url, settings.master_key_bytes, "intake")
    urls = {
        "catalog": settings.catalog_url,
        "orders": settings.orders_url,
        "redemption": settings.redemption_url,
    }
    clients = {
        service: ServiceClient(await stack.enter_async_context(client_session()), url, credentials)
        for service, url in urls.items()
    }
    return OwnerGateway(clients, open_max=settings.intake_open_questions_max)


def _schedule(intake: Intake, database: Database) -> tuple[Every, ...]:
    async def measure_pending() -> None:
        async with database.pool.acquire() as conn:
            metrics.PENDING.set(await count_pending(conn))

    return (
        Every(0.7, "directory_refresh", intake.directory.refresh),
        Every(1.0, "counts_write", intake.counts.write, also_at_end=True),
        Every(5.0, "silence_measure", intake.counts.measure_silence),
        Every(5.0, "pending_measure", measure_pending),
        Every(20.0, "token_refresh", intake.tokens.refresh_ahead),
    )
