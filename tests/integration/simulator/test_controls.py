"""The operator's side: orders, books, pace, faults, scenarios, a fresh start."""

import asyncio

from tests.conftest import NewDatabase
from tests.integration.simulator.support import (
    ACCOUNT,
    CERTIFICATE,
    POI,
    PRICE_FEN,
    SKU,
    Client,
    Json,
    Receiver,
    settings,
    simulating,
)
from tests.support.waiting import eventually, until


async def test_placing_a_reference_again_gives_the_first_order(
    simulator: Client, receiver: Receiver
) -> None:
    body = {"orders": [{"account_id": ACCOUNT, "sku": SKU, "reference": "r", "count": 2}]}

    answers = await asyncio.gather(*(simulator.control("POST", "orders", body) for _ in range(5)))

    assert all(answer == answers[0] for answer in answers)
    await eventually(simulator.idle)
    assert len(receiver.received) == 1


async def test_a_reference_twice_in_one_call_is_one_order(simulator: Client) -> None:
    order = {"account_id": ACCOUNT, "sku": SKU, "reference": "r"}

    answer = await simulator.control("POST", "orders", {"orders": [order, order]})

    assert answer["orders"][0] == answer["orders"][1]


async def test_orders_are_placed_as_a_whole_or_not_at_all(simulator: Client) -> None:
    good = {"account_id": ACCOUNT, "sku": SKU}
    answer = await simulator.control(
        "POST", "orders", {"orders": [good, good | {"account_id": "x"}]}
    )

    assert (answer["status"], answer["reason"]) == (404, "not_found")
    assert (await simulator.control("GET", "books"))["items"] == []


async def test_what_cannot_be_read_is_named(simulator: Client) -> None:
    async def detail(method: str, path: str, body: Json) -> str:
        answer = await simulator.control(method, path, body)
        assert (answer["status"], answer["reason"]) == (422, "unreadable")
        return str(answer["detail"])

    assert "orders.0.sku.price_fen" in await detail(
        "POST", "orders", {"orders": [{"account_id": ACCOUNT, "sku": {"title": "x"}}]}
    )
    assert "orders" in await detail(
        "POST", "orders", {"orders": [{"account_id": ACCOUNT, "sku": SKU}] * 1001}
    )
    assert "webhooks.lots" in await detail("PUT", "faults", {"webhooks": {"lots": 1}})
    assert "preset" in await detail("PUT", "faults", {"preset": "some"})
    assert "settle_seconds" in await detail("PUT", "pace", {"settle_seconds": -1})
    assert "confirm" in await detail("POST", "reset", {"confirm": "yes"})


async def test_the_books_hold_every_order_page_by_page(simulator: Client) -> None:
    body = {"orders": [{"account_id": ACCOUNT, "sku": SKU, "count": 2}] * 25}
    placed = (await simulator.control("POST", "orders", body))["orders"]
    verified = await simulator.redeem(placed[0]["coupons"][1])

    pages: list[Json] = []
    query: dict[str, str] = {"limit": "10"}
    while not pages or pages[-1]["next_cursor"]:
        pages.append(await simulator.control("GET", "books", **query))
        query["cursor"] = pages[-1]["next_cursor"] or ""

    books = {order["order_id"]: order for page in pages for order in page["items"]}
    assert [len(page["items"]) for page in pages] == [10, 10, 5]
    assert books.keys() == {order["order_id"] for order in placed}
    order = books[placed[0]["order_id"]]
    assert order["state"] == "partly_redeemed"
    assert order["pay_amount_fen"] == 2 * PRICE_FEN
    (kept,) = order["coupons"][1]["verifications"]
    assert (kept["verify_id"], kept["cancelled_at"]) == (verified["verify_id"], None)


async def test_faults_and_pace_outlive_the_process(database: NewDatabase) -> None:
    url = await database("simulator")
    async with simulating(settings(url)) as simulator:
        assert (await simulator.control("GET", "faults"))["webhooks"]["lost"] == 0
        await simulator.control("PUT", "faults", {"preset": "all", "seed": 5})
        await simulator.control("PUT", "pace", {"settle_seconds": 9})
    async with simulating(settings(url)) as simulator:
        faults = await simulator.control("GET", "faults")
        pace = await simulator.control("GET", "pace")

    assert (faults["seed"], faults["webhooks"]["lost"] > 0) == (5, True)
    assert (pace["settle_seconds"], pace["cancel_window_seconds"]) == (9, 3600)


