"""The order query, the list of redemptions, and event subscriptions, page by page."""

from datetime import timedelta

from shared.clock import utc_now
from tests.integration.simulator.support import (
    ACCOUNT,
    CERTIFICATE,
    OTHER_POI,
    POI,
    SKU,
    Client,
    Json,
    Receiver,
)
from tests.support.waiting import until

ORDERS = "/goodlife/v1/trade/order/query/"
RECORDS = f"{CERTIFICATE}/verify_record/query/"


def seconds(offset: timedelta = timedelta()) -> str:
    return str(int((utc_now() + offset).timestamp()))


async def place(simulator: Client, count: int) -> list[str]:
    """The ids as the order query sorts them: by the moment, then by id."""
    body = {"orders": [{"account_id": ACCOUNT, "sku": SKU}] * count}
    answer = await simulator.control("POST", "orders", body)
    return sorted((order["order_id"] for order in answer["orders"]), key=int)


async def query(simulator: Client, **asked: str) -> Json:
    return await simulator.data("GET", ORDERS, account_id=ACCOUNT, **asked)


def order_ids(found: Json) -> list[str]:
    return [order["order_id"] for order in found["orders"]]


async def test_orders_come_page_by_page(simulator: Client) -> None:
    placed = await place(simulator, 7)

    pages = [await query(simulator, page_num=str(one), page_size="3") for one in (1, 2, 3)]

    assert [order_id for page in pages for order_id in order_ids(page)] == placed
    assert {page["page"]["total"] for page in pages} == {7}


async def test_orders_come_by_cursor_written_in_either_way(simulator: Client) -> None:
    placed = await place(simulator, 5)

    first = await query(simulator, page_size="2")
    after = first["search_after"]["CursorValue"]
    second = await query(simulator, page_size="2", cursor=",".join(after))
    joined = f"{simulator.url}{ORDERS}?account_id={ACCOUNT}&page_size=2&" + "&".join(
        f"cursor={part}" for part in second["search_after"]["CursorValue"]
    )
    headers = {"access-token": simulator.token}
    async with simulator.session.get(joined, headers=headers) as response:
        third = (await response.json())["data"]

    assert [*order_ids(first), *order_ids(second), *order_ids(third)] == placed


async def test_a_change_brings_an_order_to_the_end_of_the_list_of_updates(
    simulator: Client,
) -> None:
    placed = await place(simulator, 3)
    shown = await simulator.data("GET", f"{CERTIFICATE}/query/", order_id=placed[0])
    asked = {"encrypted_code": shown["certificates"][0]["encrypted_code"]}
    coupon = (await simulator.data("GET", f"{CERTIFICATE}/get/", **asked))["certificate"]
    refund = {"certificate_ids": [coupon["certificate_id"]]}
    await simulator.control("POST", "refunds", refund)

    window = {
        "update_order_start_time": seconds(-timedelta(minutes=1)),
        "update_order_end_time": seconds(timedelta(minutes=1)),
    }
    found = await query(simulator, **window)

    assert order_ids(found) == [*placed[1:], placed[0]]
    assert found["orders"][-1]["order_status"] in {300, 301}
    # By creation nothing has moved.
    created = {name.replace("update", "create"): value for name, value in window.items()}
    assert order_ids(await query(simulator, **created)) == placed


async def test_a_window_holds_its_last_second_to_the_end(simulator: Client) -> None:
    placed = await place(simulator, 1)
    moment = str((await query(simulator))["orders"][0]["create_order_time"])

    exact = {"create_order_start_time": moment, "create_order_end_time": moment}
    earlier = {"create_order_end_time": str(int(moment) - 1)}

    assert order_ids(await query(simulator, **exact)) == placed
    assert order_ids(await query(simulator, **earlier)) == []


async def test_the_order_query_says_what_it_cannot_do(simulator: Client) -> None:
    async def code(**asked: str) -> int:
        return int((await query(simulator, **asked))["error_code"])

    assert await code(page_num="101", page_size="100") == 4000002
    assert await code(page_size="101") == 2100005
    assert await code(order_status="200") == 2100005
    assert await code(cursor="nonsense") == 2100005
    assert await code(create_order_start_time="yesterday") == 2100005
    foreign = await simulator.data("GET", ORDERS, account_id="somebody else")
    assert foreign["error_code"] == 1508


async def test_the_order_query_has_a_limit_a_second(simulator: Client) -> None:
    await simulator.control("PUT", "pace", {"order_query_per_second": 1})

    codes = [(await query(simulator))["error_code"] for _ in range(10)]

    assert codes[0] == 0
    assert set(codes) == {0, 28003018}


