"""Refunds that the platform asks about, with everybody who has a say in them."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from shared.contracts.products import RefundDecision
from shared.errors import Rejection
from tests.integration.orders.refund_world import RefundWorld, a_refund_world, redeem
from tests.integration.orders.test_http import token_for
from tests.support.access import refusal
from tests.support.cli import Said, run_qiao
from tests.support.servers import Databases, temporary_nats
from tests.support.waiting import eventually


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world(
    databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[RefundWorld]:
    """One for all tests here: each has orders and a product of its own."""
    async with (
        temporary_nats(tmp_path_factory.mktemp("refunds")) as nats,
        a_refund_world(databases.create, nats.url) as running,
    ):
        yield running


def own_sku(name: str) -> dict[str, object]:
    return {
        "title": name,
        "price_fen": 4400,
        "code_origin": "merchant",
        "third_sku_id": name,
        "sku_id": str(1_700_000_000_000_000 + sum(map(ord, name))),
    }


async def test_before_use_it_is_allowed_refunded_and_never_spent(world: RefundWorld) -> None:
    [order] = await world.place(coupons=2)
    first, second = order["coupons"]
    await world.wish_money_back(first["certificate_id"])
    found = await world.after_sale_of(order, "closed")
    assert (found["outcome"], found["decided_by"]) == ("allowed", "rules")
    assert [step["to_state"] for step in (await world.after_sale(found["after_sale_id"]))["steps"]]

    async def refunded() -> bool:
        shown = await world.orders.order_in(order["order_id"], "partly_refunded")
        amounts = {one["coupon_id"]: one["refund_amount_fen"] for one in shown["coupons"]}
        return (amounts[first["certificate_id"]], shown["refunded_amount_fen"]) == (8800, 8800)

    await eventually(refunded, what="what was refunded")
    told = await redeem(await world.till(), first["code"])
    assert told.status == 409
    assert (await redeem(await world.till(), second["code"])).status == 200


async def test_what_is_spent_is_refused_at_once_and_stays_spent(world: RefundWorld) -> None:
    [order] = await world.place()
    [coupon] = order["coupons"]
    assert (await redeem(await world.till(), coupon["code"])).status == 200
    answer = await world.ask(order, f"spent-{order['order_id']}", coupon["certificate_id"])
    assert (answer["outcome"], answer["reason"]) == ("refused", "already_redeemed")
    shown = await world.after_sale(answer["after_sale_id"])
    assert shown["state"] == "rejected"
    assert [lock["state"] for lock in shown["locks"]] == ["refused"]


async def test_a_person_refuses_and_the_coupon_is_the_buyers_again(world: RefundWorld) -> None:
    order, like_it = await world.place(2, sku=own_sku("asks-then-no"))
    [coupon] = order["coupons"]
    await world.says(like_it, before_use=RefundDecision.ASK)
    await world.wish_money_back(coupon["certificate_id"])
    found = await world.after_sale_of(order, "pending")
    assert found["reason"] == "policy_asks"
    told = await redeem(await world.till(), coupon["code"])
    assert told.status == 409
    decided = await world.decide(found["after_sale_id"], "refuse", reason="已用餐,王先生")
    assert decided["state"] in ("rejecting", "rejected")
    shown = await world.after_sale_in(found["after_sale_id"], "rejected")
    assert shown["steps"][-2]["words"] == "已用餐,王先生"

    async def redeemed() -> bool:
        return (await redeem(await world.till(), coupon["code"])).status == 200

    await eventually(redeemed, what="a coupon that can be spent again")


async def test_a_person_allows_and_another_decision_comes_too_late(world: RefundWorld) -> None:
    order, like_it = await world.place(2, sku=own_sku("asks-then-yes"))
    [coupon] = order["coupons"]
    await world.says(like_it, before_use=RefundDecision.ASK)
    await world.wish_money_back(coupon["certificate_id"])
    found = await world.after_sale_of(order, "pending")
    decided = await world.decide(found["after_sale_id"], "allow")
    again = await world.decide(found["after_sale_id"], "allow")
    assert again["decided_at"] == decided["decided_at"]
    assert decided["granted_coupon_ids"] == [coupon["certificate_id"]]
    assert await refusal(world.decide(found["after_sale_id"], "refuse")) == (409, "not_pending")
    await world.after_sale_in(found["after_sale_id"], "closed")
    await world.orders.order_in(order["order_id"], "refunded")


async def test_the_same_question_gets_one_answer_and_one_lock(world: RefundWorld) -> None:
    [order] = await world.place()
    [coupon] = order["coupons"]
    after_sale_id = f"again-{order['order_id']}"
    answers = await asyncio.gather(
        *(world.ask(order, after_sale_id, coupon["certificate_id"]) for _ in range(20)),
        return_exceptions=True,
    )
    said = [one for one in answers if isinstance(one, dict)]
    assert said
    assert {one["outcome"] for one in said} == {"allowed"}
    assert len({one["out_refund_id"] for one in said}) == 1
    assert await world.ask(order, after_sale_id, coupon["certificate_id"]) == said[0]
    shown = await world.after_sale(after_sale_id)
    assert [lock["state"] for lock in shown["locks"]] == ["held"]
    other = world.ask(order, after_sale_id, "another")
    assert await refusal(other) == (409, "ask_conflicted")


async def test_what_nobody_answers_is_passed_by_the_platform_and_stays_locked(
    world: RefundWorld,
) -> None:
    order, like_it = await world.place(2, sku=own_sku("too-late"))
    [coupon] = order["coupons"]
    await world.says(like_it, before_use=RefundDecision.ASK)
    after_sale_id = f"late-{order['order_id']}"
    until = datetime.now(UTC) + timedelta(seconds=1)
    asked = await world.ask(
        order, after_sale_id, coupon["certificate_id"], answer_until=until.isoformat()
    )
    assert asked["outcome"] == "pending"
    shown = await world.after_sale_in(after_sale_id, "passed")
    assert (shown["reason"], shown["decided_by"]) == ("answer_too_late", "platform")
    assert "due_soon" in [step["step"] for step in shown["steps"]]
    assert [lock["state"] for lock in shown["locks"]] == ["held"]
    assert await refusal(world.decide(after_sale_id, "refuse")) == (409, "not_pending")
    assert (await redeem(await world.till(), coupon["code"])).status == 409


async def test_of_what_nobody_knows_a_person_decides(world: RefundWorld) -> None:
    order = {"order_id": "7000000000000000001"}
    asked = await world.ask(order, "unheard-of", without_code=2)
    assert asked["outcome"] == "pending"
    assert (await world.after_sale("unheard-of"))["reason"] == "nothing_known"
    assert await refusal(world.decide("unheard-of", "refuse")) == (409, "code_missing")
    # The platform does not know it either: it decides by itself.
    await world.decide("unheard-of", "allow")
    shown = await world.after_sale_in("unheard-of", "passed")
    assert shown["reason"] == "platform_decided"


async def test_only_what_is_unspent_may_be_allowed_of_coupons_that_differ(
    world: RefundWorld,
) -> None:
    [order] = await world.place(coupons=2)
    spent, free = order["coupons"]
    assert (await redeem(await world.till(), spent["code"])).status == 200
    after_sale_id = f"differ-{order['order_id']}"
    ids = [spent["certificate_id"], free["certificate_id"]]
    assert (await world.ask(order, after_sale_id, *ids))["outcome"] == "pending"
    found = await world.after_sale(after_sale_id)
    assert found["refundable_coupon_ids"] == [free["certificate_id"]]
    refused = world.decide(after_sale_id, "allow", coupon_ids=ids)
    assert await refusal(refused) == (409, "coupon_not_refundable")
    unknown = world.decide(after_sale_id, "allow", coupon_ids=["nobodys"])
    assert await refusal(unknown) == (422, "unreadable")
    decided = await world.decide(after_sale_id, "allow")
    assert decided["granted_coupon_ids"] == [free["certificate_id"]]
    assert decided["partial"]
    assert (await redeem(await world.till(), free["code"])).status == 409


async def test_of_two_coupons_one_is_refunded_and_the_other_is_the_buyers_again(
    world: RefundWorld,
) -> None:
    order, like_it = await world.place(2, coupons=2, sku=own_sku("one-of-two"))
    refunded, kept = order["coupons"]
    await world.says(like_it, before_use=RefundDecision.ASK)
    await world.wish_money_back(refunded["certificate_id"], kept["certificate_id"])
    found = await world.after_sale_of(order, "pending")
    assert (await redeem(await world.till(), kept["code"])).status == 409
    await world.decide(found["after_sale_id"], "allow", coupon_ids=[refunded["certificate_id"]])
    shown = await world.after_sale_in(found["after_sale_id"], "closed")
    assert shown["partial"]
    [refund] = (await world.book(order))["after_sales"]
    assert (refund["state"], refund["amount_fen"]) == ("refunded", 4400)

    async def told() -> bool:
        shown = await world.orders.order_in(order["order_id"], "partly_refunded")
        return bool(shown["refunded_amount_fen"] == 4400)

    await eventually(told, what="what was refunded")

    async def narrowed() -> bool:
        shown = await world.after_sale(found["after_sale_id"])
        locks = [(lock["state"], lock["coupon_ids"]) for lock in shown["locks"]]
        return locks == [("held", [refunded["certificate_id"]])]

    await eventually(narrowed, what="a lock of the refunded coupon alone")
    assert (await redeem(await world.till(), kept["code"])).status == 200
    assert (await redeem(await world.till(), refunded["code"])).status == 409


async def test_orders_tell_what_has_become_of_them(world: RefundWorld) -> None:
    [order] = await world.place(coupons=2)
    ask = {
        "merchant": "yihetang",
        "platform": "douyin",
        "client_key": "any",
        "order_ids": [order["order_id"], "7000000000000000009"],
    }

    async def told() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await world.post("/v1/orders/statuses", ask))["orders"]
        return [one for one in found if len(one["coupon_ids"]) == 2]

    [status] = await eventually(told, what="two coupons")
    assert status["counts"] == {"total": 2, "redeemed": 0, "refunded": 0}
    assert (status["order_id"], status["state"]) == (order["order_id"], "paid")
    assert status["coupon_ids"] == sorted(one["certificate_id"] for one in order["coupons"])


async def test_people_look_and_decide_with_the_command(world: RefundWorld, tmp_path: Path) -> None:
    order, like_it = await world.place(2, sku=own_sku("by-command"))
    await world.says(like_it, before_use=RefundDecision.ASK)
    await world.wish_money_back(order["coupons"][0]["certificate_id"])
    after_sale_id = (await world.after_sale_of(order, "pending"))["after_sale_id"]
    secret = tmp_path / "operator"
    secret.write_text(world.access.operator_secret)
    environment = {
        "QIAO_OPERATOR_SECRET_FILE": str(secret),
        "QIAO_ACCESS_URL": world.access.url,
        "QIAO_ORDERS_URL": world.orders.url,
    }

    async def qiao(*arguments: str) -> Said:
        return await run_qiao("after-sales", *arguments, data=None, environment=environment)

    listed = (await qiao("list", "--state", "pending", "--due", "3d", "--json")).json
    assert after_sale_id in [one["after_sale_id"] for one in listed]
    shown = await qiao("show", after_sale_id)
    assert shown.status == 0, shown.err
    assert "商品规则要人决定" in shown.out
    allowed = await qiao("allow", after_sale_id, "--reason", "顾客等太久")
    assert allowed.status == 0, allowed.err
    too_late = await qiao("refuse", after_sale_id)
    assert too_late.status == 1
    assert "not_pending" in too_late.err


async def test_another_merchants_after_sale_is_not_there(world: RefundWorld) -> None:
    [order] = await world.place()
    after_sale_id = f"mine-{order['order_id']}"
    await world.ask(order, after_sale_id, order["coupons"][0]["certificate_id"])
    await world.access.add_merchant("heytea")
    token = await token_for(world.access, "heytea")
    hidden = world.orders.get(f"/v1/after-sales/{after_sale_id}", token=token)
    assert await refusal(hidden) in ((404, "not_found"), (403, "forbidden"))
    with pytest.raises(Rejection):
        await world.post(
            f"/v1/after-sales/{after_sale_id}/decision", {"decision": "allow"}, token=token
        )
