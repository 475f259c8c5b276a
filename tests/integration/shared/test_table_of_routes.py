"""What every HTTP surface answers before any handler is asked."""

from collections.abc import AsyncIterator
from typing import Annotated

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from pydantic import BaseModel, Field, SecretStr

from shared.platforms.reasons import GUIDANCE, Reason
from shared.web.body import json_response, read_body
from shared.web.query import PageQuery, Time, query_of
from shared.web.routes import Route, add_routes
from shared.web.server import new_application, serving
from shared.web.verifier import TokenRevoked


class Wanted(PageQuery):
    since: Time | None = None


class Thing(BaseModel):
    name: str
    secret: Annotated[SecretStr, Field(min_length=8)] | None = None
    count: int = 0


async def _list_things(request: web.Request) -> web.Response:
    return json_response(query_of(request, Wanted).model_dump(mode="json"))


async def _post_thing(request: web.Request) -> web.Response:
    return json_response(await read_body(request, Thing))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def url() -> AsyncIterator[str]:
    app = new_application()
    add_routes(
        app,
        (
            Route("GET", "/v1/things", _list_things, query=Wanted, answers={200: Wanted}),
            Route("POST", "/v1/things", _post_thing, body=Thing, answers={200: Thing}),
        ),
    )
    async with serving(app, host="127.0.0.1", port=0) as base:
        yield base


async def _ask(method: str, url: str, body: bytes | None = None) -> tuple[int, dict[str, object]]:
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, url, data=body) as response,
    ):
        return response.status, await response.json()


async def test_an_unknown_path_is_told_like_any_refusal(url: str) -> None:
    status, body = await _ask("GET", f"{url}/v1/nothing")
    assert (status, body["reason"]) == (404, "no_such_path")


async def test_a_wrong_method_is_told_which_there_are(url: str) -> None:
    async with aiohttp.ClientSession() as session, session.delete(f"{url}/v1/things") as response:
        assert response.status == 405
        assert response.headers["Allow"] == "GET, POST"
        assert (await response.json())["reason"] == "method_not_allowed"


async def test_a_parameter_that_no_route_has_is_refused_with_those_there_are(url: str) -> None:
    status, body = await _ask("GET", f"{url}/v1/things?limt=5")
    assert (status, body["reason"]) == (422, "unreadable")
    assert "limit, cursor, since" in str(body["detail"])


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=501", "limit=5.0", "limit=+5", "limit=1&limit=2", "since=1", "since=today"],
)
async def test_a_parameter_is_read_in_one_way_only(url: str, query: str) -> None:
    status, body = await _ask("GET", f"{url}/v1/things?{query}")
    assert (status, body["reason"]) == (422, "unreadable")


async def test_a_time_in_the_query_may_have_an_unescaped_plus(url: str) -> None:
    _, body = await _ask("GET", f"{url}/v1/things?since=2026-11-21T18:00:00+08:00")
    assert body["since"] == "2026-11-21T10:00:00Z"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"name=tea",
        b'{"name": "tea", "name": "milk"}',
        b'{"name": "tea\\u0000"}',
        b'{"name": "\\ud800"}',
        b'{"name": "\xff"}',
        b'{"name": "tea", "count": NaN}',
        b'{"name": "tea", "count": 1e999}',
        b'{"name": "tea", "more": ' + b"[" * 1000 + b"]" * 1000 + b"}",
    ],
)
async def test_a_body_that_could_mean_two_things_is_refused(url: str, body: bytes) -> None:
    status, answer = await _ask("POST", f"{url}/v1/things", body)
    assert (status, answer["reason"]) == (422, "unreadable")


async def test_a_member_that_no_body_has_is_named(url: str) -> None:
    status, answer = await _ask("POST", f"{url}/v1/things", b'{"name": "tea", "cuont": 2}')
    assert (status, answer["reason"]) == (422, "unreadable")
    assert answer["detail"] == "cuont: no such member; there are name, secret, count"


async def test_a_short_secret_is_said_to_lack_characters(url: str) -> None:
    status, answer = await _ask("POST", f"{url}/v1/things", b'{"name": "tea", "secret": "abc"}')
    assert status == 422
    assert "at least 8 characters" in str(answer["detail"])


async def _revoked(_request: web.Request) -> web.Response:
    guidance = GUIDANCE[Reason.TERMINAL_REVOKED]
    message = "this access was revoked"
    raise TokenRevoked(message, guidance)


async def test_a_revoked_terminal_is_told_in_words_for_a_clerk() -> None:
    app = new_application()
    add_routes(app, (Route("GET", "/v1/things", _revoked),))
    async with serving(app, host="127.0.0.1", port=0) as base:
        status, answer = await _ask("GET", f"{base}/v1/things")
    guidance = GUIDANCE[Reason.TERMINAL_REVOKED]
    assert (status, answer["reason"]) == (401, "token_revoked")
    assert answer["title"] == {"zh": guidance.title.zh, "en": guidance.title.en}
    assert answer["action"] == {"zh": guidance.action.zh, "en": guidance.action.en}
