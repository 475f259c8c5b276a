"""People sign in: few guesses, one answer to all that is wrong, void when told."""

import asyncio
import base64
from typing import Any

import aiohttp
import jwt
import pytest

from deploy.embedded.nats import Nats
from services.access.domain.actions import ROLE_ACTIONS, Role
from services.access.handlers.signing_keys import KeySeal
from services.access.queries.signing_keys import find_live_keys
from shared.clock import utc_now
from shared.errors import Rejection
from shared.postgres.connection import Connection
from tests.conftest import NewDatabase
from tests.support.access import PASSWORD, Access, Person, refusal, running_access

_NEW = "another horse 43"
_SECONDS_IN_13_HOURS = 13 * 3600


async def _owner(access: Access) -> Person:
    return await access.add_staff(await access.new_merchant(), role="owner")


async def _wrong(person: Person, times: int) -> list[tuple[int, str]]:
    return [await refusal(person.sign_in("wrong horse 42")) for _ in range(times)]


@pytest.mark.parametrize("role", list(Role))
async def test_a_person_gets_what_the_role_allows(access: Access, role: Role) -> None:
    merchant = await access.new_merchant()
    store = await access.add_store(merchant)
    person = await access.add_staff(merchant, role=role, stores=[store])
    answer = await person.sign_in()
    claims = jwt.decode(answer["access_token"], options={"verify_signature": False})
    assert claims["sub"] == f"staff:{person.staff_id}"
    assert (claims["merchant"], claims["stores"]) == (merchant, [store])
    assert claims["actions"] == answer["actions"] == sorted(ROLE_ACTIONS[role])
    assert (answer["name"], answer["role"], answer["stores"]) == ("王丽", role, [store])


async def test_the_login_is_read_as_people_type_it(access: Access) -> None:
    person = await access.add_staff(await access.new_merchant(), login="Wang.Li")
    body = {"merchant": person.merchant, "password": PASSWORD}
    for login in ("wang.li", " WANG.LI ", "Ｗａｎｇ.Ｌｉ"):  # full-width
        answer = await access.call("POST", "/v1/sign-in", body=body | {"login": login})
        assert answer["staff_id"] == person.staff_id


async def test_all_that_is_wrong_is_answered_alike(access: Access) -> None:
    owner = await _owner(access)
    right = {"merchant": owner.merchant, "login": owner.login, "password": PASSWORD}
    answers = set()
    for wrong in ({"merchant": "nobody"}, {"login": "nobody"}, {"password": "wrong horse 42"}):
        with pytest.raises(Rejection) as refused:
            await access.call("POST", "/v1/sign-in", body=right | wrong)
        answers.add((refused.value.status, refused.value.reason, str(refused.value)))
    assert answers == {(401, "sign_in_refused", "merchant, login or password is wrong")}


async def test_after_five_wrong_passwords_the_right_one_waits_too(access: Access) -> None:
    owner = await _owner(access)
    assert await _wrong(owner, 5) == [(401, "sign_in_refused")] * 5
    assert await refusal(owner.sign_in()) == (429, "locked_out")


async def test_an_unknown_login_is_locked_out_like_a_known_one(access: Access) -> None:
    nobody = Person(access, "", await access.new_merchant(), "nobody")
    assert await _wrong(nobody, 6) == [(401, "sign_in_refused")] * 5 + [(429, "locked_out")]


async def test_guesses_made_at_once_are_counted_like_any_others(access: Access) -> None:
    owner = await _owner(access)
    answers = await asyncio.gather(*(refusal(owner.sign_in("wrong horse")) for _ in range(20)))
    assert sorted(answers) == [(401, "sign_in_refused")] * 5 + [(429, "locked_out")] * 15


async def test_each_lock_out_is_longer_than_the_one_before(
    access: Access, postgres: Connection
) -> None:
    owner = await _owner(access)
    await _wrong(owner, 4)
    waits = []
    for _ in range(8):
        await _wrong(owner, 1)
        waits.append(await _retry_after(access, owner))
        await postgres.execute("UPDATE sign_in_attempts SET locked_until = now()")
    assert waits == [
        pytest.approx(seconds, abs=2) for seconds in (30, 60, 120, 240, 480, 900, 900, 900)
    ]


