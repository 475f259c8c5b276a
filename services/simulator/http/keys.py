"""What the application carries for its handlers."""

from dataclasses import dataclass, field

from aiohttp import web

from services.simulator.domain import shapes
from services.simulator.domain.asked import VerifyRequest
from services.simulator.domain.limits import TokenBucket
from services.simulator.gateway import QuestionPoster, WebhookPoster
from services.simulator.handlers.grouping import Grouped
from services.simulator.handlers.preparing import PrepareRequest
from services.simulator.handlers.world import World


@dataclass(slots=True)
class Edge:
    world: World
    poster: WebhookPoster
    questions: QuestionPoster
    preparing: Grouped[PrepareRequest, shapes.Json]
    verifying: Grouped[VerifyRequest, shapes.Json]
    buckets: dict[tuple[str, str], TokenBucket] = field(default_factory=dict)


EDGE = web.AppKey("EDGE", Edge)
