"""Sends signed webhooks as fast as one process can, or at a fixed rate; a process of its own.

`python -m tests.benchmarks.generator '<json of Load>'` prints the json of a Result. Requests are
built and signed before the clock starts, because the generator shares the cores with the server.
"""

import asyncio
import json
import resource
import sys
import time
from collections import deque
from dataclasses import asdict, dataclass
from pathlib import Path

import uvloop

from shared.platforms.douyin.signatures import sign_webhook

SUCCESS = b'{"data":{"error_code":0,"description":"success"}}'
_DISTINCT_BODIES = 2000
_TICK_SECONDS = 0.001
_LAST_ANSWERS_SECONDS = 6.0


@dataclass(frozen=True)
class Load:
    """`rate` 0 means closed loop: each connection sends when its answer is there."""

    port: int
    path: str
    secret: str
    prefix: str
    seconds: float
    connections: int
    body_bytes: int
    acknowledged_file: str
    rate: float = 0.0


@dataclass(frozen=True)
class Result:
    acknowledged: int
    refused: int
    unanswered: int
    seconds: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    cpu_seconds: float


class Requests:
    """Every request with a message id of its own and one of many bodies."""

    def __init__(self, load: Load) -> None:
        self._parts = [self._build(load, number) for number in range(_DISTINCT_BODIES)]
        self._prefix = load.prefix.encode()

    def bytes_of(self, number: int) -> bytes:
        head, tail = self._parts[number % _DISTINCT_BODIES]
        return b"%b%b-%d%b" % (head, self._prefix, number, tail)

    @staticmethod
    def _build(load: Load, number: int) -> tuple[bytes, bytes]:
        body = a_body(number, load.body_bytes)
        head = (
            f"POST {load.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"X-Douyin-Signature: {sign_webhook(body, load.secret)}\r\n"
            f"Content-Length: {len(body)}\r\nMsg-Id: "
        )
        return head.encode(), b"\r\n\r\n" + body


def a_body(number: int, size: int) -> bytes:
    """An order notification of exactly `size` bytes, with a buyer's phone number in it."""
    now = int(time.time())
    content = {
        "action": "pay_success",
        "msg_time": now,
        "order": {
            "order_id": f"1{number:018}",
            "account_id": "7094221573452761123",
            "pay_amount": 990,
            "original_amount": 1900,
            "create_time": now - 30,
            "pay_time": now - 2,
            "phone": f"138{number:08}",
            "sku_list": [{"sku_id": str(index), "count": 1} for index in range(2)],
            "title": "",
        },
    }
    envelope = {"event": "life_trade_order_notify", "client_key": "bench", "from_user_id": ""}

    def dump() -> bytes:
        inner = json.dumps(content, separators=(",", ":"))
        return json.dumps({**envelope, "content": inner}, separators=(",", ":")).encode()

    content["order"]["title"] = "x" * (size - len(dump()))  # type: ignore[index]
    return dump()


class Run:
    """The state that all connections share."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.requests = Requests(load)
        self.next_number = 0
        self.started = 0.0
        self.sending = True
        self.acknowledged: list[int] = []
        self.latencies: list[float] = []
        self.refused = 0
        self.free: deque[Connection] = deque()
        self.due: deque[float] = deque()
        self.open = 0
        self.idle = asyncio.Event()

    def answered(self, connection: "Connection", *, ok: bool) -> None:
        now = time.perf_counter()
        if ok:
            self.acknowledged.append(connection.number)
            self.latencies.append(now - connection.intended)
        else:
            self.refused += 1
        self.open -= 1
        if self.load.rate:
            if self.due:
                self.send(connection, self.due.popleft())
            else:
                self.free.append(connection)
        elif self.sending:
            self.send(connection, now)
        if not self.open and not self.sending:
            self.idle.set()

    def send(self, connection: "Connection", intended: float) -> None:
        number = self.next_number
        self.next_number += 1
        self.open += 1
        connection.number, connection.intended = number, intended
        connection.write(self.requests.bytes_of(number))


class Connection(asyncio.Protocol):
    def __init__(self, run: Run) -> None:
        self._run = run
        self._buffer = b""
        self.number = 0
        self.intended = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.write = transport.write  # type: ignore[attr-defined]
        self._run.free.append(self)

    def data_received(self, data: bytes) -> None:
        if self._buffer:
            data = self._buffer + data
        if data.endswith(SUCCESS) and data.startswith(b"HTTP/1.1 200"):
            self._buffer = b""
            self._run.answered(self, ok=True)
        elif _is_whole(data):
            self._buffer = b""
            self._run.answered(self, ok=False)
        else:
            self._buffer = data


def _is_whole(data: bytes) -> bool:
    head, separator, body = data.partition(b"\r\n\r\n")
    if not separator:
        return False
    length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
    return len(body) >= int(length or b"0")


async def generate(load: Load) -> Result:
    run = Run(load)
    loop = asyncio.get_running_loop()
    for _ in range(load.connections):
        await loop.create_connection(lambda: Connection(run), "127.0.0.1", load.port)
    cpu_before = _cpu_seconds()
    run.started = time.perf_counter()
    if load.rate:
        await _send_at_rate(run)
    else:
        for connection in list(run.free):
            run.send(connection, time.perf_counter())
        await asyncio.sleep(load.seconds)
    run.sending = False
    if run.open:
        try:
            async with asyncio.timeout(_LAST_ANSWERS_SECONDS):
                await run.idle.wait()
        except TimeoutError:
            pass
    seconds = time.perf_counter() - run.started
    _write_acknowledged(load, run.acknowledged)
    return _result(run, seconds, _cpu_seconds() - cpu_before)


async def _send_at_rate(run: Run) -> None:
    """Open loop: each request is due at its time, whether or not a connection is free."""
    planned, total = 0, int(run.load.seconds * run.load.rate)
    while planned < total:
        now = time.perf_counter()
        while planned < total and run.started + planned / run.load.rate <= now:
            intended = run.started + planned / run.load.rate
            planned += 1
            if run.free:
                run.send(run.free.popleft(), intended)
            else:
                run.due.append(intended)
        await asyncio.sleep(_TICK_SECONDS)


def _write_acknowledged(load: Load, numbers: list[int]) -> None:
    text = "\n".join(f"{load.prefix}-{number}" for number in numbers)
    Path(load.acknowledged_file).write_text(text)


def _result(run: Run, seconds: float, cpu_seconds: float) -> Result:
    ordered = sorted(run.latencies) or [0.0]

    def percentile(share: float) -> float:
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000

    return Result(
        acknowledged=len(run.acknowledged),
        refused=run.refused,
        unanswered=run.open + len(run.due),
        seconds=seconds,
        p50_ms=percentile(0.50),
        p99_ms=percentile(0.99),
        max_ms=ordered[-1] * 1000,
        cpu_seconds=cpu_seconds,
    )


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    load = Load(**json.loads(sys.argv[1]))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        result = runner.run(generate(load))
    print(json.dumps(asdict(result)))  # noqa: T201 - it is the answer


if __name__ == "__main__":
    main()
