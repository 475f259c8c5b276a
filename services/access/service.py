"""The composition root: starts everything in order, stops it in reverse."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path

from aiohttp import web

from services.access.handlers.authority import Authority
from services.access.handlers.clients import HouseClients
from services.access.handlers.keyed import KeyedHashes
from services.access.handlers.limits import Buckets
from services.access.handlers.passwords import Passwords
from services.access.handlers.signing_keys import KeySeal, Rotation
from services.access.http import ROUTES
from services.access.http.parts import PARTS, Parts
from services.access.schedule import scheduled, tasks
from services.access.settings import Settings
from services.access.subscriptions import SUBSCRIPTIONS
from shared import messaging, sealing
from shared.messaging.broker import Broker, connected
from shared.messaging.consumer import consuming
from shared.messaging.outbox import Database
from shared.messaging.relay import relaying
from shared.postgres.migrate import migrate
from shared.postgres.pool import pooled, when_possible
from shared.sealing.keyring import Keyring
from shared.web import operations
from shared.web.keys import BROKER, DATABASE, VERIFIER
from shared.web.routes import add_routes
from shared.web.server import new_application, serving
from shared.web.verifier import TokenVerifier

MIGRATIONS = (
    messaging.MIGRATIONS,
    sealing.MIGRATIONS,
    Path(__file__).parent / "migrations",
)


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[str]:
    """Yields the HTTP base URL."""
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(
            pooled(
                settings.postgres_url.get_secret_value(),
                service="access",
                max_size=settings.postgres_pool_max,
            )
        )
        await migrate(pool, *MIGRATIONS)
        database = Database(pool)
        # Its own tokens it checks like any other service, but with keys it has at hand.
        verifier = TokenVerifier()
        parts = _parts(settings, verifier)
        await when_possible(lambda: parts.authority.start(database))
        broker = await stack.enter_async_context(connected(settings.nats_url, name="access"))
        await stack.enter_async_context(relaying(database, broker))
        await stack.enter_async_context(
            consuming(database, broker, SUBSCRIPTIONS, durable="access")
        )
        await stack.enter_async_context(
            scheduled(tasks(database, parts.authority, parts.seal, parts.rotation))
        )
        app = _application(database, broker, verifier, parts)
        yield await stack.enter_async_context(
            serving(
                app,
                host=settings.host,
                port=settings.access_port,
                connections_max=settings.connections_max,
            )
        )


def _parts(settings: Settings, verifier: TokenVerifier) -> Parts:
    master_key = settings.master_key_bytes
    token_life = timedelta(seconds=settings.access_token_seconds)
    operator = settings.access_operator_secret
    seal = KeySeal(master_key)
    return Parts(
        authority=Authority(seal, verifier, token_life=token_life),
        house=HouseClients(master_key, operator.get_secret_value() if operator else None),
        keyed=KeyedHashes(master_key),
        keyring=Keyring(master_key, service="access"),
        passwords=Passwords(),
        seal=seal,
        rotation=Rotation(
            every=timedelta(days=settings.access_key_rotation_days),
            lead=timedelta(seconds=settings.access_key_lead_seconds),
            token_life=token_life,
        ),
        refusals=Buckets(
            burst=settings.access_refusals_burst,
            per_minute=settings.access_refusals_per_minute,
        ),
        tokens=Buckets(
            burst=settings.access_tokens_burst, per_minute=settings.access_tokens_per_minute
        ),
        code_life=timedelta(minutes=settings.access_enrolment_minutes),
        session_life=timedelta(hours=settings.access_session_hours),
        behind_proxy=settings.access_behind_proxy,
    )


def _application(
    database: Database, broker: Broker, verifier: TokenVerifier, parts: Parts
) -> web.Application:
    app = new_application()
    app[DATABASE] = database
    app[BROKER] = broker
    app[VERIFIER] = verifier
    app[PARTS] = parts
    app[operations.SUBSCRIPTIONS] = SUBSCRIPTIONS
    add_routes(app, ROUTES)
    return app