async def _retry_after(access: Access, person: Person) -> int:
    body = {"merchant": person.merchant, "login": person.login, "password": PASSWORD}
    async with access.session.post(f"{access.url}/v1/sign-in", json=body) as response:
        assert response.status == 429
        return int(response.headers["Retry-After"])


async def test_a_success_forgets_the_wrong_passwords(access: Access) -> None:
    owner = await _owner(access)
    for _ in range(3):
        await _wrong(owner, 4)
        await owner.sign_in()


async def test_a_reset_lifts_the_lock_out_and_voids_tokens(access: Access) -> None:
    owner = await _owner(access)
    token = await owner.token()
    await _wrong(owner, 5)
    path = f"/v1/staff/{owner.staff_id}/password"
    await access.as_operator("POST", path, body={"password": _NEW})
    assert await refusal(access.call("GET", "/v1/stores", token=token)) == (401, "token_revoked")
    assert await refusal(owner.sign_in()) == (401, "sign_in_refused")
    answer = await owner.sign_in(_NEW)
    assert (await access.call("GET", "/v1/stores", token=answer["access_token"]))["items"] == []


async def test_ones_own_password_is_changed_with_the_old_one(access: Access) -> None:
    owner = await _owner(access)
    token = await owner.token()
    body = {"merchant": owner.merchant, "login": owner.login, "new_password": _NEW}
    path = "/v1/sign-in/password"
    asked = access.call("POST", path, body=body | {"password": "wrong horse 42"})
    assert await refusal(asked) == (401, "sign_in_refused")
    await access.call("POST", path, body=body | {"password": PASSWORD})
    assert await refusal(access.call("GET", "/v1/stores", token=token)) == (401, "token_revoked")
    assert (await owner.sign_in(_NEW))["staff_id"] == owner.staff_id
    reset = access.call(
        "POST",
        f"/v1/staff/{owner.staff_id}/password",
        body={"password": PASSWORD},
        token=(await owner.sign_in(_NEW))["access_token"],
    )
    assert await refusal(reset) == (403, "own_password")


async def test_a_deactivated_person_is_out_at_once_and_the_login_is_free(access: Access) -> None:
    owner = await _owner(access)
    token = await owner.token()
    path = f"/v1/staff/{owner.staff_id}"
    gone = await access.as_operator("POST", f"{path}/deactivate", body={"reason": "left"})
    assert gone["state"] == "deactivated"
    assert await access.as_operator("POST", f"{path}/deactivate") == gone
    assert await refusal(access.call("GET", "/v1/stores", token=token)) == (401, "token_revoked")
    assert await refusal(owner.sign_in()) == (401, "sign_in_refused")
    assert await refusal(_renew(access, token)) == (401, "token_revoked")
    successor = await access.add_staff(owner.merchant, login=owner.login)
    assert successor.staff_id != owner.staff_id
    assert (await successor.sign_in())["staff_id"] == successor.staff_id


async def test_changed_rights_count_at_once(access: Access) -> None:
    owner = await _owner(access)
    token = await owner.token()
    path = f"/v1/staff/{owner.staff_id}"
    changed = await access.as_operator("PATCH", path, body={"role": "clerk", "name": "王小丽"})
    assert (changed["role"], changed["name"], changed["stores"]) == ("clerk", "王小丽", None)
    assert await refusal(access.call("GET", "/v1/staff", token=token)) == (401, "token_revoked")
    assert (await owner.sign_in())["role"] == "clerk"


async def test_a_changed_name_voids_nothing(access: Access) -> None:
    owner = await _owner(access)
    token = await owner.token()
    path = f"/v1/staff/{owner.staff_id}"
    await access.as_operator("PATCH", path, body={"name": "王小丽"})
    [seen] = (await access.call("GET", "/v1/staff", token=token))["items"]
    assert (seen["name"], seen["login"], seen["state"]) == ("王小丽", owner.login, "active")


