"""Who waits for a commit, how long, and what reaches the relay by the short way."""

import asyncio
from uuid import UUID

import pytest

from services.intake.domain.deliveries import Delivery
from services.intake.handlers.handover import Handover
from services.intake.handlers.queue import CommitQueue, QueueLimits
from shared.clock import utc_now
from shared.errors import Unavailable
from shared.ids import new_id


def a_delivery(size: int = 10, delivery_id: UUID | None = None) -> Delivery:
    delivery_id = delivery_id or new_id()
    return Delivery(
        delivery_id=delivery_id,
        client_key="aw",
        dedupe_key=f"msg:{delivery_id}",
        platform="douyin",
        merchant="m1",
        account_id=None,
        event="x",
        msg_id=str(delivery_id),
        digest=bytes(32),
        raw=bytes(size),
        received_at=utc_now(),
        sent_at=None,
        late=False,
        content={},
    )


def a_queue(
    *, entries: int = 100, total_bytes: int = 10_000, batch: int = 10, give_up: float = 4.0
) -> CommitQueue:
    return CommitQueue(QueueLimits(entries, total_bytes, batch, give_up))


async def test_a_batch_holds_at_most_what_one_commit_may() -> None:
    queue = a_queue(batch=3)
    deliveries = [a_delivery() for _ in range(5)]
    for delivery in deliveries:
        queue.put(delivery)
    first, second = await queue.take(), await queue.take()
    assert [waiting.delivery for waiting in (*first, *second)] == deliveries
    assert (len(first), queue.depth) == (3, 0)


async def test_many_who_waited_for_one_commit_press_until_nobody_waits() -> None:
    queue = a_queue(batch=80)
    for _ in range(100):
        queue.put(a_delivery())
    assert not queue.pressed
    await queue.take()
    assert queue.pressed
    await queue.take()
    assert not queue.pressed


@pytest.mark.parametrize("limits", [{"entries": 2}, {"total_bytes": 25}])
async def test_over_a_limit_there_is_no_room_until_some_is_taken(limits: dict[str, int]) -> None:
    queue = a_queue(**limits)
    queue.put(a_delivery(10))
    queue.put(a_delivery(10))
    with pytest.raises(Unavailable):
        queue.put(a_delivery(10))
    await queue.take()
    queue.put(a_delivery(10))


async def test_who_waits_too_long_is_told_and_makes_room() -> None:
    queue = a_queue(entries=1, give_up=0.0)
    answer = queue.put(a_delivery())
    queue.give_up_overdue()
    assert isinstance(answer.result(), Unavailable)
    queue.put(a_delivery())
    assert queue.depth == 1


async def test_who_waits_in_a_commit_is_told_too() -> None:
    queue = a_queue(give_up=0.0)
    answer = queue.put(a_delivery())
    await queue.take()
    queue.give_up_overdue()
    assert isinstance(answer.result(), Unavailable)


async def test_what_was_given_up_is_not_committed() -> None:
    queue = a_queue()
    answer = queue.put(a_delivery())
    kept = queue.put(a_delivery())
    answer.set_result(Unavailable("given up"))
    (waiting,) = await queue.take()
    assert waiting.answer is kept


async def test_after_closing_nothing_comes_in_and_everything_comes_out() -> None:
    queue = a_queue()
    taking = asyncio.create_task(queue.take())
    await asyncio.sleep(0)
    queue.close()
    assert await taking == []
    with pytest.raises(Unavailable):
        queue.put(a_delivery())


async def test_the_short_way_holds_the_oldest_and_forgets_what_others_took() -> None:
    handover = Handover()
    deliveries = [a_delivery(600_000) for _ in range(6)]
    handover.put(deliveries)
    assert len(handover) == 4
    assert handover.take(deliveries[1].delivery_id) is deliveries[1]
    assert handover.take(deliveries[1].delivery_id) is None
    assert handover.take(deliveries[5].delivery_id) is None
    handover.forget_until(deliveries[2].delivery_id)
    assert len(handover) == 1
    handover.put(deliveries[4:])
    assert len(handover) == 3
