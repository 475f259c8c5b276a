"""Applications and their secrets: adding, rotating, deleting, and who may."""

import asyncio
import json
from typing import Any

from shared.web.client import Credentials
from tests.integration.intake.support import (
    CLIENT_KEY,
    MERCHANT,
    SECRET,
    IntakeUnderTest,
    a_webhook,
)
from tests.support.access import Access
from tests.support.waiting import eventually

_NEW = "fedcba9876543210fedcba9876543210"
_SECRETS = f"/v1/apps/{CLIENT_KEY}/secrets"


async def test_adding_the_same_application_again_changes_nothing(intake: IntakeUnderTest) -> None:
    again = await intake.add_app()
    other_name = await intake.add_app(name="other")
    other_secret = await intake.add_app(secret=_NEW)
    assert [again.status, other_name.status, other_secret.status] == [200, 409, 409]
    assert other_name.body["reason"] == "app_exists"
    assert await intake.count("app_secrets") == 1


async def test_a_secret_never_comes_out_again_and_stands_sealed(intake: IntakeUnderTest) -> None:
    added = await intake.add_app(client_key="other", secret=_NEW)
    listed = await intake.call("GET", "/v1/apps")
    rows = await intake.fetch("SELECT * FROM app_secrets")
    for shown in (json.dumps(added.body), json.dumps(listed.body), str([*map(tuple, rows)])):
        assert _NEW not in shown
        assert SECRET not in shown
    first, second = (app["secrets"][0]["fingerprint"] for app in listed.body["items"])
    assert first != second


async def test_both_secrets_sign_while_they_overlap_and_then_only_the_new_one(
    intake: IntakeUnderTest,
) -> None:
    rotated = await intake.call("POST", _SECRETS, {"secret": _NEW, "overlap_seconds": 2})
    assert (rotated.status, rotated.body["expires_at"]) == (201, None)
    assert (await intake.send(a_webhook(), secret=SECRET)).status == 200
    assert (await intake.send(a_webhook(), secret=_NEW)).status == 200

    async def has_ended() -> bool:
        return (await intake.send(a_webhook(), secret=SECRET)).status == 401

    await eventually(has_ended, within_seconds=4, what="the end of the old secret")
    assert (await intake.send(a_webhook(), secret=_NEW)).status == 200


async def test_rotating_twice_with_the_same_secret_is_once(intake: IntakeUnderTest) -> None:
    body = {"secret": _NEW, "overlap_seconds": 60}
    first, again = [await intake.call("POST", _SECRETS, body) for _ in range(2)]
    assert (first.status, again.status) == (201, 200)
    assert first.body == again.body
    assert await intake.count("app_secrets") == 2


async def test_no_more_than_three_secrets_live_at_once(intake: IntakeUnderTest) -> None:
    answers = [
        await intake.call("POST", _SECRETS, {"secret": f"secret number {number}"})
        for number in range(3)
    ]
    assert [answer.status for answer in answers] == [201, 201, 409]
    assert answers[2].body["reason"] == "too_many_secrets"


async def test_a_deleted_secret_signs_nothing_from_then_on(intake: IntakeUnderTest) -> None:
    (app,) = (await intake.call("GET", "/v1/apps")).body["items"]
    path = f"{_SECRETS}/{app['secrets'][0]['secret_id']}"
    assert (await intake.call("DELETE", path)).status == 200
    assert (await intake.send(a_webhook())).status == 401
    (row,) = await intake.fetch("SELECT sealed_secret, expires_at FROM app_secrets")
    assert row["sealed_secret"] is None
    (app,) = (await intake.call("GET", "/v1/apps")).body["items"]
    assert app["secrets"][0]["deleted"] is True
    assert (await intake.call("DELETE", f"{_SECRETS}/{CLIENT_KEY}")).status == 422