async def test_the_same_person_again_is_no_second_one(access: Access) -> None:
    merchant = await access.new_merchant()
    first = await access.add_staff(merchant, login="wang.li", role="clerk")
    second = await access.add_staff(merchant, login="WANG.LI", role="clerk")
    assert first.staff_id == second.staff_id
    asked = access.add_staff(merchant, login="wang.li", role="owner")
    assert await refusal(asked) == (409, "login_taken")


@pytest.mark.parametrize(
    ("password", "reason"),
    [("short", "unreadable"), ("aaaaaaaaaaaa", "password_too_weak"), ("x" * 129, "unreadable")],
)
async def test_a_weak_password_is_refused(access: Access, password: str, reason: str) -> None:
    body = {
        "merchant": await access.new_merchant(),
        "login": "wang.li",
        "name": "王丽",
        "role": "clerk",
        "password": password,
    }
    assert await refusal(access.as_operator("POST", "/v1/staff", body=body)) == (422, reason)


async def _renew(access: Access, token: str) -> Any:
    return await access.call("POST", "/v1/sign-in/renew", token=token)


async def test_a_session_goes_on_with_the_rights_of_now(access: Access) -> None:
    owner = await _owner(access)
    token = await owner.token()
    answer = await _renew(access, token)
    assert answer["role"] == "owner"
    first, second = (
        jwt.decode(one, options={"verify_signature": False})
        for one in (token, answer["access_token"])
    )
    assert first["auth_time"] == second["auth_time"]
    assert first["jti"] != second["jti"]
    again = await _renew(access, answer["access_token"])
    assert again["staff_id"] == owner.staff_id


async def test_a_session_ends_with_its_hours(access: Access, postgres: Connection) -> None:
    """Signed with the real key, as if the password had been given 13 hours ago."""
    token = await (await _owner(access)).token()
    claims = jwt.decode(token, options={"verify_signature": False})
    [stored] = await find_live_keys(postgres, now=utc_now())
    key = KeySeal(base64.b64decode(access.master_key)).open(stored)
    old = jwt.encode(
        claims | {"auth_time": claims["auth_time"] - _SECONDS_IN_13_HOURS},
        key.private_key,
        algorithm="EdDSA",
        headers={"kid": str(key.key_id)},
    )
    assert await refusal(_renew(access, old)) == (401, "session_over")


async def test_programs_do_not_renew(access: Access) -> None:
    token = await access.operator_token()
    assert await refusal(_renew(access, token)) == (401, "not_renewable")
    assert await refusal(_renew(access, "nonsense")) == (401, "token_invalid")


async def test_an_address_is_refused_only_so_often(
    database: NewDatabase, nats_server: Nats
) -> None:
    async with running_access(
        await database("access"),
        nats_server.url,
        access_refusals_burst=3,
        access_refusals_per_minute=1,
    ) as access:
        owner = await _owner(access)
        for _ in range(5):
            await owner.sign_in()
        nobodies = [Person(access, "", owner.merchant, f"nobody-{number}") for number in range(4)]
        answers = [await refusal(nobody.sign_in()) for nobody in nobodies]
        assert answers == [(401, "sign_in_refused")] * 3 + [(429, "too_many_requests")]
        assert await refusal(owner.sign_in()) == (429, "too_many_requests")


async def test_behind_a_proxy_the_address_it_adds_counts(
    database: NewDatabase, nats_server: Nats
) -> None:
    async with running_access(
        await database("access"),
        nats_server.url,
        access_refusals_burst=1,
        access_refusals_per_minute=1,
        access_behind_proxy=True,
    ) as access:

        async def status(forwarded: str) -> int:
            body = {"merchant": "nobody", "login": "nobody", "password": PASSWORD}
            headers = {"X-Forwarded-For": forwarded}
            async with aiohttp.ClientSession(headers=headers) as session:
                url = f"{access.url}/v1/sign-in"
                async with session.post(url, json=body) as response:
                    return response.status

        assert [
            await status("6.6.6.6, 10.0.0.1"),
            await status("7.7.7.7, 10.0.0.1"),
            await status("6.6.6.6, 10.0.0.2"),
            await status("2001:db8::1"),
            await status("2001:db8::2"),
            await status("2001:db8:0:1::1"),
        ] == [401, 429, 401, 401, 429, 401]
