"""Terminals: enrolled once, known by their key, void when told."""

import asyncio
from typing import Any
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deploy.embedded.nats import Nats
from shared.errors import Rejection, Unauthorized
from shared.messaging.broker import connected
from shared.postgres.connection import Connection
from shared.web.verifier import TokenVerifier, verifying
from tests.conftest import NewDatabase
from tests.support.access import Access, Terminal, public_jwk, refusal, running_access
from tests.support.waiting import eventually, until


async def _invited(access: Access) -> dict[str, Any]:
    store = await access.add_store(await access.new_merchant())
    body = {"store_id": store, "name": "Counter 1"}
    invited: dict[str, Any] = await access.as_operator("POST", "/v1/terminals", body=body)
    return invited


async def _enrolled(access: Access) -> Terminal:
    return await access.enrol((await _invited(access))["enrolment_code"])


def _takes(verifier: TokenVerifier, token: str) -> bool:
    try:
        verifier.verify(token)
    except Unauthorized:
        return False
    return True


async def test_an_enrolled_terminal_gets_a_token_for_its_store(access: Access) -> None:
    terminal = await _enrolled(access)
    claims = jwt.decode(await terminal.token(), options={"verify_signature": False})
    assert claims["sub"] == f"terminal:{terminal.terminal_id}"
    assert (claims["merchant"], claims["stores"]) == (terminal.merchant, [terminal.store_id])
    assert claims["actions"] == ["redemption:read", "redemption:write"]
    assert claims["exp"] - int(claims["iat"]) == 600


async def test_a_p256_key_of_a_browser_serves_as_well(access: Access) -> None:
    store = await access.add_store(await access.new_merchant())
    terminal = await access.add_terminal(store, key=ec.generate_private_key(ec.SECP256R1()))
    assert await terminal.token()


async def test_of_many_devices_with_one_code_one_is_enrolled(access: Access) -> None:
    code = (await _invited(access))["enrolment_code"]
    answers = await asyncio.gather(*(access.enrol(code) for _ in range(20)), return_exceptions=True)
    enrolled = [answer for answer in answers if isinstance(answer, Terminal)]
    refused = [answer.reason for answer in answers if isinstance(answer, Rejection)]
    assert len(enrolled) == 1
    assert refused == ["enrolment_code_refused"] * 19
    assert await enrolled[0].token()


async def test_a_code_too_old_unknown_or_mistyped_is_refused(
    access: Access, postgres: Connection
) -> None:
    invited = await _invited(access)
    code = invited["enrolment_code"]
    await postgres.execute(
        "UPDATE terminals SET enrolment_expires_at = now() - interval '1 s' WHERE terminal_id = $1",
        invited["terminal_id"],
    )
    assert await refusal(access.enrol(code)) == (409, "enrolment_code_refused")
    assert await refusal(access.enrol("2222-2222-222")) == (409, "enrolment_code_refused")
    wrong = code[:-1] + ("2" if code[-1] != "2" else "3")
    assert await refusal(access.enrol(wrong)) == (422, "enrolment_code_mistyped")


async def test_an_assertion_counts_once_even_when_sent_at_once(access: Access) -> None:
    terminal = await _enrolled(access)
    path, body = f"/v1/terminals/{terminal.terminal_id}/token", {"assertion": terminal.assertion()}
    answers = await asyncio.gather(
        *(access.call("POST", path, body=body) for _ in range(10)), return_exceptions=True
    )
    refused = [answer.reason for answer in answers if isinstance(answer, Rejection)]
    assert refused == ["assertion_replayed"] * 9


async def test_another_terminals_assertion_is_refused(access: Access) -> None:
    first = await _enrolled(access)
    second = await access.add_terminal(first.store_id)
    path = f"/v1/terminals/{first.terminal_id}/token"
    for assertion in (second.assertion(), second.assertion(sub=first.terminal_id)):
        asked = access.call("POST", path, body={"assertion": assertion})
        assert await refusal(asked) == (401, "assertion_refused")
    unknown = access.call(
        "POST", f"/v1/terminals/{uuid4()}/token", body={"assertion": first.assertion()}
    )
    assert await refusal(unknown) == (401, "assertion_refused")


async def test_a_wrong_clock_is_told_the_servers_time(access: Access) -> None:
    terminal = await _enrolled(access)
    path = f"/v1/terminals/{terminal.terminal_id}/token"
    late = terminal.assertion(iat=1_700_000_000, exp=1_700_000_060)
    assert await refusal(access.call("POST", path, body={"assertion": late})) == (
        401,
        "clock_skew",
    )


async def test_rolling_voids_the_old_device_and_welcomes_the_new(access: Access) -> None:
    terminal = await _enrolled(access)
    path = f"/v1/terminals/{terminal.terminal_id}"
    old_token = await terminal.token()
    rolled = await access.as_operator("POST", f"{path}/roll")
    assert await refusal(terminal.token()) == (401, "assertion_refused")
    asked = access.call("GET", "/v1/stores", token=old_token)
    assert await refusal(asked) == (401, "token_revoked")
    renewed = await access.enrol(rolled["enrolment_code"])
    assert renewed.terminal_id == terminal.terminal_id
    asked = access.call("GET", "/v1/stores", token=await renewed.token())
    assert await refusal(asked) == (403, "forbidden")


async def test_a_new_code_voids_the_one_before(access: Access) -> None:
    invited = await _invited(access)
    again = await access.as_operator("POST", f"/v1/terminals/{invited['terminal_id']}/roll")
    assert await refusal(access.enrol(invited["enrolment_code"])) == (
        409,
        "enrolment_code_refused",
    )
    assert (await access.enrol(again["enrolment_code"])).terminal_id == invited["terminal_id"]


