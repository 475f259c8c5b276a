"""A simulator that is killed while it asks merchants goes on asking where it was."""

import asyncio
from collections import Counter

from tests.conftest import NewDatabase
from tests.integration.simulator.merchant import (
    ISSUE_CODES,
    OWN_SKU,
    REFUND_APPLY,
    REFUND_NOTICE,
    Merchant,
    issues,
    quick,
    selling,
)
from tests.integration.simulator.support import ACCOUNT, Client, Json
from tests.integration.simulator.test_killed import process
from tests.support.waiting import eventually

ORDERS = 60


async def test_every_question_is_answered_in_the_end(database: NewDatabase) -> None:
    async with selling() as merchant, process(await database("simulator")) as (running, simulator):
        await merchant.register(simulator, None)
        await quick(simulator, retry_scale=0.02)
        # Nobody answers until the first kill, and half of them not until the second.
        merchant.answers[ISSUE_CODES] = lambda _: None
        orders = [
            {"account_id": ACCOUNT, "sku": OWN_SKU, "reference": str(number), "count": 2}
            for number in range(ORDERS)
        ]
        await simulator.control("POST", "orders", {"orders": orders})
        await asked(merchant, ISSUE_CODES)
        await running.kill()
        merchant.answers[ISSUE_CODES] = lambda body: issues(body) if odd(body) else None
        await running.start(simulator.session)
        await asked(merchant, ISSUE_CODES, times=ORDERS)
        await running.kill()
        merchant.answers[ISSUE_CODES] = issues
        await running.start(simulator.session)
        await settled(simulator, {"available"})

        books = await all_orders(simulator)
        ids = [[one["certificate_id"] for one in order["coupons"]] for order in books]
        refunds = [
            simulator.control("POST", "refunds", {"certificate_ids": of_order}) for of_order in ids
        ]
        await asyncio.gather(*refunds)
        await running.kill()
        await running.start(simulator.session)
        await settled(simulator, {"refunded"})
        books = await all_orders(simulator)

    assert len(books) == ORDERS
    for order in books:
        names = [one["certificate_id"] for one in order["coupons"]]
        assert names == [f"own-{order['order_id']}-{number}" for number in range(2)]
        assert [one["state"] for one in order["after_sales"]] == ["refunded"]
        assert order["paid_fen"] == order["refunded_fen"]
    told = Counter(body["after_sale_id"] for body in merchant.of(REFUND_NOTICE))
    assert len(told) == len({body["after_sale_id"] for body in merchant.of(REFUND_APPLY)}) == ORDERS
    assert all(one.genuine for one in merchant.asked)


def odd(body: Json) -> bool:
    return int(body["order_id"]) % 2 == 1


async def asked(merchant: Merchant, action: str, times: int = 1) -> None:
    before = len(merchant.of(action))

    async def more() -> bool:
        return len(merchant.of(action)) >= before + times

    await eventually(more)


async def all_orders(simulator: Client) -> list[Json]:
    books = await simulator.control("GET", "books", limit="1000")
    items: list[Json] = books["items"]
    return items


async def settled(simulator: Client, states: set[str]) -> None:
    async def done() -> bool:
        found = {one["state"] for order in await all_orders(simulator) for one in order["coupons"]}
        return found == states and await simulator.idle()

    await eventually(done, within_seconds=90, what=f"all {states}")
