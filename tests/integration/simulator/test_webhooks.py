"""Webhooks: signed, retried, and sent wrongly on request."""

import asyncio
from collections import Counter
from typing import Any

from tests.conftest import NewDatabase
from tests.integration.simulator.support import (
    ACCOUNT,
    APP,
    PRICE_FEN,
    SKU,
    Client,
    Json,
    Receiver,
    settings,
    simulating,
)
from tests.support.servers import free_port
from tests.support.waiting import eventually, until


async def webhooks(simulator: Client, **query: str) -> list[Json]:
    answer = await simulator.control("GET", "webhooks", limit="1000", **query)
    lines: list[Json] = answer["items"]
    return lines


async def place(simulator: Client, count: int, *, run: str = "run") -> list[Json]:
    orders = [
        {"account_id": ACCOUNT, "sku": SKU, "reference": f"{run}-{number}"}
        for number in range(count)
    ]
    answer = await simulator.control("POST", "orders", {"orders": orders})
    placed: list[Json] = answer["orders"]
    return placed


async def switch(simulator: Client, **switches: Any) -> None:
    """Any: whatever the switch takes."""
    await simulator.control("PUT", "faults", {"seed": 3, "webhooks": switches})


async def test_a_webhook_is_shaped_and_signed_as_documented(
    simulator: Client, receiver: Receiver
) -> None:
    order = await simulator.order(pay_amount_fen=7_900)
    await until(lambda: len(receiver.received) == 1)

    (told,) = receiver.received
    assert told.genuine
    assert told.body["event"] == "life_trade_order_notify"
    assert told.body["client_key"] == APP["client_key"]
    assert isinstance(told.body["content"], str)
    assert len(told.body["log_id"]) == 34
    assert told.content["order"]["pay_amount"] == 7_900
    assert told.content["order"]["original_amount"] == SKU["price_fen"]
    assert told.content["order"]["account_id"] == order["account_id"]


async def test_an_address_that_does_not_echo_gets_nothing(
    database: NewDatabase, receiver: Receiver
) -> None:
    async with simulating(settings(await database("simulator"))) as simulator:
        nobody = f"http://127.0.0.1:{free_port()}/webhooks"
        refused = await simulator.register(nobody)
        assert (refused["status"], refused["reason"]) == (409, "handshake_failed")
        await simulator.order()
        assert await webhooks(simulator) == []

        accepted = await simulator.register(receiver.url)
        assert accepted["webhook_verified_at"] is not None
        await simulator.order()
        await until(lambda: receiver.actions() == ["pay_success"])


async def test_a_webhook_is_tried_three_times(simulator: Client, receiver: Receiver) -> None:
    receiver.answers = [500, 503, 204]
    await simulator.order()
    await eventually(simulator.idle)

    assert len({one.msg_id for one in receiver.received}) == 1
    assert len(receiver.received) == 3
    (line,) = await webhooks(simulator, acknowledged="true")
    assert (line["attempts"], line["copy"]) == (3, "true")
    stats = await simulator.control("GET", "stats")
    assert stats["webhook_attempts"] == {"500": 1, "503": 1, "204": 1}


async def test_after_three_tries_it_is_given_up(simulator: Client, receiver: Receiver) -> None:
    receiver.answers = [500, 302, 401, 500]
    await simulator.order()
    await eventually(simulator.idle)

    assert len(receiver.received) == 3
    assert [line["attempts"] for line in await webhooks(simulator, state="failed")] == [3]


async def test_an_answer_that_does_not_come_counts_as_none(
    database: NewDatabase, receiver: Receiver
) -> None:
    impatient = settings(await database("simulator"), simulator_webhook_timeout_seconds=0.2)
    async with simulating(impatient) as simulator:
        await simulator.register(receiver.url)
        receiver.answering.clear()
        await simulator.order()
        await eventually(simulator.idle)
        receiver.answering.set()

        (line,) = await webhooks(simulator, state="failed")
        assert line["attempts"] == 3
        stats = await simulator.control("GET", "stats")
        assert stats["webhook_attempts"] == {"TimeoutError": 3}


async def test_an_app_that_is_away_hears_later(simulator: Client, receiver: Receiver) -> None:
    """Nothing is given up between the tries: the third one finds it back."""
    receiver.answers = [503] * 40
    await place(simulator, 20)
    await eventually(simulator.idle)

    assert len({one.msg_id for one in receiver.received}) == 20
    assert len(await webhooks(simulator, state="acknowledged")) == 20


