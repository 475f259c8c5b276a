"""Typed keys for what an application and a request carry."""

from collections.abc import Mapping

from aiohttp import web

from shared.messaging.broker import Broker
from shared.messaging.outbox import Database
from shared.web.principal import Principal
from shared.web.verifier import TokenVerifier

DATABASE = web.AppKey("DATABASE", Database)
BROKER = web.AppKey("BROKER", Broker)
VERIFIER = web.AppKey("VERIFIER", TokenVerifier)
PRINCIPAL = web.RequestKey("PRINCIPAL", Principal)
TRACEPARENT = web.RequestKey("TRACEPARENT", str)
# Ids that a handler adds to the line of its request, so that an order can be followed.
LOGGED = web.RequestKey("LOGGED", Mapping[str, object])
