"""How calls fail: what was surely not done is Retry, what may have been is OutcomeUnknown."""

import asyncio
import socket

import pytest
from aiohttp import web

from shared.platforms.answers import CouponToVerify, Outcome
from shared.platforms.douyin.client import DouyinClient
from shared.platforms.douyin.transport import MAX_ANSWER_BYTES
from shared.platforms.outcomes import OutcomeUnknown, Refused, Retry
from shared.platforms.reasons import Reason
from shared.platforms.scans import EncryptedData, ShortLink, TypedCode
from tests.unit.platforms.answering import Tokens, answering, client_of, envelope

COUPON = CouponToVerify("c1", "code-1")
DONE = envelope({"verify_results": [{"result": 0, "certificate_id": "c1"}]})


async def spend(client: DouyinClient) -> Outcome:
    answer = await client.verify(verify_token="vt", poi_id="p", coupons=[COUPON])
    return answer.coupons[0].outcome


async def look_up(client: DouyinClient) -> None:
    await client.prepare(TypedCode("1"), poi_id="p")


async def silent(_: web.Request) -> web.Response:
    await asyncio.sleep(30)
    return web.Response()


async def hang_up(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def break_off(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'{"data":')
    assert request.transport is not None
    request.transport.abort()
    return response


async def endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for _ in range(MAX_ANSWER_BYTES // (1 << 16) + 2):
        await response.write(b" " * (1 << 16))
    return response


MAY_HAVE_WORKED = [
    silent,
    hang_up,
    break_off,
    endless,
    web.Response(status=500, body=b"oops"),
    web.Response(status=502, text='{"data":{"error_code":0}}'),
    web.Response(status=404, body=b"<html>"),
    web.Response(status=302, headers={"Location": "http://127.0.0.1:9/"}),
    web.Response(body=b"<html>"),
    web.Response(body=b""),
    web.Response(body=b"[]"),
    web.Response(text='{"data":{}}'),
    web.Response(text='{"data":{"error_code":true}}'),
    web.Response(text='{"data":{"error_code":0,"verify_results":[{"result":"?"}]},"extra":{}}'),
    envelope(error_code=2100004),
    envelope(error_code=424242),
]


@pytest.mark.parametrize("answer", MAY_HAVE_WORKED, ids=range(len(MAY_HAVE_WORKED)))
async def test_what_may_have_worked_leaves_a_spend_open(answer: web.Response) -> None:
    async with answering(answer) as platform:
        async with client_of(platform.url, total_seconds=0.3) as client:
            with pytest.raises(OutcomeUnknown):
                await spend(client)
        assert len(platform.asked) == 1, "a spend is never repeated on its own"


@pytest.mark.parametrize("answer", MAY_HAVE_WORKED[:-1], ids=range(len(MAY_HAVE_WORKED) - 1))
async def test_a_lookup_that_was_not_answered_may_be_repeated(answer: web.Response) -> None:
    async with (
        answering(answer) as platform,
        client_of(platform.url, total_seconds=0.3) as client,
    ):
        with pytest.raises(Retry):
            await look_up(client)


async def test_a_platform_that_cannot_be_reached_did_nothing() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        async with client_of(f"http://127.0.0.1:{taken.getsockname()[1]}") as client:
            with pytest.raises(Retry) as caught:
                await spend(client)
    assert caught.value.reason is Reason.PLATFORM_UNREACHABLE


@pytest.mark.parametrize("answer", [envelope(error_code=28003018), web.Response(status=429)])
async def test_a_call_turned_away_for_its_rate_did_nothing(answer: web.Response) -> None:
    async with answering(answer) as platform, client_of(platform.url) as client:
        with pytest.raises(Retry) as caught:
            await spend(client)
    assert caught.value.reason is Reason.PLATFORM_BUSY


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (3000002, Reason.WRONG_STORE),
        (2119005, Reason.MERCHANT_NOT_AUTHORISED),
        (2119006, Reason.GIFTED),
        (2190004, Reason.APP_NOT_AUTHORISED),
        (1229, Reason.RISK_HOLD),
    ],
)
async def test_a_refusal_carries_its_reason_code_and_the_platforms_words(
    code: int, reason: Reason
) -> None:
    answer = envelope(error_code=code, description="原因", sub_description="更细的原因")
    async with answering(answer) as platform, client_of(platform.url) as client:
        with pytest.raises(Refused, match="更细的原因") as caught:
            await spend(client)
    assert (caught.value.refusal, caught.value.reason, caught.value.code) == (reason, reason, code)