async def test_lost_webhooks_are_never_sent(simulator: Client, receiver: Receiver) -> None:
    await switch(simulator, lost=500)
    await place(simulator, 60)
    await eventually(simulator.idle)

    lost = await webhooks(simulator, state="lost")
    assert 15 < len(lost) < 45
    assert len(receiver.received) == 60 - len(lost)
    assert {one["msg_id"] for one in lost}.isdisjoint({one.msg_id for one in receiver.received})


async def test_doubled_webhooks_come_twice_to_the_byte(
    simulator: Client, receiver: Receiver
) -> None:
    await switch(simulator, doubled=1000)
    await simulator.order()
    await eventually(simulator.idle)

    first, second = receiver.received
    assert first == second


async def test_conflicting_copies_share_the_id_and_are_both_signed(
    simulator: Client, receiver: Receiver
) -> None:
    await switch(simulator, conflicting=1000)
    await simulator.order()
    await eventually(simulator.idle)

    first, second = receiver.received
    assert first.genuine
    assert second.genuine
    assert first.msg_id == second.msg_id
    amounts = {one.content["order"]["pay_amount"] for one in receiver.received}
    assert amounts == {PRICE_FEN, PRICE_FEN - 1}


async def test_forged_copies_are_turned_away_once(simulator: Client, receiver: Receiver) -> None:
    await switch(simulator, forged=1000)
    await simulator.order()
    await eventually(simulator.idle)

    assert sorted(one.genuine for one in receiver.received) == [False, True]
    assert [one["copy"] for one in await webhooks(simulator)] == ["true"]
    forged = await webhooks(simulator, state="failed", forged="true")
    assert [(one["copy"], one["attempts"]) for one in forged] == [("forged", 1)]


async def test_late_webhooks_wait_and_the_simulator_is_not_idle(
    simulator: Client, receiver: Receiver
) -> None:
    await switch(simulator, late=1000, late_seconds=2)
    await simulator.order()

    waiting = await simulator.control("GET", "idle")
    assert (waiting["idle"], waiting["webhooks_queued"], waiting["webhooks_due"]) == (False, 1, 0)
    await eventually(simulator.idle)
    assert receiver.actions() == ["pay_success"]


async def test_reordered_webhooks_come_in_another_order(
    simulator: Client, receiver: Receiver
) -> None:
    await switch(simulator, reordered=500, reordered_seconds=1)
    placed = []
    for number in range(20):
        placed += await place(simulator, 1, run=str(number))
    await eventually(simulator.idle)

    told = [one.content["order"]["order_id"] for one in receiver.received]
    assert sorted(told) == sorted(order["order_id"] for order in placed)
    assert told != [order["order_id"] for order in placed]


async def test_two_runs_with_one_seed_have_the_same_faults(
    database: NewDatabase, receiver: Receiver
) -> None:
    async def run(seed: int) -> dict[str, Counter[str]]:
        """What became of each order's webhooks, by the caller's own names."""
        async with simulating(settings(await database("simulator"))) as simulator:
            await simulator.register(receiver.url)
            switches = {"lost": 200, "doubled": 200, "conflicting": 200, "forged": 200}
            await simulator.control("PUT", "faults", {"seed": seed, "webhooks": switches})
            placed = await place(simulator, 40)
            await eventually(simulator.idle)
            by_id: dict[str, Counter[str]] = {}
            for line in await webhooks(simulator, forged="true"):
                by_id.setdefault(line["msg_id"], Counter())[f"{line['copy']} {line['state']}"] += 1
            told = dict(zip([order["reference"] for order in placed], by_id.values(), strict=True))
            assert len(told) == 40
            return told

    first, again, other = [await run(seed) for seed in (7, 7, 8)]

    assert first == again
    assert first != other


async def test_two_simulators_send_each_webhook_once(
    database: NewDatabase, receiver: Receiver
) -> None:
    configured = settings(await database("simulator"))
    async with simulating(configured) as one, simulating(configured) as two:
        await one.register(receiver.url)
        await asyncio.gather(place(one, 200, run="one"), place(two, 200, run="two"))
        await eventually(one.idle)

    assert len(receiver.received) == len({each.msg_id for each in receiver.received}) == 400
