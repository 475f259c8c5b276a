"""Coupons of ours beside refunds: a lock, a spend and a refund exclude each other."""

import os
from uuid import uuid4

import pytest
import pytest_asyncio

from shared.contracts.products import ProductKind
from tests.integration.redemption.ours import Shop, certificate_notify, put, spend
from tests.integration.redemption.support import Answer, Till, World, gather
from tests.support.waiting import eventually


@pytest_asyncio.fixture(loop_scope="session")
async def shop(world: World) -> Shop:
    return Shop(world)


async def an_order(shop: Shop, coupons: int = 1) -> tuple[str, list[dict[str, str]]]:
    answer = await shop.issue(coupons=coupons)
    return answer.body["order_id"], answer.body["codes"]


async def test_a_locked_coupon_is_not_spent_until_it_is_released(shop: Shop, till: Till) -> None:
    order_id, (issued,) = await an_order(shop)
    after_sale_id = str(uuid4())
    locked = await shop.lock(order_id, [issued["coupon_id"]], after_sale_id)
    assert locked.status == 200
    assert locked.body["locked"] is True
    (use,) = locked.body["coupons"]
    assert (use["state"], use["times_total"], use["times_used"]) == ("available", 1, 0)
    prepared = await till.scan(issued["code"])
    assert prepared.body["coupons"][0]["reason"] == "refund_in_progress"
    refused = await put(till, prepared)
    assert (refused.status, refused.reason) == (409, "refund_in_progress")
    again = await shop.lock(order_id, [issued["coupon_id"]], after_sale_id)
    assert again.body == locked.body
    released = await shop.unlock(after_sale_id)
    assert released.body["locked"] is False
    assert (await shop.unlock(after_sale_id)).status == 200
    assert (await spend(till, issued["code"])).status == 200


async def test_all_coupons_are_locked_or_none(shop: Shop, till: Till) -> None:
    order_id, issued = await an_order(shop, coupons=3)
    await spend(till, issued[1]["code"])
    answer = await shop.lock(order_id)
    assert answer.body["locked"] is False
    states = {use["coupon_id"]: use["state"] for use in answer.body["coupons"]}
    assert [states[each["coupon_id"]] for each in issued] == ["available", "spent", "available"]
    assert (await spend(till, issued[0]["code"])).status == 200


async def test_a_partly_used_card_can_be_locked_and_says_so(shop: Shop, till: Till) -> None:
    await shop.sell("card-lock", kind=ProductKind.TIMES_CARD, times=5)
    answer = await shop.issue(third_sku_id="card-lock", kind="times_card")
    (issued,) = answer.body["codes"]
    await spend(till, issued["code"], times=2)
    locked = await shop.lock(answer.body["order_id"])
    (use,) = locked.body["coupons"]
    assert locked.body["locked"] is True
    assert (use["times_total"], use["times_used"]) == (5, 2)


async def test_coupons_that_nobody_knows_are_unknown_and_keep_nothing_from_being_locked(
    shop: Shop,
) -> None:
    answer = await shop.lock("an-order-of-the-platform", ["c-1"])
    assert answer.body == {
        "locked": True,
        "coupons": [
            {
                "coupon_id": "c-1",
                "state": "unknown",
                "times_total": 1,
                "times_used": 0,
                "expired": False,
            }
        ],
    }


async def test_codes_issued_into_a_refund_of_the_whole_order_are_born_locked(
    shop: Shop, till: Till
) -> None:
    order_id = f"late-{uuid4()}"
    await shop.lock(order_id)
    issued = await shop.code(order_id=order_id)
    prepared = await till.scan(issued["code"])
    assert prepared.body["coupons"][0]["reason"] == "refund_in_progress"


async def test_a_lock_for_another_order_is_refused_and_an_unknown_one_is_not_found(
    shop: Shop,
) -> None:
    first, _ = await an_order(shop)
    second, _ = await an_order(shop)
    after_sale_id = str(uuid4())
    await shop.lock(first, (), after_sale_id)
    other = await shop.lock(second, (), after_sale_id)
    assert (other.status, other.reason) == (409, "ask_conflicted")
    assert (await shop.unlock(str(uuid4()))).status == 404


async def test_refund_and_redemption_fired_together_end_in_exactly_one(
    shop: Shop, world: World
) -> None:
    await race(shop, world, coupons=200)


@pytest.mark.soak
@pytest.mark.timeout(900)
async def test_refund_and_redemption_fired_together_on_5000_coupons(
    shop: Shop, world: World
) -> None:
    await race(shop, world, coupons=500 if os.environ.get("QIAO_SHORT") else 5_000)


