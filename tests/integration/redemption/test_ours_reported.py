"""What the platform is told of coupons of ours: until it accepts, one of an order at a time."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from aiohttp import web

from shared.contracts.products import ProductKind
from tests.integration.redemption.ours import Shop, put, spend
from tests.integration.redemption.support import Till, World, a_world, gather
from tests.support.servers import Databases, temporary_nats
from tests.support.waiting import eventually

Reply = Callable[[dict[str, Any]], dict[str, Any] | None]


@dataclass
class Stubborn:
    """A platform that answers as it is told; None: it hangs up."""

    url: str = ""
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    replies: dict[str, Reply] = field(default_factory=dict)
    # Orders that are being verified at this moment, and the most there ever were of one.
    open: Counter[str] = field(default_factory=Counter)
    most_open: int = 0

    def of(self, order_id: str, call: str = "verify") -> list[dict[str, Any]]:
        return [
            body
            for path, body in self.calls
            if call in path and order_id in (body.get("order_id"), body.get("shop_order_id"))
        ]

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.calls.append((request.path, body))
        order_id = str(body.get("order_id"))
        self.open[order_id] += 1
        self.most_open = max(self.most_open, self.open[order_id])
        try:
            await asyncio.sleep(0.02)  # long enough to see whether another one comes meanwhile
            reply = self.replies.get(order_id, accepting)(body)
        finally:
            self.open[order_id] -= 1
        if reply is None and request.transport is not None:
            request.transport.abort()
        envelope = {"error_code": 0, "description": "success"}
        return web.json_response({"data": envelope | (reply or {}), "extra": envelope})


def accepting(body: dict[str, Any]) -> dict[str, Any]:
    return {"verify_results": [a_result(0, code) for code in body.get("codes", ())]}


def a_result(result: int, code: str) -> dict[str, Any]:
    return {"result": result, "msg": "", "code": code, "verify_id": str(uuid4().int)[:19]}


def refusing(result: int) -> Reply:
    return lambda body: {"verify_results": [a_result(result, code) for code in body["codes"]]}


@asynccontextmanager
async def stubborn() -> AsyncIterator[Stubborn]:
    platform = Stubborn()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", platform.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    platform.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield platform
    finally:
        await runner.cleanup()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def platform() -> AsyncIterator[Stubborn]:
    async with stubborn() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def counter(
    databases: Databases, tmp_path_factory: pytest.TempPathFactory, platform: Stubborn
) -> AsyncIterator[World]:
    """Redemption whose platform is the stubborn one."""
    async with (
        temporary_nats(tmp_path_factory.mktemp("reports")) as nats,
        a_world(databases.create, nats.url, douyin_base_url=platform.url) as world,
    ):
        yield world


@pytest_asyncio.fixture(loop_scope="session")
async def shop(counter: World) -> Shop:
    return Shop(counter)


@pytest_asyncio.fixture(loop_scope="session")
async def till(counter: World) -> Till:
    return await counter.till()


async def reports(world: World, order_id: str) -> list[tuple[str, str]]:
    rows = await world.fetch(
        "SELECT step, state FROM reports WHERE order_id = $1 ORDER BY seq", order_id
    )
    return [(row["step"], row["state"]) for row in rows]


async def until(world: World, order_id: str, expected: list[tuple[str, str]]) -> None:
    async def reached() -> bool:
        return await reports(world, order_id) == expected

    await eventually(reached, within_seconds=30, what=f"{expected}")


async def hurry(world: World, order_id: str) -> None:
    """As if the wait were over."""
    await world.fetch("UPDATE reports SET next_attempt_at = now() WHERE order_id = $1", order_id)


async def test_a_redemption_is_reported_with_a_token_of_ours(
    shop: Shop, till: Till, platform: Stubborn
) -> None:
    answer = await shop.issue()
    order_id, (issued,) = answer.body["order_id"], answer.body["codes"]
    await spend(till, issued["code"])
    await until(shop.world, order_id, [("redeem", "accepted")])
    (body,) = platform.of(order_id)
    assert body["codes"] == [issued["code"]]
    assert "encrypted_codes" not in body
    assert len(body["verify_token"]) == 36
    assert (await shop.ledger(issued["coupon_id"]))[0]["verify_id"]


async def test_coupons_of_one_order_are_reported_one_after_the_other(
    shop: Shop, till: Till, platform: Stubborn
) -> None:
    answer = await shop.issue(coupons=8)
    order_id = answer.body["order_id"]
    await gather(*(spend(till, each["code"]) for each in answer.body["codes"]))
    await until(shop.world, order_id, [("redeem", "accepted")] * 8)
    assert platform.most_open == 1
    assert len({body["verify_token"] for body in platform.of(order_id)}) == 8


async def test_an_unknown_outcome_is_asked_about_with_the_same_token(
    shop: Shop, till: Till, platform: Stubborn
) -> None:
    answer = await shop.issue()
    order_id, (issued,) = answer.body["order_id"], answer.body["codes"]
    platform.replies[order_id] = lambda _body: None
    done = await spend(till, issued["code"])
    assert done.outcome == "redeemed"

    async def put_off() -> bool:
        statement = "SELECT FROM reports WHERE order_id = $1 AND state = 'waiting' AND attempts = 1"
        return bool(await shop.world.fetch(statement, order_id))

    await eventually(put_off, what="the first report to be put off")
    platform.replies[order_id] = refusing(1208)
    await until(shop.world, order_id, [("redeem", "waiting")])
    await hurry(shop.world, order_id)
    await until(shop.world, order_id, [("redeem", "accepted")])
    assert len({body["verify_token"] for body in platform.of(order_id)}) == 1


async def test_what_the_platform_does_not_accept_is_disputed_and_kept(
    shop: Shop, till: Till, platform: Stubborn
) -> None:
    await shop.sell("card-disputed", kind=ProductKind.TIMES_CARD, times=3)
    answer = await shop.issue(third_sku_id="card-disputed", kind="times_card")
    order_id, (issued,) = answer.body["order_id"], answer.body["codes"]
    platform.replies[order_id] = refusing(1250)
    await spend(till, issued["code"])
    await until(shop.world, order_id, [("redeem", "refused")])
    said = await shop.said(issued["coupon_id"])
    assert [each.type for each in said][-1] == "coupon.disputed"
    assert said[-1].data["reason"] == "no_longer_valid"
    assert said[-1].data["kept"] is True
    assert [row["state"] for row in await shop.ledger(issued["coupon_id"])] == ["spent"]
    # The platform has no such coupon any more, so its other uses are over too.
    prepared = await till.scan(issued["code"])
    assert prepared.body["coupons"][0]["reason"] == "already_refunded"
    listed = await till.ask("GET", "/v1/disputes")
    assert issued["coupon_id"] in [each["coupon_id"] for each in listed.body["items"]]


async def test_by_the_other_policy_the_redemption_is_taken_back(
    databases: Databases, tmp_path_factory: pytest.TempPathFactory, platform: Stubborn
) -> None:
    async with (
        temporary_nats(tmp_path_factory.mktemp("policy")) as nats,
        a_world(
            databases.create,
            nats.url,
            douyin_base_url=platform.url,
            redemption_disputes="take_back",
        ) as world,
    ):
        shop, till = Shop(world), await world.till()
        answer = await shop.issue(order_id=f"policy-{uuid4()}")
        order_id, (issued,) = answer.body["order_id"], answer.body["codes"]
        platform.replies[order_id] = refusing(1250)
        await spend(till, issued["code"])
        await until(world, order_id, [("redeem", "refused")])
        assert [row["state"] for row in await shop.ledger(issued["coupon_id"])] == ["released"]
        said = await shop.said(issued["coupon_id"])
        assert [each.type for each in said][-2:] == ["coupon.cancelled", "coupon.disputed"]
        assert [each.version for each in said] == sorted({each.version for each in said})


async def test_what_is_taken_back_is_reported_too_or_never_was(
    shop: Shop, till: Till, platform: Stubborn
) -> None:
    answer = await shop.issue()
    order_id, (issued,) = answer.body["order_id"], answer.body["codes"]
    redemption_id = str(uuid4())
    await spend(till, issued["code"], redemption_id=redemption_id)
    await until(shop.world, order_id, [("redeem", "accepted")])
    assert (await till.cancel(redemption_id)).outcome == "cancelled"
    await until(shop.world, order_id, [("redeem", "accepted"), ("cancel", "accepted")])
    (body,) = platform.of(order_id, "cancel")
    assert body["verify_id"] != "0"


async def test_while_the_platform_is_away_tills_go_on_and_it_is_told_later(
    shop: Shop, till: Till, platform: Stubborn
) -> None:
    answer = await shop.issue(coupons=5)
    order_id = answer.body["order_id"]
    platform.replies[order_id] = lambda _body: None
    scans = await gather(*(till.scan(each["code"]) for each in answer.body["codes"]))
    done = await gather(*(put(till, prepared) for prepared in scans))
    assert [each.outcome for each in done] == ["redeemed"] * 5
    platform.replies[order_id] = refusing(1208)

    async def told() -> bool:
        await hurry(shop.world, order_id)
        return all(state == "accepted" for _, state in await reports(shop.world, order_id))

    platform.replies[order_id] = accepting
    await eventually(told, within_seconds=30, what="all five reports")


async def test_a_card_of_an_unknown_product_waits_for_it_and_is_reported(
    shop: Shop, till: Till, platform: Stubborn
) -> None:
    answer = await shop.issue(third_sku_id="card-late", kind="times_card")
    order_id = answer.body["order_id"]
    assert (answer.status, answer.body["pending"], answer.body["codes"]) == (200, True, [])
    await shop.sell("card-late", kind=ProductKind.TIMES_CARD, times=4)
    hurried = "UPDATE issues SET next_report_at = now() WHERE order_id = $1"
    await shop.world.fetch(hurried, order_id)

    async def reported() -> bool:
        return bool(platform.of(order_id, "create/callback"))

    await eventually(reported, within_seconds=20, what="the report of the codes")
    (body,) = platform.of(order_id, "create/callback")
    again = await shop.issue(third_sku_id="card-late", kind="times_card", order_id=order_id)
    assert (body["result"], body["codes"]) == (1, [each["code"] for each in again.body["codes"]])
    assert (await spend(till, body["codes"][0], times=4)).status == 200
