"""What never arrived is read back from the platform: the simulator, which may lose webhooks."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest_asyncio
from aiohttp import web

from services.orders.queries import reconciling
from services.orders.queries.reconciling import Merchant, Reading, Span
from shared.clock import utc_now
from shared.ids import new_id
from shared.postgres.pool import pooled
from shared.web.server import serving
from tests.conftest import NewDatabase
from tests.integration.intake.support import running_intake
from tests.integration.orders.support import MERCHANT, at, conflicted, running_orders
from tests.integration.orders.world import World, a_world
from tests.support.access import running_access
from tests.support.waiting import eventually


@pytest_asyncio.fixture(loop_scope="session")
async def world(database: NewDatabase, nats_url: str) -> AsyncIterator[World]:
    async with a_world(database, nats_url) as world:
        yield world


async def span(world: World, name: str) -> dict[str, Any]:
    """The merchant's line of that span, once there is one."""

    async def look() -> dict[str, Any]:
        answer = await world.orders.get("/v1/reconciliation", merchant=MERCHANT)
        lines = [item for item in answer["items"] if item["span"] == name]
        return lines[0] if lines else {}

    return await eventually(look)


async def test_orders_are_learnt_though_no_webhook_ever_comes(world: World) -> None:
    await world.intake.add_app()
    placed = await world.platform.place(3, coupons=2)
    for one in placed:
        order = await world.orders.order_in(one["order_id"], "paid")
        assert (order["coupon_count"], order["title"]) == (2, "双人下午茶套餐")
        assert [coupon["state"] for coupon in order["coupons"]] == ["available", "available"]
    await world.platform.refund(placed[0])
    refunded = await world.orders.order_in(placed[0]["order_id"], "refunded")
    assert refunded["refunded_amount_fen"] == refunded["pay_amount_fen"]
    assert refunded["read_back_at"] is None
    answer = await world.orders.get("/v1/reconciliation")
    assert sum(line["orders_moved"] for line in answer["items"]) >= 3
    assert answer["waiting_to_be_read_back"] == 0


async def test_reading_the_same_again_adds_nothing(world: World) -> None:
    await world.intake.add_app()
    [placed] = await world.platform.place(1)
    order = await world.orders.order_in(placed["order_id"], "paid")
    read_before = (await span(world, "recent"))["orders_read"]

    async def read_again() -> bool:
        return bool((await span(world, "recent"))["orders_read"] > read_before + 3)

    await eventually(read_again)
    after = await world.orders.get(f"/v1/orders/{placed['order_id']}/explain")
    assert after["version"] == order["version"]
    # The order and its one coupon.
    assert len(after["observations"]) == 2


async def test_a_merchant_without_an_application_waits_quietly(world: World) -> None:
    async def postponed() -> bool:
        return bool((await span(world, "recent"))["last_failure"] == "no_application")

    await eventually(postponed)
    assert (await span(world, "recent"))["reading"] is False


async def test_lost_webhooks_are_counted_as_missed_and_healed(
    database: NewDatabase, nats_url: str
) -> None:
    """Half of the webhooks are lost; every order is right all the same."""
    async with a_world(database, nats_url) as world:
        await world.intake.add_app()
        await world.platform.subscribe(f"{world.intake.url}/webhooks/douyin/awdemo")
        await world.platform.control("PUT", "faults", {"webhooks": {"lost": 500, "doubled": 200}})
        placed = await world.platform.place(20)
        await world.platform.refund(*placed[:10])
        for number, one in enumerate(placed):
            await world.orders.order_in(one["order_id"], "refunded" if number < 10 else "paid")


async def test_an_order_that_only_a_webhook_told_of_is_asked_about(
    database: NewDatabase, nats_url: str
) -> None:
    """The regular reading comes far too late here; the order alone is read back."""
    async with a_world(database, nats_url, orders_poll_seconds=3600) as world:
        await world.intake.add_app()
        await world.platform.subscribe(f"{world.intake.url}/webhooks/douyin/awdemo")
        await eventually(lambda: finished(world))
        [placed] = await world.platform.place(1)

        async def complete() -> bool:
            order = await world.orders.order(placed["order_id"])
            return order is not None and order["coupon_count"] == 1

        await eventually(complete)
        explained = await world.orders.get(f"/v1/orders/{placed['order_id']}/explain")
        assert {one["source"] for one in explained["observations"]} == {"webhook", "query"}


