"""Calls out: access tokens of platforms, and our services that own what platforms ask about."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

import aiohttp

from shared.contracts.asks import (
    CodesAnswer,
    CodesAsk,
    OrderAnswer,
    OrderAsk,
    RefundAnswer,
    RefundAsk,
    StatusAnswer,
    StatusAsk,
)
from shared.errors import Unavailable
from shared.platforms.questions import Answer, Ask
from shared.platforms.registry import platform_named
from shared.platforms.tokens import AccessToken
from shared.web.client import ServiceClient


@dataclass(frozen=True, slots=True)
class TokenGateway:
    session: aiohttp.ClientSession
    base_urls: Mapping[str, str]

    async def fetch(self, *, platform: str, client_key: str, client_secret: str) -> AccessToken:
        """Always a new token. Raises Refused or Retry."""
        keeper = platform_named(platform).new_token_keeper(
            self.session,
            base_url=self.base_urls[platform],
            client_key=client_key,
            client_secret=client_secret,
        )
        return await keeper.access_token()


class Owner(NamedTuple):
    service: str
    path: str
    answers: type[Answer]


OWNERS: Mapping[type[Ask], Owner] = MappingProxyType(
    {
        OrderAsk: Owner("catalog", "/v1/reservations", OrderAnswer),
        CodesAsk: Owner("redemption", "/v1/issues", CodesAnswer),
        RefundAsk: Owner("orders", "/v1/after-sales", RefundAnswer),
        StatusAsk: Owner("orders", "/v1/orders/statuses", StatusAnswer),
    }
)


class OwnerGateway:
    """Asks the service that owns a matter. One that is stuck takes no room from the others."""

    def __init__(self, clients: Mapping[str, ServiceClient], *, open_max: int) -> None:
        self._clients = clients
        self._open_max = open_max
        self._open = dict.fromkeys(clients, 0)

    async def ask(self, ask: Ask) -> Answer:
        """Raises Rejection, or Unavailable if there is no answer. The caller limits the time."""
        owner = OWNERS[type(ask)]
        if self._open[owner.service] >= self._open_max:
            raise Unavailable(f"too many questions wait for {owner.service}")
        self._open[owner.service] += 1
        try:
            answer = await self._clients[owner.service].call(
                "POST", owner.path, body=ask.model_dump(mode="json")
            )
        finally:
            self._open[owner.service] -= 1
        return owner.answers.model_validate(answer)
