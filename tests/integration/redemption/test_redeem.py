"""From a scan to a spent coupon, and everything that may speak against it."""

from typing import Any
from uuid import uuid4

import pytest

from services.redemption.domain import states
from tests.integration.redemption.platform import OTHER_POI, PRICE_FEN
from tests.integration.redemption.support import MERCHANT, Answer, Till, World, gather
from tests.support.waiting import eventually


async def test_a_scanned_coupon_is_redeemed_and_everybody_hears_of_it(
    world: World, till: Till
) -> None:
    order = await world.platform.order()
    prepared = await till.scan(order["coupons"][0]["short_link"])
    assert prepared.status == 200, prepared.body
    (offer,) = prepared.body["coupons"]
    assert offer["usable"] is True
    assert offer["pay_amount_fen"] == PRICE_FEN
    redemption_id = str(uuid4())
    redeemed = await till.put(prepared.body["preparation_id"], [offer["coupon_id"]], redemption_id)
    assert redeemed.status == 200, redeemed.body
    assert redeemed.outcome == "redeemed"
    assert redeemed.body["order_id"] == order["order_id"]
    said = await world.heard(order, "coupon.redeemed")
    assert said.type == "coupon.redeemed"
    assert said.subject == offer["coupon_id"]
    assert said.merchant == MERCHANT
    assert said.data["redemption_id"] == redemption_id
    assert said.data["order_id"] == order["order_id"]
    assert said.data["pay_amount_fen"] == PRICE_FEN
    assert said.data["redeemed_at"] < said.data["cancel_until"]


@pytest.mark.parametrize("form", ["short_link", "code", "shared text", "gun"])
async def test_a_code_is_understood_in_every_form(world: World, till: Till, form: str) -> None:
    (coupon,) = (await world.platform.order())["coupons"]
    texts = {
        "short_link": coupon["short_link"],
        "code": coupon["code"],
        "shared text": f"复制打开抖音 {coupon['short_link']} 快来看看",
        "gun": f"]C1{coupon['code']}\r\n",
    }
    assert (await till.redeem(texts[form])).outcome == "redeemed"


async def test_several_coupons_of_an_order_are_redeemed_together(world: World, till: Till) -> None:
    order = await world.platform.order(coupons=3)
    redeemed = await till.redeem(order["coupons"][0]["short_link"])
    assert redeemed.status == 200
    assert [one["outcome"] for one in redeemed.body["coupons"]] == ["redeemed"] * 3
    events = await world.events(order, number=3)
    assert {event.type for event in events} == {"coupon.redeemed"}
    assert {event.subject for event in events} == {
        coupon["certificate_id"] for coupon in order["coupons"]
    }


async def test_the_rest_of_an_order_is_redeemed_after_another_scan(
    world: World, till: Till
) -> None:
    order = await world.platform.order(coupons=2)
    first, second = (coupon["code"] for coupon in order["coupons"])
    prepared = await till.scan(first)
    preparation_id = prepared.body["preparation_id"]
    coupon_ids = [one["coupon_id"] for one in prepared.body["coupons"]]
    assert (await till.put(preparation_id, coupon_ids[:1])).outcome == "redeemed"
    used = await till.put(preparation_id, coupon_ids[1:])
    assert (used.status, used.reason) == (409, "preparation_used")
    again = await till.scan(second)
    assert [one["coupon_id"] for one in again.body["coupons"]] == coupon_ids[1:]
    assert (await till.put(again.body["preparation_id"], coupon_ids[1:])).outcome == "redeemed"


async def test_a_refusal_says_what_the_clerk_should_do_in_both_languages(
    world: World, till: Till
) -> None:
    order = await world.platform.order(coupons=2)
    prepared = await till.scan(order["coupons"][0]["code"])
    coupon_ids = [one["coupon_id"] for one in prepared.body["coupons"]]
    assert (await till.put(prepared.body["preparation_id"], coupon_ids)).status == 200
    refused = await till.put(prepared.body["preparation_id"], coupon_ids[:1])
    assert (refused.status, refused.outcome) == (409, "refused")
    assert refused.reason == "already_redeemed"
    assert refused.body["title"] == {
        "zh": "这张券已经用过了",
        "en": "This coupon has already been used",
    }
    assert refused.body["action"]["zh"]
    assert refused.body["action"]["en"]
    assert refused.body["claim"]["store_name"] == "人民广场店"


async def test_a_code_scanned_again_is_refused_without_asking_the_platform(
    world: World, till: Till
) -> None:
    (coupon,) = (await world.platform.order())["coupons"]
    await till.redeem(coupon["short_link"])
    before = await world.platform.control("GET", "stats")
    again = await till.scan(coupon["short_link"])
    assert (again.status, again.reason) == (409, "already_redeemed")
    assert again.body["claim"]["redeemed_at"] is not None
    assert (await world.platform.control("GET", "stats"))["calls"] == before["calls"]


