"""Merchants and stores: added once, changed with growing versions, told to everybody."""

import asyncio
from typing import Any

import pytest

from shared.contracts.envelope import Event
from shared.messaging.broker import connected
from shared.messaging.follow import follow
from tests.support.access import Access, refusal

_MERCHANT = {
    "merchant": "yihetang",
    "name": "益禾堂",
    "platform": "douyin",
    "account_id": "7011111111111111111",
}
_STORE = {
    "merchant": "yihetang",
    "store_id": "guanggu",
    "name": "光谷店",
    "poi_id": "6601111111111111111",
}


async def _status(access: Access, path: str, body: object) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {await access.operator_token()}"}
    url = access.url + path
    async with access.session.post(url, json=body, headers=headers) as response:
        return response.status, await response.json()


async def test_the_same_merchant_again_is_no_second_one(access: Access) -> None:
    first = await _status(access, "/v1/merchants", _MERCHANT)
    second = await _status(access, "/v1/merchants", _MERCHANT)
    assert (first[0], second[0]) == (201, 200)
    assert first[1] == second[1]
    assert {name: first[1][name] for name in _MERCHANT} == _MERCHANT


async def test_other_content_under_a_known_name_is_refused(access: Access) -> None:
    await access.as_operator("POST", "/v1/merchants", body=_MERCHANT)
    renamed = _MERCHANT | {"name": "other"}
    asked = access.as_operator("POST", "/v1/merchants", body=renamed)
    assert await refusal(asked) == (409, "merchant_exists")
    same_account = _MERCHANT | {"merchant": "copycat"}
    asked = access.as_operator("POST", "/v1/merchants", body=same_account)
    assert await refusal(asked) == (409, "account_taken")
    other = _MERCHANT | {"merchant": "copycat", "account_id": "7"}
    await access.as_operator("POST", "/v1/merchants", body=other)
    change = {"account_id": _MERCHANT["account_id"]}
    asked = access.as_operator("PATCH", "/v1/merchants/copycat", body=change)
    assert await refusal(asked) == (409, "account_taken")


async def test_of_many_who_add_the_same_merchant_one_adds_it(access: Access) -> None:
    answers = await asyncio.gather(
        *(_status(access, "/v1/merchants", _MERCHANT) for _ in range(10))
    )
    assert sorted(status for status, _ in answers) == [200] * 9 + [201]


async def test_a_store_gets_a_readable_id_or_keeps_the_one_given(access: Access) -> None:
    await access.add_merchant()
    named = await _status(access, "/v1/stores", _STORE)
    again = await _status(access, "/v1/stores", _STORE)
    assert (named[0], again[0]) == (201, 200)
    assert named[1] == again[1]
    assert named[1]["store_id"] == "guanggu"
    assert (named[1]["platform"], named[1]["time_zone"], named[1]["open"]) == (
        "douyin",
        "Asia/Shanghai",
        True,
    )
    unnamed = {"merchant": "yihetang", "name": "江汉路店", "poi_id": "6602"}
    given = await _status(access, "/v1/stores", unnamed)
    assert given[0] == 201
    assert len(given[1]["store_id"]) == 10
    assert given[1]["store_id"].startswith("s-")
    assert await _status(access, "/v1/stores", unnamed) == (200, given[1])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"name": "other"}, "store_exists"),
        ({"time_zone": "Asia/Urumqi"}, "store_exists"),
        ({"open": False}, "store_exists"),
        ({"poi_id": "42"}, "store_exists"),
        ({"store_id": "another"}, "poi_taken"),
        ({"store_id": None, "name": "other"}, "store_exists"),
    ],
)
async def test_other_content_for_a_known_store_is_refused(
    access: Access, change: dict[str, Any], reason: str
) -> None:
    await access.add_merchant()
    await access.as_operator("POST", "/v1/stores", body=_STORE)
    asked = access.as_operator("POST", "/v1/stores", body=_STORE | change)
    assert await refusal(asked) == (409, reason)


async def test_a_store_id_or_a_place_of_another_is_refused(access: Access) -> None:
    await access.add_merchant()
    await access.add_merchant("other")
    await access.as_operator("POST", "/v1/stores", body=_STORE)
    asked = access.as_operator("POST", "/v1/stores", body=_STORE | {"merchant": "other"})
    assert await refusal(asked) == (409, "store_exists")
    # Two merchants may be at one place: the platform tells them apart by account.
    await access.add_store("other", poi_id=_STORE["poi_id"])
    second = await access.add_store("yihetang", poi_id="42")
    body = {"poi_id": _STORE["poi_id"]}
    asked = access.as_operator("PATCH", f"/v1/stores/{second}", body=body)
    assert await refusal(asked) == (409, "poi_taken")


async def test_every_change_is_told_with_a_growing_version(access: Access, nats_url: str) -> None:
    await access.as_operator("POST", "/v1/merchants", body=_MERCHANT)
    await access.as_operator("PATCH", "/v1/merchants/yihetang", body={"name": "益禾堂奶茶"})
    await access.as_operator("PATCH", "/v1/merchants/yihetang", body={"name": "益禾堂奶茶"})
    await access.as_operator("POST", "/v1/stores", body=_STORE)
    for change in ({"open": False}, {"open": False}, {"name": "光谷二店", "open": True}):
        await access.as_operator("PATCH", "/v1/stores/guanggu", body=change)
    terminal = await access.add_terminal("guanggu", name="Counter 1")
    await access.as_operator("POST", f"/v1/terminals/{terminal.terminal_id}/revoke")
    events = await _said(nats_url, 7)
    assert [(event.type, event.subject, event.version) for event in events] == [
        ("merchant.created", "yihetang", 1),
        ("merchant.updated", "yihetang", 2),
        ("store.created", "guanggu", 1),
        ("store.updated", "guanggu", 2),
        ("store.updated", "guanggu", 3),
        ("terminal.enrolled", terminal.terminal_id, 2),
        ("terminal.revoked", terminal.terminal_id, 3),
    ]
    assert {event.merchant for event in events} == {"yihetang"}
    assert events[1].data == _MERCHANT | {"name": "益禾堂奶茶"}
    assert events[4].data == _STORE | {
        "name": "光谷二店",
        "platform": "douyin",
        "time_zone": "Asia/Shanghai",
        "open": True,
    }
    assert events[5].data["name"] == "Counter 1"
    assert events[6].data["principal"] == f"terminal:{terminal.terminal_id}"


async def _said(nats_url: str, count: int) -> list[Event]:
    """The first events in the stream, as any subscriber gets them."""
    events = []
    async with connected(nats_url, name="test") as broker, asyncio.timeout(15):
        async for event in follow(broker, ["qiao.v1.>"], from_start=True):
            events.append(event)
            if len(events) == count:
                break
    return events


async def test_a_merchant_is_listed_page_by_page(access: Access) -> None:
    for number in range(5):
        await access.add_merchant(f"merchant-{number}")
    first = await access.as_operator("GET", "/v1/merchants?limit=3")
    second = await access.as_operator("GET", f"/v1/merchants?cursor={first['next_cursor']}")
    slugs = [item["merchant"] for item in first["items"] + second["items"]]
    assert slugs == [f"merchant-{number}" for number in range(5)]
    assert second["next_cursor"] is None