async def test_revoking_is_for_good_and_asking_again_changes_nothing(access: Access) -> None:
    terminal = await _enrolled(access)
    path = f"/v1/terminals/{terminal.terminal_id}"
    first = await access.as_operator("POST", f"{path}/revoke", body={"reason": "lost"})
    second = await access.as_operator("POST", f"{path}/revoke")
    assert first == second
    assert first["state"] == "revoked"
    assert await refusal(terminal.token()) == (401, "terminal_revoked")
    assert await refusal(access.as_operator("POST", f"{path}/roll")) == (409, "terminal_revoked")


async def test_a_code_of_a_revoked_terminal_is_void(access: Access) -> None:
    invited = await _invited(access)
    await access.as_operator("POST", f"/v1/terminals/{invited['terminal_id']}/revoke")
    assert await refusal(access.enrol(invited["enrolment_code"])) == (
        409,
        "enrolment_code_refused",
    )


async def test_other_services_hear_of_a_revocation_within_seconds(
    access: Access, nats_server: Nats
) -> None:
    """By event, well before they ask for revocations again (30 s)."""
    terminal, other = await _enrolled(access), await _enrolled(access)
    token, others = await terminal.token(), await other.token()
    async with (
        connected(nats_server.url, name="test") as broker,
        verifying(access.url, broker) as verifier,
    ):
        await until(lambda: verifier.ready)
        assert _takes(verifier, token)
        path = f"/v1/terminals/{terminal.terminal_id}/revoke"
        await access.as_operator("POST", path)
        await until(lambda: not _takes(verifier, token), within_seconds=5)
        assert _takes(verifier, others)


async def test_revocations_are_listed_for_who_missed_the_event(access: Access) -> None:
    terminal = await _enrolled(access)
    await access.as_operator("POST", f"/v1/terminals/{terminal.terminal_id}/revoke")
    listed = await access.call("GET", "/v1/revocations")
    assert f"terminal:{terminal.terminal_id}" in {one["principal"] for one in listed["items"]}
    later = await access.call("GET", "/v1/revocations?since=2099-01-01T00:00:00Z")
    assert later == {"items": [], "next_cursor": None}


async def test_another_worker_of_access_takes_the_token_and_hears_of_the_revocation(
    access: Access, nats_server: Nats
) -> None:
    async with running_access(access.postgres_url, nats_server.url) as two:
        owner = await access.add_staff(await access.new_merchant(), role="owner")
        token = await owner.token()
        assert (await two.call("GET", "/v1/stores", token=token))["items"] == []
        await access.as_operator("POST", f"/v1/staff/{owner.staff_id}/deactivate")

        async def refused() -> bool:
            try:
                await two.call("GET", "/v1/stores", token=token)
            except Rejection as rejection:
                return rejection.reason == "token_revoked"
            return False

        await eventually(refused, within_seconds=5)


async def test_terminals_are_listed_page_by_page_and_by_store(access: Access) -> None:
    merchant = await access.new_merchant()
    stores = [await access.add_store(merchant), await access.add_store(merchant)]
    added = [await access.add_terminal(stores[number % 2]) for number in range(5)]
    first_page = path = f"/v1/terminals?merchant={merchant}&limit=2"
    seen = []
    while path:
        listed = await access.as_operator("GET", path)
        seen += [item["terminal_id"] for item in listed["items"]]
        cursor = listed["next_cursor"]
        path = f"{first_page}&cursor={cursor}" if cursor else ""
    assert seen == sorted(terminal.terminal_id for terminal in added)
    of_store = await access.as_operator("GET", f"/v1/terminals?store_id={stores[1]}")
    assert [item["terminal_id"] for item in of_store["items"]] == [
        added[1].terminal_id,
        added[3].terminal_id,
    ]


async def test_when_a_terminal_asked_last_is_seen(access: Access) -> None:
    terminal = await _enrolled(access)
    path = f"/v1/terminals/{terminal.terminal_id}"
    assert (await access.as_operator("GET", path))["last_seen_at"] is None
    await terminal.token()
    shown = await access.as_operator("GET", path)
    assert shown["last_seen_at"] is not None
    assert shown["state"] == "active"
    assert "public_key" not in shown


async def test_a_broken_device_stops_only_itself(database: NewDatabase, nats_server: Nats) -> None:
    async with running_access(
        await database("access"),
        nats_server.url,
        access_refusals_burst=2,
        access_refusals_per_minute=1,
    ) as access:
        terminal = await _enrolled(access)
        broken = await access.add_terminal(terminal.store_id)
        path = f"/v1/terminals/{broken.terminal_id}/token"
        answers = [
            await refusal(access.call("POST", path, body={"assertion": "a.b.c"})) for _ in range(3)
        ]
        assert answers == [(401, "assertion_refused")] * 2 + [(429, "too_many_requests")]
        assert await refusal(broken.token()) == (429, "too_many_requests")
        assert await terminal.token()


async def test_a_private_key_is_never_taken(access: Access) -> None:
    code = (await _invited(access))["enrolment_code"]
    key = Ed25519PrivateKey.generate()
    body = {"code": code, "public_key": public_jwk(key) | {"d": "c2VjcmV0"}}
    asked = access.call("POST", "/v1/terminals/enrol", body=body)
    assert await refusal(asked) == (422, "private_key_sent")
    assert (await access.enrol(code)).terminal_id
