"""Asks signed questions at a fixed rate, whether or not answers come; a process of its own.

`python -m tests.benchmarks.asker '<json of Asking>'` prints the json of a Result. Latency counts
from the time at which a question was due, so that a queue in front of the server is not hidden.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass, field

import aiohttp
import orjson
import uvloop

from shared.platforms.douyin.signatures import sign_life

_TICK_SECONDS = 0.001


@dataclass(frozen=True)
class Asking:
    port: int
    client_key: str
    secret: str
    third_sku_id: str
    prefix: str
    seconds: float
    rate: float


@dataclass(frozen=True)
class Result:
    """`codes` counts the answers by error_code, or by what came instead."""

    seconds: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    codes: dict[str, int] = field(default_factory=dict)


@dataclass
class Run:
    asking: Asking
    session: aiohttp.ClientSession
    latencies: list[float] = field(default_factory=list)
    codes: Counter[str] = field(default_factory=Counter)

    async def ask(self, number: int, due: float) -> None:
        body = orjson.dumps(
            {
                "order_id": f"{self.asking.prefix}{number:09}",
                "sku": {"third_sku_id": self.asking.third_sku_id},
                "total_coupon_count": 1,
                "open_id": f"buyer-{number}",
            }
        )
        query = [("client_key", self.asking.client_key), ("timestamp", str(time.time_ns()))]
        headers = {"x-life-sign": sign_life(query, body, self.asking.secret)}
        address = "&".join(f"{name}={value}" for name, value in query)
        url = f"http://127.0.0.1:{self.asking.port}/spi/douyin/trade.order.pre_create_order"
        try:
            async with self.session.post(f"{url}?{address}", data=body, headers=headers) as answer:
                said = orjson.loads(await answer.read())
                code = str(said["data"]["error_code"]) if answer.ok else f"HTTP {answer.status}"
        except (aiohttp.ClientError, TimeoutError) as failure:
            code = type(failure).__name__
        self.latencies.append(time.perf_counter() - due)
        self.codes[code] += 1


async def generate(asking: Asking) -> Result:
    timeout = aiohttp.ClientTimeout(total=10)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
        run = Run(asking, session)
        started = time.perf_counter()
        total = int(asking.seconds * asking.rate)
        asked: list[asyncio.Task[None]] = []
        while len(asked) < total:
            due = started + len(asked) / asking.rate
            if due <= time.perf_counter():
                asked.append(asyncio.create_task(run.ask(len(asked), due)))
            else:
                await asyncio.sleep(_TICK_SECONDS)
        await asyncio.gather(*asked)
        seconds = time.perf_counter() - started
    ordered = sorted(run.latencies)

    def percentile(share: float) -> float:
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000

    return Result(seconds, percentile(0.50), percentile(0.99), ordered[-1] * 1000, dict(run.codes))


def main() -> None:
    asking = Asking(**json.loads(sys.argv[1]))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        result = runner.run(generate(asking))
    print(json.dumps(asdict(result)))  # noqa: T201 - it is the answer


if __name__ == "__main__":
    main()
