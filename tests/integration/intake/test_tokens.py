"""The platform's access tokens: one owner, few fetches, renewed when turned away."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from tests.conftest import NewDatabase
from tests.integration.intake.support import (
    MERCHANT,
    SECRET,
    Answer,
    IntakeUnderTest,
    running_intake,
)
from tests.integration.intake.test_apps import merchant_token
from tests.support.access import Access
from tests.support.waiting import eventually


@dataclass
class TokenPlatform:
    """Issues tokens and counts them."""

    url: str = ""
    issued: int = 0
    expires_in: int = 7200
    error_code: int = 0
    delay_seconds: float = 0.0
    # Any secret is right while this is None.
    secret: str | None = None

    async def issue(self, request: web.Request) -> web.Response:
        await asyncio.sleep(self.delay_seconds)
        asked = await request.json()
        wrong = self.secret not in (None, asked["client_secret"])
        error_code = 10013 if wrong else self.error_code
        self.issued += not wrong
        data: dict[str, Any] = {"error_code": error_code, "description": ""}
        if not error_code:
            data |= {"access_token": f"clt.{self.issued}", "expires_in": self.expires_in}
        return web.json_response({"data": data, "message": "success"})


@asynccontextmanager
async def token_platform() -> AsyncIterator[TokenPlatform]:
    platform, app = TokenPlatform(), web.Application()
    app.router.add_post("/oauth/client_token/", platform.issue)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    platform.url = "http://{}:{}".format(*runner.addresses[0][:2])
    try:
        yield platform
    finally:
        await runner.cleanup()


@asynccontextmanager
async def two_workers(
    url: str, nats_url: str, access: Access, platform: TokenPlatform
) -> AsyncIterator[tuple[IntakeUnderTest, IntakeUnderTest]]:
    async with (
        running_intake(url, nats_url, access, douyin_base_url=platform.url) as one,
        running_intake(url, nats_url, access, douyin_base_url=platform.url) as other,
    ):
        await one.add_app()

        async def is_known() -> bool:
            return (await other.ask("GET", "/readyz")).status == 200

        await eventually(is_known)
        yield one, other


async def ask(
    intake: IntakeUnderTest, *, rejected: str | None = None, merchant: str = MERCHANT
) -> Answer:
    body = {"merchant": merchant}
    if rejected is not None:
        body["rejected_digest"] = hashlib.sha256(rejected.encode()).hexdigest()
    return await intake.call("POST", "/v1/platform-tokens", body)


async def test_many_callers_of_two_workers_cause_one_fetch_and_a_restart_none(
    database: NewDatabase, nats_url: str, access: Access
) -> None:
    url = await database("intake")
    async with token_platform() as platform:
        platform.delay_seconds = 0.3
        async with two_workers(url, nats_url, access, platform) as (one, other):

            async def other_knows() -> bool:
                return (await ask(other)).status == 200

            await eventually(other_knows, what="the application in the other worker")
            answers = await asyncio.gather(*(ask(each) for each in (one, other) * 20))
            assert {answer.body["access_token"] for answer in answers} == {"clt.1"}
        async with running_intake(url, nats_url, access, douyin_base_url=platform.url) as again:
            answer = await ask(again)
        assert (answer.body["access_token"], platform.issued) == ("clt.1", 1)
        assert answer.headers["Cache-Control"] == "no-store"


async def test_a_rejected_token_is_replaced_once_however_many_say_so(
    database: NewDatabase, nats_url: str, access: Access
) -> None:
    url = await database("intake")
    async with (
        token_platform() as platform,
        two_workers(url, nats_url, access, platform) as (one, other),
    ):
        assert (await ask(one)).body["access_token"] == "clt.1"
        haste = await ask(one, rejected="clt.1")
        assert (haste.status, haste.headers["Retry-After"]) == (503, "2")
        await one.fetch("UPDATE platform_tokens SET fetched_at = now() - interval '1 minute'")
        answers = await asyncio.gather(*(ask(each, rejected="clt.1") for each in (one, other) * 10))
        assert {answer.body["access_token"] for answer in answers if answer.status == 200} == {
            "clt.2"
        }
        assert (await ask(one, rejected="clt.1")).body["access_token"] == "clt.2"
        assert platform.issued == 2


async def test_the_token_stands_sealed_and_goes_with_the_secret(
    database: NewDatabase, nats_url: str, access: Access
) -> None:
    url = await database("intake")
    async with (
        token_platform() as platform,
        running_intake(url, nats_url, access, douyin_base_url=platform.url) as intake,
    ):
        await intake.add_app()
        await ask(intake)
        (row,) = await intake.fetch("SELECT * FROM platform_tokens")
        assert "clt." not in str(tuple(row))
        new = {"secret": "a new secret of the app"}
        await intake.call("POST", "/v1/apps/awdemo/secrets", new)
        assert (await ask(intake)).body["access_token"] == "clt.1"
        secrets = (await intake.call("GET", "/v1/apps")).body["items"][0]["secrets"]
        (old,) = (one["secret_id"] for one in secrets if one["expires_at"])
        await intake.call("DELETE", f"/v1/apps/awdemo/secrets/{old}")
        assert (await ask(intake)).body["access_token"] == "clt.2"


async def test_a_secret_is_rotated_here_before_the_platform_has_changed_over(
    database: NewDatabase, nats_url: str, access: Access
) -> None:
    url = await database("intake")
    async with (
        token_platform() as platform,
        running_intake(url, nats_url, access, douyin_base_url=platform.url) as intake,
    ):
        await intake.add_app()
        platform.secret = SECRET
        new = {"secret": "a new secret of the app"}
        await intake.call("POST", "/v1/apps/awdemo/secrets", new)
        assert (await ask(intake)).body["access_token"] == "clt.1"
        await intake.fetch("UPDATE platform_tokens SET fetched_at = now() - interval '1 minute'")
        platform.secret = "a new secret of the app"
        assert (await ask(intake, rejected="clt.1")).body["access_token"] == "clt.2"


async def test_a_token_is_replaced_before_it_ends(
    database: NewDatabase, nats_url: str, access: Access
) -> None:
    url = await database("intake")
    async with token_platform() as platform:
        platform.expires_in = 100
        async with running_intake(url, nats_url, access, douyin_base_url=platform.url) as intake:
            await intake.add_app()
            await ask(intake)
        platform.expires_in = 7200
        async with running_intake(url, nats_url, access, douyin_base_url=platform.url) as intake:

            async def is_replaced() -> bool:
                return platform.issued == 2

            await eventually(is_replaced, what="the second token, though nobody asked")

            async def is_kept() -> bool:
                """The platform counts it before it is stored here."""
                return bool((await ask(intake)).body["access_token"] == "clt.2")

            await eventually(is_kept, what="the second token from then on")
            assert platform.issued == 2


async def test_what_the_platform_says_of_the_secret_is_passed_on(
    database: NewDatabase, nats_url: str, access: Access
) -> None:
    url = await database("intake")
    async with (
        token_platform() as platform,
        running_intake(url, nats_url, access, douyin_base_url=platform.url) as intake,
    ):
        await intake.add_app()
        platform.error_code = 10013
        refused = await ask(intake)
        assert (refused.status, refused.body["reason"]) == (409, "app_not_authorised")
        platform.error_code = 10020
        assert (await ask(intake)).status == 503
        platform.error_code = 0
        assert (await ask(intake)).status == 200


async def test_a_token_is_given_only_for_whom_an_application_may_call(
    intake: IntakeUnderTest, access: Access
) -> None:
    assert (await ask(intake, merchant="chabaidao")).body["reason"] == "no_app"
    token = await merchant_token(access, "chabaidao", ["platform_tokens:read"])
    body = {"merchant": MERCHANT}
    assert (await intake.call("POST", "/v1/platform-tokens", body, token=token)).status == 403
    await intake.call("POST", "/v1/apps/awdemo/secrets", {"secret": "a new secret of the app"})
    for secret in (await intake.call("GET", "/v1/apps")).body["items"][0]["secrets"]:
        await intake.call("DELETE", f"/v1/apps/awdemo/secrets/{secret['secret_id']}")
    assert (await ask(intake)).body["reason"] == "no_app"