async def test_an_application_without_a_secret_is_disabled_until_it_has_one(
    intake: IntakeUnderTest,
) -> None:
    added = await intake.add_app(client_key="bare", secret=None)
    assert added.body["secrets"] == []
    for secret in ("", "0" * 32):
        assert (await intake.send(a_webhook(), client_key="bare", secret=secret)).status == 401
    await intake.call("POST", "/v1/apps/bare/secrets", {"secret": _NEW})
    assert (await intake.send(a_webhook(), client_key="bare", secret=_NEW)).status == 200


async def test_what_cannot_be_an_application_is_refused_with_the_member_that_is_wrong(
    intake: IntakeUnderTest,
) -> None:
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"client_key": "a/b"}, "client_key"),
        ({"merchant": "Not A Slug"}, "merchant"),
        ({"secret": "short"}, "secret"),
        ({"secret": ""}, "secret"),
        ({"kind": "other"}, "kind"),
        ({"surplus": 1}, "surplus"),
    ]
    for members, name in wrong:
        body = {"client_key": "x", "merchant": MERCHANT, "secret": _NEW} | members
        answer = await intake.call("POST", "/v1/apps", body)
        assert (answer.status, name in answer.body["detail"]) == (422, True)
        assert "short" not in json.dumps(answer.body)
    unknown = await intake.add_app(client_key="x", platform="nowhere")
    assert unknown.status == 404


async def test_a_merchant_sees_and_changes_only_its_own_applications(
    intake: IntakeUnderTest, access: Access
) -> None:
    await intake.add_app(client_key="theirs", merchant="chabaidao", secret=_NEW)
    token = await merchant_token(access, MERCHANT, ["apps:read", "apps:write"])
    listed = await intake.call("GET", "/v1/apps", token=token)
    assert [app["client_key"] for app in listed.body["items"]] == [CLIENT_KEY]
    tries = {
        "list theirs": await intake.call("GET", "/v1/apps?merchant=chabaidao", token=token),
        "add for them": await intake.call(
            "POST", "/v1/apps", {"client_key": "x", "merchant": "chabaidao"}, token=token
        ),
        "add for all": await intake.call(
            "POST",
            "/v1/apps",
            {"client_key": "x", "merchant": MERCHANT, "kind": "provider"},
            token=token,
        ),
        "rotate theirs": await intake.call(
            "POST", "/v1/apps/theirs/secrets", {"secret": _NEW}, token=token
        ),
    }
    assert {name: answer.status for name, answer in tries.items()} == {
        "list theirs": 403,
        "add for them": 403,
        "add for all": 403,
        "rotate theirs": 404,
    }
    own = {"client_key": "mine", "merchant": MERCHANT, "secret": _NEW}
    assert (await intake.call("POST", "/v1/apps", own, token=token)).status == 201


async def test_without_a_token_or_the_right_action_nothing_is_said(
    intake: IntakeUnderTest, access: Access
) -> None:
    paths = [
        ("GET", "/v1/apps"),
        ("POST", "/v1/apps"),
        ("POST", _SECRETS),
        ("GET", "/v1/deliveries"),
        ("POST", "/v1/deliveries/missing"),
        ("GET", "/v1/deliveries/conflicts"),
        ("GET", "/v1/deliveries/counts"),
        ("POST", "/v1/platform-tokens"),
        ("POST", "/v1/outbox/republish"),
    ]
    token = await merchant_token(access, MERCHANT, ["orders:read"])
    answers = await asyncio.gather(
        *(intake.ask(method, path) for method, path in paths),
        *(intake.call(method, path, token=token) for method, path in paths),
    )
    assert [answer.status for answer in answers] == [401] * len(paths) + [403] * len(paths)


async def merchant_token(access: Access, merchant: str, actions: list[str]) -> str:
    """The token of a client of one merchant."""
    await access.add_merchant(merchant)
    body = {"merchant": merchant, "name": "test", "actions": actions}
    made = await access.as_operator("POST", "/v1/clients", body=body)
    credentials = Credentials(
        access.url, client_id=made["client_id"], client_secret=made["client_secret"]
    )
    return await credentials.token(access.session)
