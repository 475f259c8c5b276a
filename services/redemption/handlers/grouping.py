"""Many requests, one commit: those that arrive while a batch is under way share the next one."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeAlias, TypeVar

import structlog

from shared.errors import Unavailable
from shared.messaging.wake import Wake
from shared.postgres.connection import CONFLICTS, is_outage
from shared.postgres.patience import CLERK_SECONDS, waiting_at_most

_BATCH_MAX: Final = 200
_WAITING_MAX: Final = 5_000
# A request that has to look again so often meets a fault, not a rival.
_TURNS_MAX: Final = 20
_POLL_SECONDS: Final = 1.0
# Somebody at a till waits for the answer; what is under way then may still be committed.
_GIVE_UP_SECONDS: Final = 4.0

Ask = TypeVar("Ask")
Told = TypeVar("Told")
log = structlog.get_logger()


class Again:
    """A rival was faster, or goes first in this batch: the request is looked at in the next."""


AGAIN: Final = Again()
Outcome: TypeAlias = "Told | Exception | Again"


@dataclass(slots=True)
class _Waiting(Generic[Ask, Told]):
    ask: Ask
    answer: "asyncio.Future[Told]"
    turns: int = 0


class Grouped(Generic[Ask, Told]):
    """Answers each request only after the commit of what was done for it.

    `handle` is given a batch and gives one outcome for each; an exception is raised to the one
    who asked. What `handle` itself raises is everybody's fault or somebody's: then the batch is
    tried by halves, so that one bad request never fails the others.
    """

    def __init__(
        self,
        name: str,
        handle: Callable[[Sequence[Ask]], Awaitable[Sequence["Outcome[Told]"]]],
    ) -> None:
        self._name = name
        self._handle = handle
        self._waiting: deque[_Waiting[Ask, Told]] = deque()
        self._wake = Wake()

    async def ask(self, request: Ask) -> Told:
        """Raises Unavailable where too many wait already, or where it takes too long."""
        if len(self._waiting) >= _WAITING_MAX:
            message = "too many requests wait for the database"
            raise Unavailable(message)
        answer: asyncio.Future[Told] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(request, answer))
        self._wake.ring()
        try:
            async with asyncio.timeout(_GIVE_UP_SECONDS):
                return await answer
        except TimeoutError:
            raise Unavailable("the database takes too long: ask again") from None

    async def run(self, stop: asyncio.Event) -> None:
        with waiting_at_most(CLERK_SECONDS):
            await self._serve_until(stop)

    async def _serve_until(self, stop: asyncio.Event) -> None:
        stopping = asyncio.create_task(stop.wait())
        stopping.add_done_callback(lambda _: self._wake.ring())
        while not stop.is_set() or self._waiting:
            batch = self._take()
            if batch:
                await self._serve(batch)
            else:
                await self._wake.wait(_POLL_SECONDS)

    def _take(self) -> list[_Waiting[Ask, Told]]:
        batch: list[_Waiting[Ask, Told]] = []
        while self._waiting and len(batch) < _BATCH_MAX:
            waiting = self._waiting.popleft()
            # Nobody waits any more for one whose connection has broken.
            if not waiting.answer.done():
                batch.append(waiting)
        return batch

    async def _serve(self, batch: Sequence[_Waiting[Ask, Told]]) -> None:
        try:
            outcomes = await self._handle([waiting.ask for waiting in batch])
        except Exception as failure:  # noqa: BLE001 - each of them gets an answer
            await self._fail(batch, failure)
            return
        again = []
        for waiting, outcome in zip(batch, outcomes, strict=True):
            if isinstance(outcome, Again):
                again.append(waiting)
            else:
                _settle(waiting, outcome)
        # They came before those who wait.
        self._waiting.extendleft(reversed([each for each in again if _may_turn(each)]))

    async def _fail(self, batch: Sequence[_Waiting[Ask, Told]], failure: Exception) -> None:
        if is_outage(failure) or isinstance(failure, CONFLICTS):
            log.warning("batch_delayed", batch=self._name, error=type(failure).__name__)
            for waiting in batch:
                _settle(waiting, Unavailable("the database is away: ask again"))
        elif len(batch) == 1:
            _settle(batch[0], failure)
        else:
            log.warning("batch_split", batch=self._name, error=type(failure).__name__)
            middle = len(batch) // 2
            await self._serve(batch[:middle])
            await self._serve(batch[middle:])


def _may_turn(waiting: "_Waiting[Ask, Told]") -> bool:
    waiting.turns += 1
    if waiting.turns < _TURNS_MAX:
        return True
    _settle(waiting, Unavailable("others keep taking and leaving this coupon"))
    return False


def _settle(waiting: "_Waiting[Ask, Told]", outcome: "Told | Exception") -> None:
    if waiting.answer.done():
        return
    if isinstance(outcome, Exception):
        waiting.answer.set_exception(outcome)
    else:
        waiting.answer.set_result(outcome)
