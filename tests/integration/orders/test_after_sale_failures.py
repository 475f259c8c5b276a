"""Who dies, or is not answered, in the middle of a refund: everything is gone on with."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from shared.contracts.products import RefundDecision
from shared.errors import Unavailable
from tests.integration.orders.refund_world import RefundWorld, a_refund_world, redeem
from tests.integration.redemption.gate import Door
from tests.integration.redemption.platform import Json
from tests.support.servers import Databases, temporary_nats
from tests.support.waiting import eventually


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world(
    databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[RefundWorld]:
    """Everything is left to a person here; the doors are shut and opened by the tests."""
    async with (
        temporary_nats(tmp_path_factory.mktemp("refund-failures")) as nats,
        a_refund_world(
            databases.create,
            nats.url,
            gated=True,
            orders_refund_before_use=RefundDecision.ASK,
        ) as running,
    ):
        yield running


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def open_doors(world: RefundWorld) -> AsyncIterator[None]:
    yield
    await world.to_redemption.turn(Door.OPEN)
    await world.to_platform.turn(Door.OPEN)


async def pending(world: RefundWorld) -> tuple[Json, Json]:
    """An order of one coupon whose refund waits for a person."""
    [order] = await world.place()
    await world.wish_money_back(order["coupons"][0]["certificate_id"])
    return order, await world.after_sale_of(order, "pending")


async def test_recorded_while_redemption_is_away_it_is_ruled_once_that_is_back(
    world: RefundWorld,
) -> None:
    [order] = await world.place()
    await world.to_redemption.turn(Door.SHUT)
    after_sale_id = f"away-{order['order_id']}"
    coupon_id = order["coupons"][0]["certificate_id"]
    with pytest.raises(Unavailable):
        await world.ask(order, after_sale_id, coupon_id)
    shown = await world.after_sale(after_sale_id)
    assert (shown["state"], [lock["state"] for lock in shown["locks"]]) == ("asked", ["wanted"])
    await world.to_redemption.turn(Door.OPEN)
    assert (await world.ask(order, after_sale_id, coupon_id))["outcome"] == "pending"
    shown = await world.after_sale(after_sale_id)
    assert [lock["state"] for lock in shown["locks"]] == ["held"]


async def test_a_lock_whose_answer_was_lost_is_asked_for_again_by_its_name(
    world: RefundWorld,
) -> None:
    [order] = await world.place()
    coupon = order["coupons"][0]
    await world.to_redemption.turn(Door.DEAF)
    after_sale_id = f"deaf-{order['order_id']}"
    with pytest.raises(Unavailable):
        await world.ask(order, after_sale_id, coupon["certificate_id"])
    # Redemption has locked it, and we do not know.
    assert (await redeem(await world.till(), coupon["code"])).status == 409
    await world.to_redemption.turn(Door.OPEN)
    await world.ask(order, after_sale_id, coupon["certificate_id"])
    shown = await world.after_sale(after_sale_id)
    assert shown["state"] == "pending"
    assert [(one["lock_id"], one["state"]) for one in shown["locks"]] == [(after_sale_id, "held")]


@pytest.mark.parametrize("door", [Door.DEAF, Door.SHUT])
async def test_an_answer_that_may_be_lost_is_given_until_the_platform_takes_it(
    world: RefundWorld, door: Door
) -> None:
    order, found = await pending(world)
    await world.to_platform.turn(door)
    decided = await world.decide(found["after_sale_id"], "allow")
    assert decided["outcome"] == "allowed"

    async def failed() -> bool:
        shown = await world.after_sale(found["after_sale_id"])
        # Where the answer was only lost, the money may have come back already.
        return shown["last_failure"] is not None or shown["state"] == "closed"

    await eventually(failed, what="an answer that failed")
    await world.to_platform.turn(Door.OPEN)
    await world.after_sale_in(found["after_sale_id"], "closed")
    await world.orders.order_in(order["order_id"], "refunded")
    [refund] = (await world.book(order))["after_sales"]
    assert (refund["state"], refund["decided_by"]) == ("refunded", "merchant")


async def test_a_lock_is_given_back_also_if_redemption_is_away_at_first(
    world: RefundWorld,
) -> None:
    order, found = await pending(world)
    code = order["coupons"][0]["code"]
    await world.to_redemption.turn(Door.SHUT)
    await world.decide(found["after_sale_id"], "refuse")
    shown = await world.after_sale_in(found["after_sale_id"], "rejected")
    assert [lock["state"] for lock in shown["locks"]] == ["releasing"]
    assert (await redeem(await world.till(), code)).status == 409
    await world.to_redemption.turn(Door.OPEN)

    async def released() -> bool:
        shown = await world.after_sale(found["after_sale_id"])
        return [lock["state"] for lock in shown["locks"]] == ["released"]

    await eventually(released, what="a lock given back")
    assert (await redeem(await world.till(), code)).status == 200


async def test_nothing_is_allowed_while_redemption_cannot_lock_it(world: RefundWorld) -> None:
    """Two coupons, one of them spent: nothing is locked until a person names the other."""
    [order] = await world.place(coupons=2)
    spent, free = order["coupons"]
    assert (await redeem(await world.till(), spent["code"])).status == 200
    after_sale_id = f"unlocked-{order['order_id']}"
    asked = await world.ask(order, after_sale_id, spent["certificate_id"], free["certificate_id"])
    assert asked["outcome"] == "pending"
    await world.to_redemption.turn(Door.SHUT)
    with pytest.raises(Unavailable):
        await world.decide(after_sale_id, "allow")
    assert (await world.after_sale(after_sale_id))["state"] == "pending"
    await world.to_redemption.turn(Door.OPEN)
    # Meanwhile it was spent: the same decision is refused now.
    assert (await redeem(await world.till(), free["code"])).status == 200
    with pytest.raises(Exception, match=free["certificate_id"]):
        await world.decide(after_sale_id, "allow")
    assert (await world.after_sale(after_sale_id))["state"] == "pending"


async def test_passed_while_redemption_was_away_it_is_locked_late(world: RefundWorld) -> None:
    [order] = await world.place()
    coupon = order["coupons"][0]
    await world.to_redemption.turn(Door.SHUT)
    after_sale_id = f"passed-{order['order_id']}"
    until = datetime.now(UTC) + timedelta(seconds=0.5)
    with pytest.raises(Unavailable):
        await world.ask(
            order, after_sale_id, coupon["certificate_id"], answer_until=until.isoformat()
        )
    await world.after_sale_in(after_sale_id, "passed")
    await world.to_redemption.turn(Door.OPEN)

    async def locked() -> bool:
        shown = await world.after_sale(after_sale_id)
        return [lock["state"] for lock in shown["locks"]] == ["held"]

    await eventually(locked, what="a late lock")
    assert (await redeem(await world.till(), coupon["code"])).status == 409