async def test_other_events_are_sent_as_they_are(simulator: Client, receiver: Receiver) -> None:
    event = {
        "account_id": ACCOUNT,
        "event": "life_member_join",
        "content": {"account_id": "", "mobile": "13800001234"},
        "reference": "once",
    }

    first = await simulator.control("POST", "events", {"events": [event]})
    again = await simulator.control("POST", "events", {"events": [event]})

    assert first == again
    await until(lambda: len(receiver.received) == 2)
    told = receiver.received[0]
    assert told.body["event"] == "life_member_join"
    assert told.content == {"account_id": ACCOUNT, "mobile": "13800001234"}


async def test_scenarios_are_served(simulator: Client) -> None:
    names = (await simulator.control("GET", "scenarios"))["items"]
    assert names == ["live-show", "quiet-day"]

    for name in names:
        scenario = await simulator.control("GET", f"scenarios/{name}")
        assert scenario["name"] == name
        assert scenario["products"]
    assert (await simulator.control("GET", "scenarios/nothing"))["status"] == 404


async def test_a_reset_forgets_orders_and_keeps_apps(simulator: Client, receiver: Receiver) -> None:
    await simulator.order()
    await eventually(simulator.idle)

    await simulator.control("POST", "reset", {"confirm": "forget everything"})

    assert (await simulator.control("GET", "books"))["items"] == []
    order = await simulator.order()
    assert (await simulator.redeem(order["coupons"][0]))["result"] == 0
    await until(lambda: len(receiver.received) == 3)


async def test_it_says_that_it_is_alive_ready_and_measured(simulator: Client) -> None:
    for path in ("/healthz", "/readyz", "/metrics"):
        async with simulator.session.get(simulator.url + path) as response:
            assert response.status == 200


async def test_a_link_to_nowhere_is_not_found(simulator: Client) -> None:
    for path in ("/s/abcdefg/", "/abcdefg"):
        async with simulator.session.get(simulator.url + path) as response:
            assert response.status == 404


async def test_short_links_are_understood_with_and_without_a_slash(simulator: Client) -> None:
    coupon = (await simulator.order())["coupons"][0]
    with_slash: str = coupon["short_link"]
    short_id = with_slash.rstrip("/").rpartition("/")[2]

    scans = {
        await simulator.scan({"short_link": link})
        for link in (
            with_slash,
            with_slash.rstrip("/"),
            f"{simulator.url}/s/{short_id}/",
            f"{simulator.url}/s/{short_id}",
        )
    }

    assert len(scans) == 1


async def test_what_postgres_cannot_keep_is_turned_away(simulator: Client) -> None:
    coupon = (await simulator.order())["coupons"][0]
    odd: list[tuple[str, Json]] = [
        ("refunds", {"certificate_ids": [2**63]}),
        ("payments", {"order_ids": [2**63]}),
        ("orders", {"orders": [{"account_id": "a\x00", "sku": SKU}]}),
        ("orders", {"orders": [{"account_id": ACCOUNT, "sku": SKU, "poi_ids": ["1,2"]}]}),
    ]
    for path, body in odd:
        assert (await simulator.control("POST", path, body))["status"] == 422

    prepare, cancel = f"{CERTIFICATE}/prepare/", f"{CERTIFICATE}/cancel/"
    answers = [
        await simulator.data("GET", prepare, code="\x00", poi_id=POI),
        await simulator.data("GET", prepare, code=coupon["code"], poi_id="\x00"),
        await simulator.data("POST", cancel, {"verify_id": str(2**63)}),
        await simulator.data("POST", cancel, {"verify_id": "1", "cancel_token": "\x00"}),
    ]
    assert [answer["error_code"] for answer in answers] == [1212, 2100005, 2100005, 2100005]
