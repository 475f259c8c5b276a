"""The platform's long lists, page by page, over real HTTP."""

from datetime import UTC, datetime
from typing import Any

from shared.contracts.observations import ObservationKind
from tests.unit.platforms.answering import NOW, answering, client_of, envelope

AT = datetime.fromtimestamp(NOW, UTC)


def record(number: int, **members: Any) -> dict[str, Any]:
    return {
        "certificate_id": f"c{number}",
        "verify_id": f"v{number}",
        "verify_time": NOW,
        "status": 1,
        "cursor": f"cursor-{number}",
        **members,
    }


async def test_verify_records_go_on_where_the_last_page_ended() -> None:
    records = [record(1), record(2, status=2, cancel_time=NOW + 5), record(3, status=9)]
    answers = (envelope({"records": records, "total": "4"}), envelope({"records_v2": [record(4)]}))
    async with answering(*answers) as platform, client_of(platform.url) as client:
        page = await client.verify_record_query(
            account_id="77", poi_ids=["p1", "p2"], start=AT, end=AT, size=3
        )
        last = await client.verify_record_query(account_id="77", cursor="cursor-3", size=3)
    assert platform.asked[0].query == {
        "account_id": "77",
        "cursor": "0",
        "size": "3",
        "poi_ids": "p1,p2",
        "start_time": str(NOW),
        "end_time": str(NOW),
    }
    assert platform.asked[1].query == {"account_id": "77", "cursor": "cursor-3", "size": "3"}
    assert (page.next_cursor, page.total, last.next_cursor) == ("cursor-3", 4, None)
    assert [each.valid for each in page.records] == [True, False, None]
    assert page.records[1].cancelled_at == datetime.fromtimestamp(NOW + 5, UTC)


def order(number: int, **members: Any) -> dict[str, Any]:
    return {
        "order_id": f"o{number}",
        "order_status": 200,
        "update_order_time": NOW,
        "certificate": [{"certificate_id": f"c{number}", "item_status": 401}],
        **members,
    }


async def test_order_query_turns_each_order_into_observations() -> None:
    answer = envelope({"orders": [order(1), order(2, pay_time="?")], "page": {"total": "2"}})
    async with answering(answer) as platform, client_of(platform.url) as client:
        page = await client.order_query(account_id="77", updated_from=AT, updated_to=AT)
    assert platform.asked[0].query == {
        "account_id": "77",
        "update_order_start_time": str(NOW),
        "update_order_end_time": str(NOW),
        "page_size": "100",
        "page_num": "1",
    }
    (facts,) = page.orders
    assert (facts.order_id, facts.updated_at) == ("o1", AT)
    assert [(fact.kind, fact.coupon_id) for fact in facts.observations] == [
        (ObservationKind.ORDER_PAID, None),
        (ObservationKind.COUPON_REDEEMED, "c1"),
    ]
    assert page.unreadable_order_ids == ("o2",)
    assert (page.total, page.next_cursor, page.now) == (2, None, AT)


async def test_order_query_pages_by_number_and_by_the_platforms_cursor() -> None:
    orders = {"orders": [order(1), order(2)]}
    answers = (
        envelope(orders),
        envelope({**orders, "search_after": {"CursorValue": ["17", "o2"], "Size": 2}}),
        envelope({"orders": [order(3)]}),
    )
    async with answering(*answers) as platform, client_of(platform.url) as client:
        cursor = None
        for _ in answers:
            page = await client.order_query(account_id="77", cursor=cursor, page_size=2)
            cursor = page.next_cursor
    assert cursor is None
    assert [asked.query.get("page_num") for asked in platform.asked] == ["1", "2", None]
    assert platform.asked[2].query["cursor"] == "17,o2"


async def test_one_order_is_asked_for_by_its_id() -> None:
    async with answering(envelope({"orders": None})) as platform, client_of(platform.url) as client:
        page = await client.order_query(account_id="77", order_id="o1")
    assert platform.asked[0].query["order_id"] == "o1"
    assert page.orders == ()
