"""Whatever is sent, the answer is clear and never "our fault"."""

from itertools import product
from typing import Any

import pytest

from services.access.http import ROUTES
from tests.support.access import PASSWORD, Access

_MERCHANT = {"merchant": "yihetang", "name": "益禾堂", "platform": "douyin", "account_id": "7"}
_STORE = {"merchant": "yihetang", "name": "光谷店", "poi_id": "6601"}
_STAFF = {
    "merchant": "yihetang",
    "login": "wang.li",
    "name": "王丽",
    "role": "clerk",
    "password": PASSWORD,
}
_CLIENT = {"merchant": "yihetang", "name": "erp", "actions": ["orders:read"]}
_NASTY: list[Any] = [
    "",
    " ",
    "a\x00b",
    "a\nb",
    "yihetang\n",
    "\u2028",
    "x" * 5000,
    "'; DROP TABLE stores; --",
    "../../etc/passwd",
    0,
    -1,
    10**30,
    1.5,
    True,
    [],
    [None],
    ["a\x00b"],
    {},
    {"a": {"b": 1}},
]


async def _status(access: Access, method: str, path: str, **sent: Any) -> int:
    headers = {"Authorization": f"Bearer {await access.operator_token()}"}
    async with access.session.request(
        method, access.url + path, headers=headers, **sent
    ) as response:
        body = await response.json()
        if response.status >= 400:
            assert set(body) == {"reason", "detail"}, (method, path)
            assert body["reason"] != "internal_error", (method, path, sent)
        return response.status


@pytest.mark.parametrize(
    ("path", "good"),
    [
        ("/v1/merchants", _MERCHANT),
        ("/v1/stores", _STORE | {"store_id": "x1", "time_zone": "Asia/Shanghai", "open": True}),
        ("/v1/staff", _STAFF | {"stores": None}),
        ("/v1/clients", _CLIENT | {"stores": None}),
        ("/v1/terminals", {"store_id": "x1", "name": "Counter"}),
        ("/v1/sign-in", {"merchant": "yihetang", "login": "wang.li", "password": PASSWORD}),
        ("/v1/token", {"grant_type": "client_credentials", "client_id": "a", "client_secret": "b"}),
        ("/v1/terminals/enrol", {"code": "2222-2222-222", "public_key": {}}),
        ("/v1/terminals/01a20086-8430-72e1-b327-644378db18fc/token", {"assertion": "a.b.c"}),
    ],
)
async def test_a_nasty_member_is_answered_clearly(
    access: Access, path: str, good: dict[str, Any]
) -> None:
    await access.add_merchant()
    for member, nasty in product(good, _NASTY):
        status = await _status(access, "POST", path, json=good | {member: nasty})
        assert status < 500, (path, member, nasty)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"x"',
        b"\xff\xfe",
        b'{"a":"\\ud800"}',
        b"[" * 20_000,
        b"1" * 9000,
    ],
)
async def test_a_body_that_is_no_object_is_unreadable(access: Access, raw: bytes) -> None:
    for path in ("/v1/merchants", "/v1/token", "/v1/sign-in", "/v1/terminals/enrol"):
        assert await _status(access, "POST", path, data=raw) == 422


async def test_a_body_that_is_too_large_is_refused_unread(access: Access) -> None:
    raw = b" " * 70_000
    assert await _status(access, "POST", "/v1/merchants", data=raw) == 413


async def test_a_mistyped_member_is_not_taken_for_its_default(access: Access) -> None:
    await access.add_merchant()
    mistyped = _STORE | {"timezone": "Asia/Tokyo"}
    assert await _status(access, "POST", "/v1/stores", json=mistyped) == 422


@pytest.mark.parametrize(
    "query",
    [
        "merchant=%00",
        "merchant=A",
        "merchant=" + "x" * 500,
        "limit=0",
        "limit=501",
        "limit=x",
        "cursor=x",
        "cursor=WyJcdTAwMDAiXQ==",  # ["\u0000"]
        "cursor=WyJub3QgYSBudW1iZXIiXQ==",  # ["not a number"]
        "cursor=WzFd",  # [1]
        "actor=%00",
        "from=yesterday",
        "from=0001-01-01T00:00:00%2B14:00",
        "to=2026-11-21T00:00:00",
        "from_seq=0",
        "from_seq=99999999999999999999",
        "anchor_seq=1",
        "anchor_seq=1&anchor_hash=zz",
        "since=never",
        "store_id=%00",
    ],
)
async def test_a_nasty_query_is_answered_clearly(access: Access, query: str) -> None:
    for route in ROUTES:
        if route.method == "GET" and "{" not in route.path:
            assert await _status(access, "GET", f"{route.path}?{query}") in (200, 422)


@pytest.mark.parametrize("nothing", ["%00", "%0a", "x" * 300, "..%2f..", "益禾堂", "%ff"])
async def test_a_nasty_path_is_answered_clearly(access: Access, nothing: str) -> None:
    for route in ROUTES:
        if "{" in route.path:
            start, _, rest = route.path.partition("{")
            path = start + nothing + rest.partition("}")[2]
            body = {"name": "x", "assertion": "a.b.c", "password": PASSWORD}
            assert await _status(access, route.method, path, json=body) in (401, 404, 422)


async def test_the_detail_names_the_member_and_not_what_was_sent(access: Access) -> None:
    body = _STAFF | {"password": "s3cret!"}
    headers = {"Authorization": f"Bearer {await access.operator_token()}"}
    url = f"{access.url}/v1/staff"
    async with access.session.post(url, json=body, headers=headers) as response:
        answer = await response.text()
    assert "password" in answer
    assert "s3cret!" not in answer
