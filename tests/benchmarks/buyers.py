"""Buyers who all want the same SKU, as fast as one process can ask; a process of its own.

`python -m tests.benchmarks.buyers '<json of Rush>'` prints the json of a Result. Requests are
built before the clock starts, because the generator shares the cores with the server.
"""

import asyncio
import json
import resource
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import uvloop

_HOST = "127.0.0.1"
_ANSWER_SECONDS = 60.0


@dataclass(frozen=True)
class Rush:
    """Each connection asks again when its answer is there, until every buyer has asked."""

    port: int
    token: str
    merchant: str
    third_sku_id: str
    prefix: str
    buyers: int
    connections: int


@dataclass(frozen=True)
class Result:
    """`outcomes` counts held, each refusal, and http-<status>."""

    outcomes: dict[str, int]
    seconds: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    cpu_seconds: float

    @property
    def decided(self) -> int:
        return sum(number for name, number in self.outcomes.items() if name[:4] != "http")

    @property
    def per_second(self) -> float:
        return self.decided / self.seconds


class _Run:
    """What all connections share."""

    def __init__(self, rush: Rush) -> None:
        self.requests = [_request(rush, number) for number in range(rush.buyers)]
        self.next = 0
        self.outcomes: Counter[str] = Counter()
        self.latencies: list[float] = []
        self.done = asyncio.Event()

    def answered(self, outcome: str, seconds: float) -> None:
        self.outcomes[outcome] += 1
        self.latencies.append(seconds)
        if len(self.latencies) == len(self.requests):
            self.done.set()


class _Connection(asyncio.Protocol):
    """One buyer at a time."""

    def __init__(self, run: _Run) -> None:
        self._run = run
        self._buffer = b""
        self._sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._write = transport.write  # type: ignore[attr-defined]

    def ask(self) -> None:
        run = self._run
        if run.next < len(run.requests):
            self._sent = time.perf_counter()
            self._write(run.requests[run.next])
            run.next += 1

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, body = self._buffer.partition(b"\r\n\r\n")
        if not separator or len(body) < _length(head):
            return
        self._buffer = b""
        self._run.answered(_outcome(head, body), time.perf_counter() - self._sent)
        self.ask()


def _request(rush: Rush, number: int) -> bytes:
    ask = {
        "merchant": rush.merchant,
        "platform": "douyin",
        "client_key": "bench",
        "order_id": f"{rush.prefix}{number:08}",
        "buyer": f"buyer-{rush.prefix}{number}",
        "lines": [{"third_sku_id": rush.third_sku_id, "count": 1, "price_fen": 990}],
        "ordered_at": datetime.now(UTC).isoformat(),
    }
    body = json.dumps(ask, separators=(",", ":")).encode()
    head = (
        f"POST /v1/reservations HTTP/1.1\r\nHost: {_HOST}\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {rush.token}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _length(head: bytes) -> int:
    length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
    return int(length or b"0")


def _outcome(head: bytes, body: bytes) -> str:
    status = head[9:12].decode()
    if status != "200":
        return f"http-{status}"
    return str(json.loads(body).get("refusal") or "held")


async def rush(load: Rush) -> Result:
    """Ask for everybody; in this process."""
    run = _Run(load)
    loop = asyncio.get_running_loop()
    opened = [
        await loop.create_connection(lambda: _Connection(run), _HOST, load.port)
        for _ in range(load.connections)
    ]
    cpu_before, started = _cpu_seconds(), time.perf_counter()
    for _, connection in opened:
        connection.ask()
    async with asyncio.timeout(_ANSWER_SECONDS):
        await run.done.wait()
    seconds = time.perf_counter() - started
    for transport, _ in opened:
        transport.close()
    ordered = sorted(run.latencies)
    return Result(
        outcomes=dict(run.outcomes),
        seconds=seconds,
        p50_ms=ordered[len(ordered) // 2] * 1000,
        p99_ms=ordered[len(ordered) * 99 // 100] * 1000,
        max_ms=ordered[-1] * 1000,
        cpu_seconds=_cpu_seconds() - cpu_before,
    )


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    load = Rush(**json.loads(sys.argv[1]))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        result = runner.run(rush(load))
    print(json.dumps(asdict(result)))  # noqa: T201 - it is the answer


if __name__ == "__main__":
    main()
