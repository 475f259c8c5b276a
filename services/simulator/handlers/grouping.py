"""Many calls, one commit: calls that arrive while a transaction is open share the next one."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

import structlog

from services.simulator.domain.codes import Code, PlatformError
from shared.messaging.wake import Wake
from shared.postgres.connection import Connection, Pool

_BATCH_MAX = 200
_WAITING_MAX = 10_000
_POLL_SECONDS = 1.0

Request = TypeVar("Request")
Answer = TypeVar("Answer")
log = structlog.get_logger()


class Grouped(Generic[Request, Answer]):
    """Answers each call only after the commit of what was done for it.

    `handle` answers every request of a batch; an answer that is an exception is raised.
    """

    def __init__(
        self,
        pool: Pool,
        handle: Callable[[Connection, Sequence[Request]], Awaitable[Sequence[Answer | Exception]]],
    ) -> None:
        self._pool = pool
        self._handle = handle
        self._waiting: deque[tuple[Request, asyncio.Future[Answer]]] = deque()
        self._wake = Wake()

    async def ask(self, request: Request) -> Answer:
        """Raises PlatformError where too many wait already."""
        if len(self._waiting) >= _WAITING_MAX:
            raise PlatformError(Code.BUSY)
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((request, future))
        self._wake.ring()
        return await future

    async def run(self, stop: asyncio.Event) -> None:
        stopping = asyncio.create_task(stop.wait())
        stopping.add_done_callback(lambda _: self._wake.ring())
        while not stop.is_set() or self._waiting:
            if not self._waiting:
                await self._wake.wait(_POLL_SECONDS)
                continue
            count = min(len(self._waiting), _BATCH_MAX)
            await self._answer([self._waiting.popleft() for _ in range(count)])

    async def _answer(self, batch: Sequence[tuple[Request, asyncio.Future[Answer]]]) -> None:
        try:
            async with self._pool.acquire() as conn, conn.transaction():
                answers = await self._handle(conn, [request for request, _ in batch])
        except Exception as failure:  # noqa: BLE001 - each caller gets it, or its own turn
            await self._answer_one_by_one(batch, failure)
            return
        for (_, future), answer in zip(batch, answers, strict=True):
            _settle(future, answer)

    async def _answer_one_by_one(
        self, batch: Sequence[tuple[Request, asyncio.Future[Answer]]], failure: Exception
    ) -> None:
        """One bad call must not fail the others."""
        if len(batch) == 1:
            _settle(batch[0][1], failure)
            return
        log.warning("batch_failed", calls=len(batch), error=type(failure).__name__)
        for one in batch:
            await self._answer([one])


def _settle(future: asyncio.Future[Answer], answer: Answer | Exception) -> None:
    if future.done():
        return
    if isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)