async def test_an_order_tells_its_amounts_and_items(simulator: Client) -> None:
    order = await simulator.order(count=2, pay_amount_fen=9_999)
    await simulator.redeem(order["coupons"][1])

    shown = (await query(simulator, order_id=order["order_id"]))["orders"][0]

    assert shown["original_amount"] - shown["discount_amount"] == shown["pay_amount"] == 9_999
    assert shown["count"] == 2
    assert [(item["certificate_id"], item["item_status"]) for item in shown["certificate"]] == [
        (order["coupons"][0]["certificate_id"], 200),
        (order["coupons"][1]["certificate_id"], 401),
    ]


async def test_redemptions_come_newest_first_by_cursor(simulator: Client) -> None:
    verify_ids = []
    for _ in range(5):
        order = await simulator.order()
        verify_ids.append((await simulator.redeem(order["coupons"][0]))["verify_id"])

    listed: list[str] = []
    cursor = "0"
    for _ in range(3):
        found = await simulator.data(
            "GET", RECORDS, account_id=ACCOUNT, cursor=cursor, size="2", poi_ids=f"{POI},1"
        )
        assert found["total"] == 5
        assert found["records_v2"] == found["records"]
        listed += [record["verify_id"] for record in found["records"]]
        cursor = found["records"][-1]["cursor"]

    assert listed == verify_ids[::-1]


async def test_the_list_of_redemptions_knows_stores_times_and_cancellations(
    simulator: Client,
) -> None:
    order = await simulator.order()
    verified = await simulator.redeem(order["coupons"][0])
    await simulator.data("POST", f"{CERTIFICATE}/cancel/", {"verify_id": verified["verify_id"]})

    async def records(**asked: str) -> list[Json]:
        found = await simulator.data("GET", RECORDS, account_id=ACCOUNT, cursor="0", **asked)
        listed: list[Json] = found["records"]
        return listed

    (record,) = await records()
    assert (record["status"], record["certificate_status"], record["can_cancel"]) == (2, 1, False)
    assert record["cancel_time"] >= record["verify_time"] > 0
    assert await records(poi_ids=OTHER_POI) == []
    assert await records(end_time=seconds(-timedelta(hours=1))) == []
    assert len(await records(start_time=seconds(-timedelta(hours=1)))) == 1
    wrong = await simulator.data("GET", RECORDS, account_id=ACCOUNT, cursor="0", size="21")
    assert wrong["error_code"] == 2100005


async def test_get_tells_times_in_milliseconds_and_query_in_seconds(simulator: Client) -> None:
    order = await simulator.order()
    await simulator.redeem(order["coupons"][0])

    queried = await simulator.data("GET", f"{CERTIFICATE}/query/", order_id=order["order_id"])
    certificate = queried["certificates"][0]
    got = await simulator.data(
        "GET", f"{CERTIFICATE}/get/", encrypted_code=certificate["encrypted_code"]
    )

    assert got["certificate"]["expire_time"] // 1000 == certificate["expire_time"]
    assert (
        got["certificate"]["verify"]["verify_time"] // 1000
        == (certificate["verify"]["verify_time"])
    )


async def test_lookups_say_what_they_do_not_find(simulator: Client) -> None:
    async def code(path: str, **asked: str) -> int:
        return int((await simulator.data("GET", CERTIFICATE + path, **asked))["error_code"])

    assert await code("/query/") == 4000001
    assert await code("/query/", order_id="1") == 3100101
    assert await code("/query/", encrypted_code="x") == 1221
    assert await code("/get/", encrypted_code="x") == 1221
    assert await code("/get/") == 2100005


async def test_an_event_that_is_muted_is_not_sent(simulator: Client, receiver: Receiver) -> None:
    listed = await simulator.data("GET", "/event/status/list/")
    assert {"event": "life_trade_order_notify", "status": 1} in listed["list"]
    mute = {"list": [{"event": "life_trade_order_notify", "status": 0}]}
    assert (await simulator.data("POST", "/event/status/update/", mute))["error_code"] == 0

    order = await simulator.order()
    await simulator.redeem(order["coupons"][0])
    await until(lambda: receiver.actions() == ["verify"])

    listed = await simulator.data("GET", "/event/status/list")
    assert {"event": "life_trade_order_notify", "status": 0} in listed["list"]
    unknown = {"list": [{"event": "nothing", "status": 1}]}
    assert (await simulator.data("POST", "/event/status/update", unknown))["error_code"] == 2100005
