"""What every service offers its operator, but that a rebuild here queues deliveries too."""

from aiohttp import web

from services.intake.handlers import records
from services.intake.http.shapes import Requeued
from shared.messaging.queries import republish_since
from shared.web.body import json_response, read_body
from shared.web.keys import DATABASE
from shared.web.operations import HEALTH_ROUTES, OPERATION_ROUTES, RepublishRequest
from shared.web.routes import Route

_REPUBLISH = "/v1/outbox/republish"


async def republish(request: web.Request) -> web.Response:
    """Deliveries are no outbox rows: their record is queued, and what intake itself said."""
    body = await read_body(request, RepublishRequest)
    database = request.app[DATABASE]
    deliveries = await records.queue_since(database, body.since)
    async with database.transaction() as transaction:
        said = await republish_since(transaction.conn, body.since)
    database.published.ring()
    answer: Requeued = {"queued": deliveries + said, "deliveries": deliveries, "events": said}
    return json_response(answer)


ROUTES = (
    *HEALTH_ROUTES,
    *(route for route in OPERATION_ROUTES if route.path != _REPUBLISH),
    Route(
        "POST",
        _REPUBLISH,
        republish,
        "stream:rebuild",
        summary="Say once more what was said since then",
        body=RepublishRequest,
        answers={200: Requeued},
    ),
)
