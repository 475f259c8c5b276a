"""Tills that scan and redeem codes of ours as fast as one process can, or at a fixed rate.

`python -m tests.benchmarks.tills '<json of Queue>'` prints the json of a Result. Requests are
made of prepared pieces, because the generator shares the cores with the server.
"""

import asyncio
import json
import resource
import sys
import time
from collections import Counter, deque
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from uuid import uuid4

import uvloop

_HOST = "127.0.0.1"
_ANSWER_SECONDS = 60.0
_TICK_SECONDS = 0.001
_PREPARATION = b'"preparation_id":"'
_COUPON = b'"coupon_id":"'
_UUID_CHARACTERS = 36


@dataclass(frozen=True)
class Queue:
    """One code a customer, of a file with one a line; `rate` 0: the next when one is served."""

    port: int
    tokens: list[str]
    codes_file: str
    connections: int
    rate: float = 0.0


@dataclass(frozen=True)
class Result:
    """`pair` is a scan and its redemption, from when it was due to the answer of the second."""

    outcomes: dict[str, int]
    seconds: float
    pair_p50_ms: float
    pair_p95_ms: float
    pair_p99_ms: float
    cpu_seconds: float

    @property
    def redeemed(self) -> int:
        return self.outcomes.get("redeemed", 0)

    @property
    def per_second(self) -> float:
        return self.redeemed / self.seconds


class _Run:
    """What all tills share."""

    def __init__(self, queue: Queue) -> None:
        self.queue = queue
        self.codes = deque(Path(queue.codes_file).read_text().split())
        self.wanted = len(self.codes)
        self.outcomes: Counter[str] = Counter()
        self.latencies: list[float] = []
        self.free: deque[_Till] = deque()
        self.due: deque[float] = deque()
        self.done = asyncio.Event()

    def served(self, till: "_Till", outcome: str) -> None:
        now = time.perf_counter()
        self.outcomes[outcome] += 1
        self.latencies.append(now - till.due_at)
        if len(self.latencies) == self.wanted:
            self.done.set()
        elif self.queue.rate:
            if self.due:
                till.scan(self.due.popleft())
            else:
                self.free.append(till)
        elif self.codes:
            till.scan(now)


class _Till(asyncio.Protocol):
    """One customer at a time."""

    def __init__(self, run: _Run, token: str) -> None:
        self._run = run
        self._buffer = b""
        self._scanned = False
        self.due_at = 0.0
        self._headers = (
            f"Host: {_HOST}\r\nContent-Type: application/json\r\nAuthorization: Bearer {token}\r\n"
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._write = transport.write  # type: ignore[attr-defined]

    def scan(self, due_at: float) -> None:
        self.due_at, self._scanned = due_at, True
        self._send("POST /v1/preparations", f'{{"scan":"{self._run.codes.popleft()}"}}')

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, body = self._buffer.partition(b"\r\n\r\n")
        if not separator or len(body) < _length(head):
            return
        self._buffer = b""
        if self._scanned and b'"usable":true' in body:
            self._scanned = False
            preparation, coupon = _after(body, _PREPARATION), _after(body, _COUPON)
            content = f'{{"preparation_id":"{preparation}","coupon_ids":["{coupon}"]}}'
            self._send(f"PUT /v1/redemptions/{uuid4()}", content)
            return
        redeemed = b'{"outcome":"redeemed"' in body[:30]
        self._run.served(self, "redeemed" if redeemed else head.split(b" ")[1].decode())

    def _send(self, line: str, body: str) -> None:
        text = f"{line} HTTP/1.1\r\n{self._headers}Content-Length: {len(body)}\r\n\r\n{body}"
        self._write(text.encode())


def _after(body: bytes, name: bytes) -> str:
    start = body.index(name) + len(name)
    return body[start : start + _UUID_CHARACTERS].decode()


def _length(head: bytes) -> int:
    length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
    return int(length or b"0")


async def generate(queue: Queue) -> Result:
    run = _Run(queue)
    loop = asyncio.get_running_loop()
    tills = []
    for number in range(queue.connections):
        token = queue.tokens[number % len(queue.tokens)]
        _, till = await loop.create_connection(partial(_Till, run, token), _HOST, queue.port)
        tills.append(till)
    cpu_before, started = _cpu_seconds(), time.perf_counter()
    if queue.rate:
        run.free.extend(tills)
        await _send_at_rate(run, started)
    else:
        for till in tills:
            till.scan(time.perf_counter())
    async with asyncio.timeout(_ANSWER_SECONDS):
        await run.done.wait()
    seconds = time.perf_counter() - started
    return _result(run, seconds, _cpu_seconds() - cpu_before)


async def _send_at_rate(run: _Run, started: float) -> None:
    """Open loop: each customer comes at his time, whether or not a till is free."""
    planned = 0
    while planned < run.wanted:
        while planned < run.wanted and started + planned / run.queue.rate <= time.perf_counter():
            due_at = started + planned / run.queue.rate
            planned += 1
            if run.free:
                run.free.popleft().scan(due_at)
            else:
                run.due.append(due_at)
        await asyncio.sleep(_TICK_SECONDS)


def _result(run: _Run, seconds: float, cpu_seconds: float) -> Result:
    ordered = sorted(run.latencies)

    def percentile(share: float) -> float:
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000

    return Result(
        outcomes=dict(run.outcomes),
        seconds=seconds,
        pair_p50_ms=percentile(0.50),
        pair_p95_ms=percentile(0.95),
        pair_p99_ms=percentile(0.99),
        cpu_seconds=cpu_seconds,
    )


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    queue = Queue(**json.loads(sys.argv[1]))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        result = runner.run(generate(queue))
    print(json.dumps(asdict(result)))  # noqa: T201 - it is the answer


if __name__ == "__main__":
    main()