async def test_a_code_that_the_platform_calls_used_is_refused_with_what_our_ledger_knows(
    world: World, till: Till
) -> None:
    order = await world.platform.order(coupons=2)
    link = order["coupons"][0]["short_link"]
    prepared = await till.scan(link)
    first = prepared.body["coupons"][0]["coupon_id"]
    assert (await till.put(prepared.body["preparation_id"], [first])).status == 200
    rest = {**order, "coupons": order["coupons"][1:]}
    await world.platform.redeem_elsewhere(rest, poi_id=OTHER_POI)
    again = await till.scan(link)
    assert (again.status, again.reason) == (409, "already_redeemed")
    assert again.body["claim"]["store_name"] == "人民广场店"
    assert again.body["claim"]["redeemed_at"] is not None


async def test_the_other_form_of_a_spent_code_is_refused_by_the_platform(
    world: World, till: Till
) -> None:
    (coupon,) = (await world.platform.order())["coupons"]
    await till.redeem(coupon["short_link"])
    assert (await till.scan(coupon["code"])).reason == "already_redeemed"


async def test_any_terminal_of_the_store_may_use_a_scan_but_no_other_store(
    world: World, till: Till
) -> None:
    (coupon,) = (await world.platform.order())["coupons"]
    prepared = await till.scan(coupon["code"])
    coupon_ids = [one["coupon_id"] for one in prepared.body["coupons"]]
    elsewhere = await world.till(OTHER_POI)
    refused = await elsewhere.put(prepared.body["preparation_id"], coupon_ids)
    assert (refused.status, refused.reason) == (404, "preparation_unknown")
    neighbour = await world.till()
    assert (await neighbour.put(prepared.body["preparation_id"], coupon_ids)).status == 200


async def test_a_coupon_of_another_store_is_refused_at_the_scan(world: World, till: Till) -> None:
    (coupon,) = (await world.platform.order(poi_ids=[OTHER_POI]))["coupons"]
    refused = await till.scan(coupon["code"])
    assert (refused.status, refused.reason) == (409, "wrong_store")


@pytest.mark.parametrize(
    ("scan", "status", "reason"),
    [
        ("hello", 409, "code_unreadable"),
        ("https://evil.example/eHHc1ft/", 409, "code_unreadable"),
        ("123456789012345", 409, "code_unknown"),
        ("x" * 3000, 409, "code_unreadable"),
        ("", 409, "code_unreadable"),
    ],
)
async def test_what_is_no_code_is_refused_with_a_reason(
    till: Till, scan: str, status: int, reason: str
) -> None:
    refused = await till.scan(scan)
    assert (refused.status, refused.reason) == (status, reason)


async def test_a_scan_of_long_ago_is_refused(world: World, till: Till) -> None:
    (coupon,) = (await world.platform.order())["coupons"]
    prepared = await till.scan(coupon["code"])
    await world.fetch(
        "UPDATE preparations SET expires_at = now() WHERE preparation_id::text = $1",
        prepared.body["preparation_id"],
    )
    coupon_ids = [one["coupon_id"] for one in prepared.body["coupons"]]
    refused = await till.put(prepared.body["preparation_id"], coupon_ids)
    assert (refused.status, refused.reason) == (409, "preparation_expired")


async def test_a_coupon_that_is_not_in_the_scan_is_refused(world: World, till: Till) -> None:
    (coupon,) = (await world.platform.order())["coupons"]
    prepared = await till.scan(coupon["code"])
    refused = await till.put(prepared.body["preparation_id"], ["7091180835810052103"])
    assert (refused.status, refused.reason) == (409, "coupon_not_in_preparation")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"preparation_id": "no uuid", "coupon_ids": ["1"]},
        {"preparation_id": str(uuid4()), "coupon_ids": []},
        {"preparation_id": str(uuid4()), "coupon_ids": ["1", "1"]},
        {"preparation_id": str(uuid4()), "coupon_ids": ["x" * 200]},
        {"preparation_id": str(uuid4()), "coupon_ids": [str(n) for n in range(101)]},
    ],
)
async def test_a_request_that_makes_no_sense_is_unreadable(till: Till, body: Any) -> None:
    answer = await till.ask("PUT", f"/v1/redemptions/{uuid4()}", body)
    assert (answer.status, answer.reason) == (422, "unreadable")


async def test_a_redemption_id_that_is_no_uuid_is_unreadable(till: Till) -> None:
    answer = await till.ask("PUT", "/v1/redemptions/7", {})
    assert answer.status == 422


async def test_a_closed_store_redeems_nothing(world: World) -> None:
    store_id = await world.access.add_store(MERCHANT, poi_id="6601248937917548560")
    terminal = await world.access.add_terminal(store_id)
    till = Till(world.url, world.session, await terminal.token())
    await world.access.as_operator("PATCH", f"/v1/stores/{store_id}", body={"open": False})

    async def closed() -> bool:
        return (await till.scan("123456789012345")).reason == "store_closed"

    await eventually(closed, what="a closed store")


