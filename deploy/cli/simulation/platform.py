"""The controls of the simulated platform, asked again while it is away."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from deploy.cli.simulation.faults import PRESETS
from deploy.cli.simulation.persistence import persist
from deploy.cli.simulation.scenario import Scenario
from deploy.cli.system import Qiao
from shared.web.client import call

_PAGE = "1000"

# Any, throughout: JSON.
Json = dict[str, Any]


class Platform:
    """Every call may be repeated without harm."""

    def __init__(self, qiao: Qiao) -> None:
        self._session = qiao.session
        self._base_url = qiao.system.address("simulator")

    async def scenario(self, name: str) -> Scenario:
        return Scenario.model_validate(await self._ask("GET", f"/scenarios/{name}"))

    async def place(self, orders: Sequence[Json]) -> list[Json]:
        """Orders carry a reference: the same again gives the first ones."""
        answer = await self._ask("POST", "/orders", {"orders": list(orders)})
        placed: list[Json] = answer["orders"]
        return placed

    async def pay(self, order_ids: Sequence[str]) -> None:
        await self._ask("POST", "/payments", {"order_ids": [int(one) for one in order_ids]})

    async def refund(self, certificate_ids: Sequence[str]) -> Json:
        body = {"certificate_ids": list(certificate_ids)}
        return await self._ask("POST", "/refunds", body)

    async def announce(self, events: Sequence[Json]) -> None:
        await self._ask("POST", "/events", {"events": list(events)})

    async def idle(self) -> Json:
        return await self._ask("GET", "/idle")

    async def statistics(self) -> Json:
        return await self._ask("GET", "/stats")

    async def faults(self) -> Json:
        return await self._ask("GET", "/faults")

    async def set_faults(self, faults: Json | str, *, seed: int) -> None:
        named = isinstance(faults, str) and faults in PRESETS
        await self._ask("PUT", "/faults", {"preset": faults, "seed": seed} if named else faults)

    async def pace(self) -> Json:
        return await self._ask("GET", "/pace")

    async def set_pace(self, pace: Mapping[str, object]) -> None:
        await self._ask("PUT", "/pace", dict(pace))

    async def books(self) -> AsyncIterator[Json]:
        """Every order that the platform knows, as it knows it."""
        async for order in self._pages("/books"):
            yield order

    async def acknowledged(self) -> AsyncIterator[Json]:
        """Every webhook that was answered with 2xx."""
        async for line in self._pages("/webhooks", state="acknowledged"):
            yield line

    async def _pages(self, path: str, **query: str) -> AsyncIterator[Json]:
        asked = {"limit": _PAGE, **query}
        while True:
            answer = await self._ask("GET", path, query=asked)
            for item in answer["items"]:
                yield item
            if answer["next_cursor"] is None:
                return
            asked["cursor"] = answer["next_cursor"]

    async def _ask(
        self, method: str, path: str, body: object = None, query: Mapping[str, str] | None = None
    ) -> Json:
        url = f"{self._base_url}/sim/v1{path}"

        async def once() -> Json:
            answer: Json = await call(self._session, method, url, body=body, query=query)
            return answer

        return await persist(once)
