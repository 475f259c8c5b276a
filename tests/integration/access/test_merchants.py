"""Merchants and stores: added once, changed with growing versions, told to everybody."""

import asyncio
from itertools import count
from typing import Any

import pytest

from deploy.embedded.nats import Nats
from shared.contracts.envelope import Event
from shared.messaging.broker import connected
from shared.messaging.follow import follow
from tests.support.access import Access, refusal

_numbers = count(1)


def _new_merchant() -> dict[str, Any]:
    number = next(_numbers)
    return {
        "merchant": f"yihetang-{number}",
        "name": "益禾堂",
        "platform": "douyin",
        "account_id": f"701111111111111{number:04}",
    }


async def _new_store(access: Access) -> dict[str, Any]:
    return {
        "merchant": await access.new_merchant(),
        "store_id": f"guanggu-{next(_numbers)}",
        "name": "光谷店",
        "poi_id": "6601111111111111111",
    }


async def _status(access: Access, path: str, body: object) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {await access.operator_token()}"}
    url = access.url + path
    async with access.session.post(url, json=body, headers=headers) as response:
        return response.status, await response.json()


async def test_the_same_merchant_again_is_no_second_one(access: Access) -> None:
    merchant = _new_merchant()
    first = await _status(access, "/v1/merchants", merchant)
    second = await _status(access, "/v1/merchants", merchant)
    assert (first[0], second[0]) == (201, 200)
    assert first[1] == second[1]
    assert {name: first[1][name] for name in merchant} == merchant


async def test_other_content_under_a_known_name_is_refused(access: Access) -> None:
    merchant, copycat = _new_merchant(), _new_merchant()
    await access.as_operator("POST", "/v1/merchants", body=merchant)
    renamed = merchant | {"name": "other"}
    asked = access.as_operator("POST", "/v1/merchants", body=renamed)
    assert await refusal(asked) == (409, "merchant_exists")
    same_account = copycat | {"account_id": merchant["account_id"]}
    asked = access.as_operator("POST", "/v1/merchants", body=same_account)
    assert await refusal(asked) == (409, "account_taken")
    await access.as_operator("POST", "/v1/merchants", body=copycat)
    change = {"account_id": merchant["account_id"]}
    asked = access.as_operator("PATCH", f"/v1/merchants/{copycat['merchant']}", body=change)
    assert await refusal(asked) == (409, "account_taken")


async def test_of_many_who_add_the_same_merchant_one_adds_it(access: Access) -> None:
    merchant = _new_merchant()
    answers = await asyncio.gather(*(_status(access, "/v1/merchants", merchant) for _ in range(10)))
    assert sorted(status for status, _ in answers) == [200] * 9 + [201]


async def test_a_store_gets_a_readable_id_or_keeps_the_one_given(access: Access) -> None:
    store = await _new_store(access)
    named = await _status(access, "/v1/stores", store)
    again = await _status(access, "/v1/stores", store)
    assert (named[0], again[0]) == (201, 200)
    assert named[1] == again[1]
    assert named[1]["store_id"] == store["store_id"]
    assert (named[1]["platform"], named[1]["time_zone"], named[1]["open"]) == (
        "douyin",
        "Asia/Shanghai",
        True,
    )
    unnamed = {"merchant": store["merchant"], "name": "江汉路店", "poi_id": "6602"}
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
    store = await _new_store(access)
    await access.as_operator("POST", "/v1/stores", body=store)
    asked = access.as_operator("POST", "/v1/stores", body=store | change)
    assert await refusal(asked) == (409, reason)


async def test_a_store_id_or_a_place_of_another_is_refused(access: Access) -> None:
    store, other = await _new_store(access), await access.new_merchant()
    await access.as_operator("POST", "/v1/stores", body=store)
    asked = access.as_operator("POST", "/v1/stores", body=store | {"merchant": other})
    assert await refusal(asked) == (409, "store_exists")
    # Two merchants may be at one place: the platform tells them apart by account.
    await access.add_store(other, poi_id=store["poi_id"])
    second = await access.add_store(store["merchant"], poi_id="42")
    body = {"poi_id": store["poi_id"]}
    asked = access.as_operator("PATCH", f"/v1/stores/{second}", body=body)
    assert await refusal(asked) == (409, "poi_taken")


async def test_every_change_is_told_with_a_growing_version(
    access: Access, nats_server: Nats
) -> None:
    merchant, store = _new_merchant(), await _new_store(access)
    slug, store_id = merchant["merchant"], store["store_id"]
    store["merchant"] = slug
    await access.as_operator("POST", "/v1/merchants", body=merchant)
    for _ in range(2):
        await access.as_operator("PATCH", f"/v1/merchants/{slug}", body={"name": "益禾堂奶茶"})
    await access.as_operator("POST", "/v1/stores", body=store)
    for change in ({"open": False}, {"open": False}, {"name": "光谷二店", "open": True}):
        await access.as_operator("PATCH", f"/v1/stores/{store_id}", body=change)
    terminal = await access.add_terminal(store_id, name="Counter 1")
    await access.as_operator("POST", f"/v1/terminals/{terminal.terminal_id}/revoke")
    events = await _said(nats_server.url, slug, 7)
    assert [(event.type, event.subject, event.version) for event in events] == [
        ("merchant.created", slug, 1),
        ("merchant.updated", slug, 2),
        ("store.created", store_id, 1),
        ("store.updated", store_id, 2),
        ("store.updated", store_id, 3),
        ("terminal.enrolled", terminal.terminal_id, 2),
        ("terminal.revoked", terminal.terminal_id, 3),
    ]
    assert events[1].data == merchant | {"name": "益禾堂奶茶"}
    assert events[4].data == store | {
        "name": "光谷二店",
        "platform": "douyin",
        "time_zone": "Asia/Shanghai",
        "open": True,
    }
    assert events[5].data["name"] == "Counter 1"
    assert events[6].data["principal"] == f"terminal:{terminal.terminal_id}"


async def _said(nats_url: str, merchant: str, expected: int) -> list[Event]:
    """The merchant's first events in the stream, as any subscriber gets them."""
    events = []
    async with connected(nats_url, name="test") as broker, asyncio.timeout(15):
        async for event in follow(broker, [f"qiao.v1.{merchant}.>"], from_start=True):
            events.append(event)
            if len(events) == expected:
                break
    return events


async def test_merchants_are_listed_page_by_page(access: Access) -> None:
    added = {await access.new_merchant() for _ in range(5)}
    path, seen = "/v1/merchants?limit=3", []
    while path:
        listed = await access.as_operator("GET", path)
        seen += [item["merchant"] for item in listed["items"]]
        cursor = listed["next_cursor"]
        path = f"/v1/merchants?limit=3&cursor={cursor}" if cursor else ""
    assert added <= set(seen)
    assert seen == sorted(set(seen))


async def test_a_platform_that_nobody_knows_is_refused(access: Access) -> None:
    asked = access.add_merchant("typo", platform="duoyin")
    assert await refusal(asked) == (422, "unreadable")
