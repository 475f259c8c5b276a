"""The store's list of the day, what was refused, and the table of reasons."""

from datetime import UTC, datetime
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from shared.platforms.reasons import Reason
from tests.integration.redemption.platform import PRICE_FEN
from tests.integration.redemption.support import MERCHANT, Till, World
from tests.support.waiting import eventually

_numbers = iter(range(6601248937917549000, 6601248937917549999))


async def a_fresh_store(world: World, *, time_zone: str = "Asia/Shanghai") -> tuple[str, Till]:
    """A store of its own at a place that the platform knows, so that its list is empty."""
    poi_id = str(next(_numbers))
    await world.platform.add_poi(poi_id)
    store_id = await world.access.add_store(MERCHANT, poi_id=poi_id, time_zone=time_zone)
    terminal = await world.access.add_terminal(store_id)

    async def known() -> bool:
        return bool(await world.fetch("SELECT FROM stores WHERE store_id = $1", store_id))

    await eventually(known, what="the store")
    return store_id, Till(world.url, world.session, await terminal.token())


async def test_the_list_of_the_day_holds_what_was_redeemed_with_totals(world: World) -> None:
    _, till = await a_fresh_store(world)
    orders = await world.platform.orders(3)
    ids = [str(uuid4()) for _ in orders]
    for order, redemption_id in zip(orders, ids, strict=True):
        assert (await till.redeem(order["coupons"][0]["code"], redemption_id)).status == 200
    await till.cancel(ids[0])
    listed = await till.ask("GET", "/v1/redemptions")
    assert listed.status == 200
    assert [item["redemption_id"] for item in listed.body["items"]] == ids[::-1]
    newest, oldest = listed.body["items"][0], listed.body["items"][-1]
    assert newest["coupons"][0]["state"] == "spent"
    assert newest["cancel_until"] is not None
    assert oldest["coupons"][0]["state"] == "released"
    assert oldest["cancel_until"] is None
    assert listed.body["totals"] == {
        "redeemed_coupons": 2,
        "pay_amount_fen": 2 * PRICE_FEN,
        "original_amount_fen": 2 * PRICE_FEN,
        "cancelled_coupons": 1,
        "pending_redemptions": 0,
    }
    assert listed.body["time_zone"] == "Asia/Shanghai"


async def test_a_long_day_comes_in_pages(world: World) -> None:
    _, till = await a_fresh_store(world)
    ids = []
    for order in await world.platform.orders(5):
        ids.append(str(uuid4()))
        await till.redeem(order["coupons"][0]["code"], ids[-1])
    seen, cursor = [], None
    while True:
        query = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        listed = await till.ask("GET", "/v1/redemptions", **query)
        seen += [item["redemption_id"] for item in listed.body["items"]]
        cursor = listed.body["next_cursor"]
        if cursor is None:
            break
    assert seen == ids[::-1]


@pytest.mark.parametrize("time_zone", ["Asia/Shanghai", "America/Los_Angeles", "Asia/Kathmandu"])
async def test_a_day_is_the_stores_own(world: World, time_zone: str) -> None:
    store_id, till = await a_fresh_store(world, time_zone=time_zone)
    zone = ZoneInfo(time_zone)
    moments = {
        "before": datetime(2026, 3, 7, 23, 59, 59, tzinfo=zone),
        "first": datetime(2026, 3, 8, 0, 0, 0, tzinfo=zone),
        "last": datetime(2026, 3, 8, 23, 59, 59, tzinfo=zone),
        "after": datetime(2026, 3, 9, 0, 0, 0, tzinfo=zone),
    }
    names = {}
    for name, order in zip(moments, await world.platform.orders(4), strict=True):
        redemption_id = str(uuid4())
        await till.redeem(order["coupons"][0]["code"], redemption_id)
        await world.fetch(
            "UPDATE redemptions SET created_at = $2 WHERE redemption_id::text = $1",
            redemption_id,
            moments[name].astimezone(UTC),
        )
        names[redemption_id] = name
    listed = await till.ask("GET", "/v1/redemptions", date="2026-03-08")
    assert [names[item["redemption_id"]] for item in listed.body["items"]] == ["last", "first"]
    assert listed.body["totals"]["redeemed_coupons"] == 2
    assert listed.body["store_id"] == store_id
    today = await till.ask("GET", "/v1/redemptions")
    assert today.body["date"] == datetime.now(zone).date().isoformat()
    assert today.body["items"] == []


async def test_refused_attempts_are_kept_with_terminal_and_reason(world: World) -> None:
    _, till = await a_fresh_store(world)
    order = await world.platform.order()
    await till.scan("123456789012345")
    prepared = await till.scan(order["coupons"][0]["code"])
    coupon_ids = [one["coupon_id"] for one in prepared.body["coupons"]]
    winner, loser = str(uuid4()), str(uuid4())
    await till.put(prepared.body["preparation_id"], coupon_ids, winner)
    await till.put(prepared.body["preparation_id"], coupon_ids, loser)
    await till.put(str(uuid4()), coupon_ids)
    await till.cancel(loser)
    listed = await till.ask("GET", "/v1/refusals")
    assert [(item["step"], item["reason"]) for item in listed.body["items"]] == [
        ("cancel", "not_redeemed"),
        ("redeem", "preparation_unknown"),
        ("redeem", "already_redeemed"),
        ("prepare", "code_unknown"),
    ]
    assert len({item["terminal_id"] for item in listed.body["items"]}) == 1
    assert listed.body["items"][2]["redemption_id"] == loser
    assert listed.body["items"][2]["coupon_ids"] == coupon_ids
    assert listed.body["items"][2]["action"]["zh"]
    pages = await till.ask("GET", "/v1/refusals", limit="3")
    rest = await till.ask("GET", "/v1/refusals", cursor=pages.body["next_cursor"])
    assert pages.body["items"] + rest.body["items"] == listed.body["items"]


async def test_the_table_of_reasons_is_whole(till: Till) -> None:
    listed = await till.ask("GET", "/v1/reasons")
    assert {item["reason"] for item in listed.body["items"]} == set(Reason)
    assert len(listed.body["items"]) >= 20
    for item in listed.body["items"]:
        assert all(
            item[part][language] for part in ("title", "action") for language in ("zh", "en")
        )


@pytest.mark.parametrize(
    "query",
    [{"date": "yesterday"}, {"cursor": "x"}, {"cursor": "WyJhIiwiYiJd"}, {"limit": "0"}],
)
@pytest.mark.parametrize("path", ["/v1/redemptions", "/v1/refusals"])
async def test_a_list_asked_for_wrongly_is_unreadable(
    till: Till, path: str, query: dict[str, str]
) -> None:
    answer = await till.ask("GET", path, **query)
    assert (answer.status, answer.reason) == (422, "unreadable")


async def test_a_terminal_sees_its_own_store_only(world: World, till: Till) -> None:
    store_id, _ = await a_fresh_store(world)
    answer = await till.ask("GET", "/v1/redemptions", store_id=store_id)
    assert (answer.status, answer.reason) == (403, "unknown_store")
