"""A simulator that is killed in mid-flow goes on where it was: nothing promised is forgotten."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp

from tests.conftest import NewDatabase
from tests.integration.simulator.support import (
    ACCOUNT,
    CERTIFICATE,
    POI,
    SKU,
    Client,
    Json,
    Receiver,
    settings,
)
from tests.support.servers import ROOT, free_port
from tests.support.waiting import eventually

ORDERS, AT_ONCE, KILLS = 600, 50, 5


class Process:
    """The simulator as its own process, which can be killed and started anew on its port."""

    def __init__(self, postgres_url: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        told = settings(postgres_url)
        self._environment = os.environ | {
            "QIAO_POSTGRES_URL": postgres_url,
            "QIAO_MASTER_KEY": told.master_key.get_secret_value(),
            "QIAO_SIMULATOR_PORT": str(self.port),
            "QIAO_SIMULATOR_PREPARE_PER_SECOND": "100000",
            "QIAO_SIMULATOR_REFUND_SECONDS": "0.5",
            # So that what a killed sender held is sent again soon.
            "QIAO_SIMULATOR_WEBHOOK_TIMEOUT_SECONDS": "0.5",
            "QIAO_SIMULATOR_WEBHOOK_RETRY_SECONDS": "0.2",
            "QIAO_SIMULATOR_SPI_TIMEOUT_SECONDS": "1",
        }
        self._process: asyncio.subprocess.Process | None = None

    async def start(self, session: aiohttp.ClientSession) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "services.simulator",
            cwd=ROOT,
            env=self._environment,
            stderr=asyncio.subprocess.DEVNULL,
        )

        async def is_ready() -> bool:
            try:
                async with session.get(f"{self.url}/readyz") as response:
                    return response.status == 200
            except aiohttp.ClientError:
                return False

        await eventually(is_ready, within_seconds=30)

    async def kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGKILL)
            await self._process.wait()


@asynccontextmanager
async def process(postgres_url: str) -> AsyncIterator[tuple[Process, Client]]:
    running = Process(postgres_url)
    async with aiohttp.ClientSession() as session:
        try:
            await running.start(session)
            yield running, Client(running.url, session)
        finally:
            await running.kill()


async def persist(ask: Callable[[], Awaitable[Json]]) -> Json:
    """Ask until there is an answer, as everybody must who speaks with a platform."""
    answers: list[Json] = []

    async def answered() -> bool:
        try:
            answers.append(await ask())
        except (aiohttp.ClientError, AssertionError):
            return False
        return True

    await eventually(answered, within_seconds=60)
    return answers[-1]


async def live(simulator: Client, number: int, promised: dict[str, Json]) -> None:
    """Order, prepare and verify; write down what the platform has promised."""
    order = {"account_id": ACCOUNT, "sku": SKU, "reference": str(number)}
    answer = await persist(lambda: simulator.control("POST", "orders", {"orders": [order]}))
    placed = answer["orders"][0]
    coupon = placed["coupons"][0]
    if number % 3 == 0:
        refund = {"certificate_ids": [coupon["certificate_id"]]}
        await persist(lambda: simulator.control("POST", "refunds", refund))
        promised[placed["order_id"]] = {"state": "refunded"}
        return
    prepared = await persist(
        lambda: simulator.data("GET", f"{CERTIFICATE}/prepare/", code=coupon["code"], poi_id=POI)
    )
    verified = await persist(lambda: simulator.verify(prepared))
    result = verified["verify_results"][0]
    assert result["result"] == 0
    promised[placed["order_id"]] = {"state": "redeemed", "verify_id": result["verify_id"]}


async def test_nothing_promised_is_forgotten(database: NewDatabase, receiver: Receiver) -> None:
    promised: dict[str, Json] = {}
    async with process(await database("simulator")) as (running, simulator):
        await simulator.register(receiver.url)
        await simulator.sign_in()
        waiting = list(range(ORDERS))

        async def customers() -> None:
            while waiting:
                await live(simulator, waiting.pop(), promised)

        crowd = [asyncio.create_task(customers()) for _ in range(AT_ONCE)]
        for kill in range(1, KILLS + 1):

            async def has_come_far(kill: int = kill) -> bool:
                return len(promised) >= kill * ORDERS // (KILLS + 1)

            await eventually(has_come_far, within_seconds=60)
            await running.kill()
            await running.start(simulator.session)
        await asyncio.gather(*crowd)
        await eventually(simulator.idle, within_seconds=60)

        books = await simulator.control("GET", "books", limit="1000")
        sent = await simulator.control("GET", "webhooks", limit="1000")
        more = await simulator.control("GET", "webhooks", limit="1000", cursor=sent["next_cursor"])

    kept = {order["order_id"]: order["coupons"][0] for order in books["items"]}
    assert kept.keys() == promised.keys()
    for order_id, promise in promised.items():
        coupon = kept[order_id]
        assert coupon["state"] == promise["state"]
        verify_ids = [one["verify_id"] for one in coupon["verifications"]]
        assert verify_ids == ([promise["verify_id"]] if "verify_id" in promise else [])
    # One message of the payment and one of what became of the coupon, all of them heard.
    lines = [*sent["items"], *more["items"]]
    assert len({line["msg_id"] for line in lines}) == len(lines) == 2 * ORDERS
    assert {line["state"] for line in lines} == {"acknowledged"}
    assert {line["msg_id"] for line in lines} == {one.msg_id for one in receiver.received}
    assert all(one.genuine for one in receiver.received)