async def test_a_disputed_delivery_makes_the_platform_be_asked(
    database: NewDatabase, nats_url: str
) -> None:
    """No webhook ever came, and no reading is due: only the dispute names the order."""
    async with a_world(database, nats_url, orders_poll_seconds=3600) as world:
        await world.intake.add_app()
        await eventually(lambda: finished(world))
        [placed] = await world.platform.place(1)
        await world.orders.say(conflicted(placed["order_id"], "1000000000000000000"))
        order = await world.orders.order_in(placed["order_id"], "paid")
        assert order["coupon_count"] == 1
        # The platform does not know the other one, and neither do we.
        assert await world.orders.order("1000000000000000000") is None


async def test_an_outage_of_the_platform_only_delays(world: World) -> None:
    await world.intake.add_app()
    faults = {"calls": {"order_query": {"error": 1000}}}
    await world.platform.control("PUT", "faults", faults)
    [placed] = await world.platform.place(1)

    async def failing() -> bool:
        return bool((await span(world, "recent"))["failures"])

    await eventually(failing)
    await world.platform.control("PUT", "faults", {})
    await world.orders.order_in(placed["order_id"], "paid")

    async def well_again() -> bool:
        return bool((await span(world, "recent"))["failures"] == 0)

    await eventually(well_again)


async def test_a_token_that_the_platform_turns_away_is_replaced(world: World) -> None:
    await world.intake.add_app()
    for _ in range(2):
        [placed] = await world.platform.place(1)
        await world.orders.order_in(placed["order_id"], "paid")
        # Somebody else with our secret: the token that we hold is void from here on.
        await world.platform.fetch_token()
        await world.platform.fetch_token()
    assert (await span(world, "recent"))["failures"] == 0


async def test_who_dies_over_a_page_leaves_it_to_others(database: NewDatabase) -> None:
    merchant = Merchant(MERCHANT, "douyin", None, "益禾堂", 1)
    dead, alive = new_id(), new_id()
    minute = timedelta(minutes=1)
    url = await database("orders")
    async with pooled(url, service="orders", max_size=2) as pool, pool.acquire() as conn:
        await reconciling.upsert_merchants(conn, [merchant])
        await reconciling.insert_reconciliations(conn, [merchant])

        async def lease(lease_id: UUID, lasting: timedelta) -> Reading | None:
            return await reconciling.lease_reading(
                conn, span=Span.RECENT, lease_id=lease_id, lease=lasting
            )

        held = await lease(dead, timedelta(0))
        taken = await lease(alive, minute)
        assert held is not None
        assert taken is not None
        assert await lease(new_id(), minute) is None
        # The first one comes to life again: it has lost the lease, and moves nothing.
        for reading, through in ((held, at(99)), (taken, at(7))):
            await reconciling.finish_window(
                conn,
                reading,
                read_through=through,
                again_after=timedelta(0),
                orders_read=0,
                orders_moved=0,
            )
        again = await lease(new_id(), minute)
        assert again is not None
        assert again.read_through == at(7)


async def finished(world: World) -> bool:
    """The first reading and the first sweep are over: what comes now is not in them."""
    recent, sweep = await span(world, "recent"), await span(world, "sweep")
    return bool(recent["last_finished_at"] and sweep["last_finished_at"])


async def test_one_order_that_cannot_be_taken_holds_up_no_other(
    database: NewDatabase, nats_url: str
) -> None:
    """A platform that writes nonsense; the simulator would not."""
    good, bad = ({"order_id": number, "order_status": 200, "count": 1} for number in "12")
    page = {"data": {"error_code": 0, "orders": [bad | {"pay_amount": 10**30}, good]}}
    token = {"access_token": "clt.1", "expires_in": 7200, "error_code": 0}

    async def answer(request: web.Request) -> web.Response:
        body = {"data": token} if request.path.startswith("/oauth") else page
        return web.json_response(body | {"extra": {"now": int(utc_now().timestamp())}})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    url = await database()
    async with (
        serving(app, host="127.0.0.1", port=0) as base_url,
        running_access(url, nats_url) as access,
        running_intake(url, nats_url, access, douyin_base_url=base_url) as intake,
    ):
        await access.add_merchant(MERCHANT, account_id="7")
        await intake.add_app()
        async with running_orders(
            url, nats_url, access, intake_url=intake.url, douyin_base_url=base_url
        ) as orders:
            await orders.order_in("1", "paid")
            assert await orders.order("2") is None
            [line, *_] = (await orders.get("/v1/reconciliation"))["items"]
            assert line["last_failure"] is None
