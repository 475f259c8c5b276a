"""Refund and redemption are fired together at every coupon: each ends in exactly one of the two.

Everybody is real: the platform's buyer asks for the money, the platform asks us over its SPI, a
till scans and redeems. `make refund-race` takes 5,000 coupons and prints what it did.
"""

import asyncio
import logging
import os
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from enum import IntEnum

import pytest
import pytest_asyncio
import structlog

from shared.errors import Unavailable
from tests.integration.orders.refund_world import RefundWorld, a_refund_world, redeem
from tests.integration.redemption.platform import Json
from tests.support.servers import Databases, temporary_nats, temporary_postgres
from tests.support.waiting import eventually

COUPONS = 200 if os.environ.get("QIAO_SHORT") else 5000
_AT_ONCE = 50
# The till may wait so many times as long as a lone wish takes to reach us.
_HEAD_START = 3.0


@contextmanager
def quiet() -> Iterator[None]:
    """Everybody runs in this process, which has better things to do than to log."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    yield
    structlog.configure(**before)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RefundWorld]:
    folder = tmp_path_factory.mktemp("refund-race")
    async with AsyncExitStack() as stack:
        stack.enter_context(quiet())
        enter = stack.enter_async_context
        postgres = await enter(temporary_postgres(folder / "postgres", durable=True))
        nats = await enter(temporary_nats(folder / "nats"))
        yield await enter(a_refund_world(Databases(postgres).create, nats.url))


async def race(world: RefundWorld, number: int) -> None:
    chance = random.Random(number)
    orders: list[Json] = []
    while len(orders) < number:
        orders += await world.place(min(_AT_ONCE, number - len(orders)))
    wish_seconds = await seconds_of_a_wish(world)
    started = time.perf_counter()
    told: Counter[str] = Counter()
    for first in range(0, number, _AT_ONCE):
        together = orders[first : first + _AT_ONCE]
        told += Counter(
            await asyncio.gather(
                *(
                    both(world, one, Start(place % 3), chance.uniform(0, wish_seconds))
                    for place, one in enumerate(together)
                )
            )
        )
    seconds = time.perf_counter() - started
    books = await settled(world, orders)
    ends = await agreed(world, books)
    tell(f"{number} coupons in {seconds:.1f} s: {dict(ends)}, tills were told {dict(told)}")
    assert ends["redeemed"] + ends["refunded"] == number
    assert ends["redeemed"] == told["redeemed"]
    assert min(ends["redeemed"], ends["refunded"]) > 0, "only one of the two ever won"


async def seconds_of_a_wish(world: RefundWorld) -> float:
    """From the buyer's tap until the coupon is locked; and the till is enrolled."""
    await world.till()
    [order] = await world.place()
    started = time.perf_counter()
    await world.wish_money_back(order["coupons"][0]["certificate_id"])
    await world.after_sale_of(order, "approved", "closed")
    return time.perf_counter() - started


class Start(IntEnum):
    """When the till scans: at once, at some time, or at the very moment that we hear the wish."""

    AT_ONCE = 0
    SOME_TIME = 1
    ASKED = 2


async def both(world: RefundWorld, order: Json, start: Start, seconds: float) -> str:
    """What the till was told; the buyer's wish goes its own way."""
    [coupon] = order["coupons"]

    async def clerk() -> str:
        if start is Start.SOME_TIME:
            await asyncio.sleep(_HEAD_START * seconds)
        if start is Start.ASKED:
            await eventually(lambda: is_asked(world, order), what="the platform's question")
        answer = await redeem(await world.till(), coupon["code"])
        return str(answer.outcome if answer.status == 200 else answer.reason or "not_usable")

    _, told = await asyncio.gather(world.wish_money_back(coupon["certificate_id"]), clerk())
    return told


async def is_asked(world: RefundWorld, order: Json) -> bool:
    try:
        page = await world.orders.get("/v1/after-sales", order_id=order["order_id"])
    except Unavailable:
        # So many look at once that some are asked to come again.
        return False
    return bool(page["items"])


async def settled(world: RefundWorld, orders: Sequence[Json]) -> list[Json]:
    """The platform's books once every coupon has come to its end."""
    order_ids = [one["order_id"] for one in orders]
    final = {"redeemed", "refunded"}

    async def look() -> list[Json]:
        books = await world.books(order_ids)
        open_ = [one for book in books for one in book["coupons"] if one["state"] not in final]
        return [] if open_ else books

    return await eventually(look, within_seconds=120, what="an end for every coupon")


async def agreed(world: RefundWorld, books: Sequence[Json]) -> "Counter[str]":
    """Platform, ledger and order say the same of each coupon, and the money adds up."""
    ends: Counter[str] = Counter()
    spent = await spent_coupons(world)
    for book in books:
        [coupon] = book["coupons"]
        end = coupon["state"]
        ends[end] += 1
        order = await world.orders.order_in(book["order_id"], end)
        assert (coupon["certificate_id"] in spent) == (end == "redeemed"), book
        refunded = coupon["refunded_fen"] if end == "refunded" else 0
        assert order["refunded_amount_fen"] == refunded, (order, book)
        assert not order["contradicted"], order
        for refund in book["after_sales"]:
            state = "closed" if end == "refunded" else "rejected"
            await world.after_sale_in(refund["after_sale_id"], state)
    return ends


async def spent_coupons(world: RefundWorld) -> set[str]:
    rows = await world.ledger("SELECT coupon_id FROM ledger WHERE state = 'spent'")
    return {row["coupon_id"] for row in rows}


def tell(line: str) -> None:
    """What it did is the point of the long run."""
    print(f"\n{line} ({os.cpu_count()} cores, everybody in one process)", flush=True)  # noqa: T201


@pytest.mark.timeout(300)
async def test_a_refund_and_a_redemption_fired_together_never_both_succeed(
    world: RefundWorld,
) -> None:
    await race(world, 50)


@pytest.mark.soak
@pytest.mark.timeout(3600)
async def test_thousands_of_coupons_each_end_in_exactly_one_of_the_two(
    world: RefundWorld,
) -> None:
    await race(world, COUPONS)
