from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from ssl import PROTOCOL_TLS_SERVER, SSLContext

from aiohttp import web

from services.simulator.gateway import asking, posting
from services.simulator.handlers.asking import Asker
from services.simulator.handlers.grouping import Grouped
from services.simulator.handlers.preparing import prepare
from services.simulator.handlers.sending import Sender
from services.simulator.handlers.verifying import verify
from services.simulator.handlers.world import new_world, reload_controls
from services.simulator.http import ROUTES
from services.simulator.http.keys import EDGE, Edge
from services.simulator.schedule import SCHEDULE, repeat
from services.simulator.settings import Settings
from shared.messaging.background import background
from shared.postgres.migrate import migrate
from shared.postgres.pool import pooled
from shared.web.routes import add_routes
from shared.web.server import new_application, serving

# No outbox: the simulator says nothing to us but by webhook.
MIGRATIONS = Path(__file__).parent / "migrations"


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[str]:
    """Start everything in order; stop it in reverse. Yields the HTTP base URL."""
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(
            pooled(
                settings.postgres_url.get_secret_value(),
                service="simulator",
                max_size=settings.postgres_pool_max,
            )
        )
        await migrate(pool, MIGRATIONS)
        world = new_world(pool, settings)
        await reload_controls(world)
        poster = await stack.enter_async_context(
            posting(
                timeout_seconds=settings.simulator_webhook_timeout_seconds,
                connections=settings.simulator_webhook_senders,
            )
        )
        questions = await stack.enter_async_context(
            asking(
                timeout_seconds=settings.simulator_spi_timeout_seconds,
                connections=settings.simulator_spi_senders,
            )
        )
        edge = Edge(
            world=world,
            poster=poster,
            questions=questions,
            preparing=Grouped(pool, partial(prepare, world)),
            verifying=Grouped(pool, partial(verify, world)),
        )
        for repeated in SCHEDULE:
            await stack.enter_async_context(
                background(partial(repeat, repeated, world), name=repeated.name)
            )
        await stack.enter_async_context(background(Sender(world, poster).run, name="sending"))
        await stack.enter_async_context(background(Asker(world, questions).run, name="asking"))
        await stack.enter_async_context(background(edge.preparing.run, name="preparing"))
        await stack.enter_async_context(background(edge.verifying.run, name="verifying"))
        if settings.simulator_tls_port is not None:
            await stack.enter_async_context(
                _serving_tls(edge, settings, settings.simulator_tls_port)
            )
        yield await stack.enter_async_context(
            serving(_application(edge), host=settings.simulator_host, port=settings.simulator_port)
        )


def _application(edge: Edge) -> web.Application:
    app = new_application()
    app[EDGE] = edge
    add_routes(app, ROUTES)
    return app


@asynccontextmanager
async def _serving_tls(edge: Edge, settings: Settings, port: int) -> AsyncIterator[str]:
    """The same paths again, for clients that insist on https."""
    context = SSLContext(PROTOCOL_TLS_SERVER)
    context.load_cert_chain(
        str(settings.simulator_tls_certificate), str(settings.simulator_tls_key)
    )
    async with serving(
        _application(edge), host=settings.simulator_host, port=port, tls=context
    ) as url:
        yield url
