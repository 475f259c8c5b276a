import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from aiohttp import web

from shared.platforms.douyin.tokens import MAX_FETCHES, REFRESH_AHEAD, ClientTokenSource
from shared.platforms.outcomes import Refused, Retry
from shared.platforms.reasons import Reason
from shared.platforms.tokens import digest_of
from tests.unit.platforms.answering import Platform, answering

START = datetime(2026, 11, 21, tzinfo=UTC)


@dataclass
class HandClock:
    now: datetime = START

    def __call__(self) -> datetime:
        return self.now


class Issuer:
    """Issues clt.1, clt.2, … for two hours each."""

    def __init__(self) -> None:
        self.issued = 0

    async def __call__(self, _: web.Request) -> web.Response:
        self.issued += 1
        await asyncio.sleep(0.01)
        data = {"access_token": f"clt.{self.issued}", "error_code": 0, "expires_in": "7200"}
        return web.json_response({"data": data, "message": "success"})


def refusing(code: int) -> web.Response:
    data = {"error_code": code, "description": "no", "access_token": "", "expires_in": 0}
    return web.json_response({"data": data, "message": "error"})


@asynccontextmanager
async def source_of(platform: Platform, clock: HandClock) -> AsyncIterator[ClientTokenSource]:
    async with aiohttp.ClientSession() as session:
        yield ClientTokenSource(
            session,
            base_url=platform.url,
            client_key="aw1",
            client_secret="s3cret",
            clock=clock,
        )


async def test_a_token_is_fetched_once_for_all_who_ask_together() -> None:
    async with answering(Issuer()) as platform, source_of(platform, HandClock()) as source:
        tokens = await asyncio.gather(*(source.token() for _ in range(50)))
        assert await source.token() == "clt.1"
    assert set(tokens) == {"clt.1"}
    assert [asked.path for asked in platform.asked] == ["/oauth/client_token/"]
    assert platform.asked[0].body == {
        "client_key": "aw1",
        "client_secret": "s3cret",
        "grant_type": "client_credential",
    }


async def test_a_token_is_renewed_before_it_ends_and_nobody_waits_for_it() -> None:
    clock = HandClock()
    async with answering(Issuer()) as platform, source_of(platform, clock) as source:
        first = await source.access_token()
        assert first.expires_at == START + timedelta(hours=2)
        clock.now = first.expires_at - REFRESH_AHEAD - timedelta(seconds=1)
        assert await source.token() == "clt.1"
        clock.now = first.expires_at - REFRESH_AHEAD + timedelta(seconds=1)
        tokens = await asyncio.gather(*(source.token() for _ in range(5)))
        assert sorted(tokens) == ["clt.1", "clt.1", "clt.1", "clt.1", "clt.2"]
        assert await source.token() == "clt.2"


async def test_an_ageing_token_serves_on_while_no_new_one_can_be_had() -> None:
    clock = HandClock()
    async with (
        answering(Issuer(), web.Response(status=500)) as platform,
        source_of(platform, clock) as source,
    ):
        first = await source.access_token()
        clock.now = first.expires_at - timedelta(seconds=1)
        assert await source.token() == "clt.1"
        clock.now = first.expires_at
        with pytest.raises(Retry):
            await source.token()


async def test_a_rejected_token_is_replaced_once_whoever_reports_it() -> None:
    async with answering(Issuer()) as platform, source_of(platform, HandClock()) as source:
        first = await source.token()
        tokens = await asyncio.gather(*(source.token(rejected=first) for _ in range(20)))
        assert set(tokens) == {"clt.2"}
        named = await source.access_token(rejected_digest=digest_of("clt.2"))
        assert named.value == "clt.3"
        assert (await source.access_token(rejected_digest=digest_of("clt.1"))).value == "clt.3"


async def test_tokens_that_are_always_rejected_do_not_use_up_the_platforms_limit() -> None:
    clock = HandClock()
    issuer = Issuer()
    async with answering(issuer) as platform, source_of(platform, clock) as source:
        token = await source.token()
        for _ in range(MAX_FETCHES - 1):
            token = await source.token(rejected=token)
        with pytest.raises(Retry) as caught:
            await source.token(rejected=token)
        assert caught.value.reason is Reason.APP_NOT_AUTHORISED
        assert 0 < caught.value.retry_after_seconds <= 300
        assert issuer.issued == MAX_FETCHES < 500
        clock.now += timedelta(minutes=5)
        assert await source.token() == f"clt.{MAX_FETCHES + 1}"


@pytest.mark.parametrize("code", [10002, 10003, 10013])
async def test_a_wrong_key_or_secret_is_refused(code: int) -> None:
    async with answering(refusing(code)) as platform, source_of(platform, HandClock()) as source:
        with pytest.raises(Refused) as caught:
            await source.token()
    assert caught.value.refusal is Reason.APP_NOT_AUTHORISED


@pytest.mark.parametrize(
    "answer",
    [
        refusing(10020),
        web.Response(status=500),
        web.Response(text="?"),
        web.Response(text='{"data":{"error_code":0}}'),
        web.Response(text='{"data":{"error_code":0,"access_token":"a","expires_in":0}}'),
    ],
)
async def test_a_token_that_was_not_given_may_be_asked_for_again(answer: web.Response) -> None:
    async with answering(answer) as platform, source_of(platform, HandClock()) as source:
        with pytest.raises(Retry):
            await source.token()


async def test_a_token_does_not_show_itself() -> None:
    async with answering(Issuer()) as platform, source_of(platform, HandClock()) as source:
        token = await source.access_token()
    assert "clt." not in repr(token)
    assert token.digest == digest_of("clt.1")