async def test_an_unlisted_code_refuses_a_lookup_in_the_platforms_words() -> None:
    answer = envelope(error_code=424242, description="此券不支持")
    async with answering(answer) as platform, client_of(platform.url) as client:
        with pytest.raises(Refused, match="此券不支持") as caught:
            await look_up(client)
    assert caught.value.refusal is Reason.UNKNOWN_PLATFORM_ERROR


async def test_a_cancel_that_comes_too_late_is_refused_by_its_sub_code() -> None:
    answer = envelope(error_code=3000001, sub_error_code=2034000910)
    async with answering(answer) as platform, client_of(platform.url) as client:
        with pytest.raises(Refused) as caught:
            await client.cancel(verify_id="9", coupon_id="c1", cancel_token="ct")
    assert caught.value.refusal is Reason.CANCEL_WINDOW_CLOSED


async def test_an_error_in_either_half_of_the_envelope_is_an_error() -> None:
    halves = web.json_response({"data": {"error_code": 0}, "extra": {"error_code": 2119006}})
    async with answering(halves) as platform, client_of(platform.url) as client:
        with pytest.raises(Refused) as caught:
            await spend(client)
    assert caught.value.refusal is Reason.GIFTED


@pytest.mark.parametrize("code", [2190002, 2190008, 28001003, 28001008])
async def test_a_token_that_is_turned_away_is_renewed_and_the_call_repeated(code: int) -> None:
    tokens = Tokens()
    async with (
        answering(envelope(error_code=code), DONE) as platform,
        client_of(platform.url, tokens=tokens) as client,
    ):
        assert await spend(client) is Outcome.DONE
    assert tokens.rejected == ["token-0"]
    assert [asked.headers["access-token"] for asked in platform.asked] == ["token-0", "token-1"]


async def test_a_second_rejected_token_is_not_renewed_again() -> None:
    tokens = Tokens()
    async with (
        answering(envelope(error_code=2190008)) as platform,
        client_of(platform.url, tokens=tokens) as client,
    ):
        with pytest.raises(Retry) as caught:
            await spend(client)
    assert len(platform.asked) == 2
    assert caught.value.reason is Reason.APP_NOT_AUTHORISED


async def test_a_spend_after_the_platform_closed_the_connection_is_not_repeated() -> None:
    async with answering(DONE, hang_up, DONE) as platform, client_of(platform.url) as client:
        assert await spend(client) is Outcome.DONE
        with pytest.raises(OutcomeUnknown):
            await spend(client)
        assert await spend(client) is Outcome.DONE
    assert len(platform.asked) == 3


LONG_LINK = (
    "https://www.iesdouyin.com/share/commerce/coupon/x/?schema_type=13&object_id=I0ZwZEZp%3D"
)


async def test_a_short_link_is_asked_once_and_not_followed() -> None:
    moved = web.Response(status=302, headers={"Location": LONG_LINK}, body=b"x" * 100)
    async with answering(moved) as platform, client_of(platform.url) as client:
        link = ShortLink(f"{platform.url}/eHHc1ft/")
        assert await client.resolve_short_link(link) == EncryptedData("I0ZwZEZp=")
    assert [asked.path for asked in platform.asked] == ["/eHHc1ft/"]
    assert "access-token" not in platform.asked[0].headers


@pytest.mark.parametrize(
    "answer",
    [
        web.Response(status=200, text="hello"),
        web.Response(status=404),
        web.Response(status=302),
        web.Response(status=302, headers={"Location": "https://www.douyin.com/"}),
    ],
)
async def test_a_short_link_that_leads_elsewhere_is_dead(answer: web.Response) -> None:
    async with answering(answer) as platform, client_of(platform.url) as client:
        with pytest.raises(Refused) as caught:
            await client.resolve_short_link(ShortLink(f"{platform.url}/eHHc1ft/"))
    assert caught.value.refusal is Reason.QR_EXPIRED


@pytest.mark.parametrize("answer", [web.Response(status=503), hang_up, silent])
async def test_a_short_link_that_is_not_answered_may_be_asked_again(answer: web.Response) -> None:
    async with (
        answering(answer) as platform,
        client_of(platform.url, total_seconds=0.3) as client,
    ):
        with pytest.raises(Retry):
            await client.resolve_short_link(ShortLink(f"{platform.url}/eHHc1ft/"))


async def test_a_link_to_anywhere_else_is_never_fetched() -> None:
    async with (
        answering(web.Response()) as platform,
        client_of("http://127.0.0.1:1") as client,
    ):
        with pytest.raises(Refused) as caught:
            await client.resolve_short_link(ShortLink(f"{platform.url}/eHHc1ft/"))
    assert caught.value.refusal is Reason.CODE_UNREADABLE
    assert platform.asked == []