async def test_a_store_that_is_not_there_is_not_found_by_who_may_enter_all(world: World) -> None:
    operator = Till(world.url, world.session, await world.access.operator_token())
    answer = await operator.scan("123456789012345", store_id="s-of-tomorrow")
    assert (answer.status, answer.reason) == (404, "unknown_store")


async def test_who_has_no_token_or_may_not_redeem_gets_nowhere(world: World, till: Till) -> None:
    nobody = Till(world.url, world.session, "nonsense")
    assert (await nobody.scan("123456789012345")).status == 401
    auditor = await world.access.add_staff(MERCHANT, role="auditor")
    reader = Till(world.url, world.session, await auditor.token())
    assert (await reader.scan("123456789012345")).status == 403


async def test_staff_of_all_stores_name_the_store(world: World) -> None:
    (coupon,) = (await world.platform.order())["coupons"]
    owner = await world.access.add_staff(MERCHANT, role="owner")
    desk = Till(world.url, world.session, await owner.token())
    assert (await desk.scan(coupon["code"])).status == 422
    prepared = await desk.scan(coupon["code"], store_id=world.stores[OTHER_POI])
    coupon_ids = [one["coupon_id"] for one in prepared.body["coupons"]]
    redeemed = await desk.put(prepared.body["preparation_id"], coupon_ids)
    assert redeemed.body["store_id"] == world.stores[OTHER_POI]
    assert redeemed.body["terminal_id"] == f"staff:{owner.staff_id}"


async def test_another_merchants_staff_sees_and_spends_nothing(world: World, till: Till) -> None:
    (coupon,) = (await world.platform.order())["coupons"]
    prepared = await till.scan(coupon["code"])
    coupon_ids = [one["coupon_id"] for one in prepared.body["coupons"]]
    redemption_id = str(uuid4())
    await till.put(prepared.body["preparation_id"], coupon_ids, redemption_id)
    await world.access.add_merchant("rival", account_id="99")
    owner = await world.access.add_staff("rival", role="owner")
    rival = Till(world.url, world.session, await owner.token())
    store = {"store_id": next(iter(world.stores.values()))}
    answers: list[Answer] = await gather(
        rival.scan(coupon["code"], **store),
        rival.put(prepared.body["preparation_id"], coupon_ids),
        rival.ask("GET", f"/v1/redemptions/{redemption_id}"),
        rival.ask("GET", "/v1/redemptions", **store),
        rival.ask("GET", "/v1/refusals", **store),
        rival.cancel(redemption_id),
    )
    assert [answer.status for answer in answers] == [403, 404, 404, 404, 404, 404]
    reused = await rival.put(prepared.body["preparation_id"], coupon_ids, redemption_id)
    assert (reused.status, reused.reason) == (409, "redemption_id_reused")
    assert order_is_not_told(reused)


def order_is_not_told(answer: Answer) -> bool:
    return not {"order_id", "coupons", "store_id", "claim"} & answer.body.keys()


async def test_the_tables_know_the_same_states_as_the_rules(world: World) -> None:
    async def allowed(constraint: str) -> set[str]:
        ((definition,),) = await world.fetch(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = $1", constraint
        )
        return set(str(definition).split("'")[1::2])

    assert await allowed("redemption_state_is_known") == set(states.RedemptionState)
    assert await allowed("ledger_state_is_known") == set(states.LedgerState)
    assert await allowed("cancellation_state_is_known") == set(states.CancellationState)


@pytest.mark.parametrize("fault", ["error", "dropped_before", "dropped_after"])
async def test_a_platform_that_stumbles_over_a_scan_is_asked_once_more(
    world: World, till: Till, fault: str
) -> None:
    (coupon,) = (await world.platform.order())["coupons"]
    await world.platform.faults(prepare={fault: 1000}, short_link={fault: 1000})
    try:
        prepared = await till.scan(coupon["code"])
    finally:
        await world.platform.faults()
    assert prepared.status == 200


async def test_over_the_platforms_quota_a_scan_waits_a_little_and_then_is_told_to_come_again(
    world: World,
) -> None:
    orders = await world.platform.orders(3)
    slow = {"redemption_calls_per_second": 0.5, "redemption_quota_wait_seconds": 0.2}
    async with world.worker(**slow) as url:
        till = await world.till(url=url)
        answers = await gather(*(till.scan(order["coupons"][0]["code"]) for order in orders))
    assert sorted(answer.status for answer in answers) == [200, 503, 503]
    busy = next(answer for answer in answers if answer.status == 503)
    assert busy.reason == "platform_busy"
    assert int(busy.headers["Retry-After"]) > 0