async def race(shop: Shop, world: World, *, coupons: int) -> None:
    tills = await gather(*(world.till() for _ in range(4)))
    for start in range(0, coupons, 100):
        orders = await gather(*(an_order(shop) for _ in range(min(100, coupons - start))))
        codes = [issued["code"] for _, (issued,) in orders]
        scans = await gather(*(tills[n % 4].scan(code) for n, code in enumerate(codes)))
        both: list[Answer] = await gather(
            *(
                fire
                for n, (order_id, _) in enumerate(orders)
                for fire in (shop.lock(order_id), put(tills[n % 4], scans[n]))
            )
        )
        for n, (order_id, (issued,)) in enumerate(orders):
            locked, spent = both[2 * n].body["locked"], both[2 * n + 1].outcome == "redeemed"
            assert locked != spent, (order_id, both[2 * n].body, both[2 * n + 1].body)
            coupon = await shop.coupon(issued["coupon_id"])
            assert (coupon["refund_lock"] is not None, coupon["times_used"]) == (locked, int(spent))
            assert len(await shop.ledger(issued["coupon_id"])) == int(spent)


async def test_a_refund_that_the_platform_reports_ends_the_coupon(shop: Shop, till: Till) -> None:
    order_id, (issued,) = await an_order(shop)
    prepared = await till.scan(issued["code"])
    await shop.say(certificate_notify(issued, order_id, "refund_success"))

    async def ended() -> bool:
        return (await shop.coupon(issued["coupon_id"]))["refunded_at"] is not None

    await eventually(ended, what="the refund to be heard")
    refused = await put(till, prepared)
    assert (refused.status, refused.reason) == (409, "already_refunded")
    lock = await shop.lock(order_id)
    assert lock.body["coupons"][0]["state"] == "refunded"


async def test_a_redemption_taken_back_gives_its_uses_back(shop: Shop, till: Till) -> None:
    await shop.sell("card-back", kind=ProductKind.TIMES_CARD, times=3)
    issued = await shop.code(third_sku_id="card-back", kind="times_card")
    redemption_id = str(uuid4())
    await spend(till, issued["code"], times=2, redemption_id=redemption_id)
    cancelled = await till.cancel(redemption_id)
    assert (cancelled.status, cancelled.outcome) == (200, "cancelled"), cancelled.body
    assert [one["coupon_id"] for one in cancelled.body["coupons"]] == [issued["coupon_id"]]
    assert (await shop.coupon(issued["coupon_id"]))["times_used"] == 0
    said = await shop.said(issued["coupon_id"])
    assert [each.type for each in said] == ["coupon.issued", "coupon.redeemed", "coupon.cancelled"]
    assert [each.version for each in said] == [1, 2, 3]
    assert (await spend(till, issued["code"], times=3)).status == 200
    assert (await till.cancel(redemption_id)).reason == "already_cancelled"


async def test_it_is_taken_back_within_the_window_only(shop: Shop, till: Till) -> None:
    issued = await shop.code()
    redemption_id = str(uuid4())
    await spend(till, issued["code"], redemption_id=redemption_id)
    await shop.age(issued["coupon_id"], seconds=3_601)
    late = await till.cancel(redemption_id)
    assert (late.status, late.reason) == (409, "cancel_window_closed")


async def test_the_platforms_echo_of_a_taken_back_use_frees_no_later_one(
    shop: Shop, till: Till, world: World
) -> None:
    order_id, (issued,) = await an_order(shop)
    await spend(till, issued["code"])
    await shop.age(issued["coupon_id"], seconds=60)
    await shop.say(certificate_notify(issued, order_id, "verify_cancel"))

    async def heard() -> bool:
        statement = "SELECT FROM coupons WHERE coupon_id = $1 AND fact = 'available'"
        return bool(await world.fetch(statement, issued["coupon_id"]))

    await eventually(heard, what="the echo")
    assert [row["state"] for row in await shop.ledger(issued["coupon_id"])] == ["spent"]


async def test_a_code_is_shown_as_a_picture_and_that_is_audited(
    shop: Shop, till: Till, world: World
) -> None:
    issued = await shop.code()
    path = f"/v1/coupons/{issued['coupon_id']}/qr"
    assert (await till.ask("GET", path)).status == 403
    owner = await world.access.add_staff()
    headers = {"Authorization": f"Bearer {await owner.token()}"}
    for form, beginning in (("svg", b"<svg"), ("png", b"\x89PNG")):
        async with world.session.get(
            world.url + path, params={"format": form}, headers=headers
        ) as response:
            assert response.status == 200
            assert (await response.read()).startswith(beginning)
    shown = [
        each for each in await shop.said(issued["coupon_id"]) if each.type == "coupon.revealed"
    ]
    assert [each.data["revealed_by"] for each in shown] == [f"staff:{owner.staff_id}"] * 2
    assert all(issued["code"] not in each.model_dump_json() for each in shown)
