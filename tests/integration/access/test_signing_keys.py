"""Signing keys: made once, sealed, rotated without a refused token, published as a JWKS."""

import asyncio
import base64
import os

import asyncpg
import jwt
import pytest
import pytest_asyncio

from shared.messaging.broker import connected
from shared.postgres.connection import Connection
from shared.sealing.keyring import CannotOpen
from shared.web.verifier import verifying
from tests.conftest import NewDatabase
from tests.support.access import Access, refusal, running_access
from tests.support.waiting import eventually, until


@pytest_asyncio.fixture(loop_scope="session")
async def access(fresh_access: Access) -> Access:
    """Keys are of the whole service: each test has one of its own."""
    return fresh_access


async def _published(access: Access) -> list[str]:
    jwks = await access.call("GET", "/.well-known/jwks.json")
    return [key["kid"] for key in jwks["keys"]]


def _another(access: Access) -> Access:
    """Somebody who has no token yet."""
    return Access(access.url, access.session, access.postgres_url)


def _signed_with(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


async def test_the_jwks_has_the_public_half_and_nothing_else(access: Access) -> None:
    jwks = await access.call("GET", "/.well-known/jwks.json")
    [key] = jwks["keys"]
    assert set(key) == {"kty", "crv", "x", "kid", "use", "alg"}
    assert (key["kty"], key["crv"], key["use"], key["alg"]) == ("OKP", "Ed25519", "sig", "EdDSA")
    token = await access.operator_token()
    checked = jwt.decode(
        token,
        jwt.PyJWK.from_dict(key),
        algorithms=["EdDSA"],
        audience="qiao",
        issuer="qiao/access",
    )
    assert checked["sub"] == "client:operator"


async def test_workers_that_start_together_share_one_key(
    database: NewDatabase, nats_url: str
) -> None:
    url = await database()

    async def started(stop: asyncio.Event) -> list[str]:
        async with running_access(url, nats_url) as access:
            published = await _published(access)
            await stop.wait()
            return published

    stop = asyncio.Event()
    workers = [asyncio.create_task(started(stop)) for _ in range(4)]
    stop.set()
    assert len({tuple(published) for published in await asyncio.gather(*workers)}) == 1


async def test_the_private_half_is_sealed(access: Access, postgres: Connection) -> None:
    row = await postgres.fetchrow("SELECT private_key_sealed, public_key FROM signing_keys")
    assert row is not None
    assert len(row["private_key_sealed"]) == 12 + 32 + 16
    assert '"d"' not in row["public_key"]


async def test_another_master_key_is_refused_at_the_start(
    database: NewDatabase, nats_url: str
) -> None:
    url = await database("access")
    async with running_access(url, nats_url):
        pass
    other = base64.b64encode(os.urandom(32)).decode()
    with pytest.raises(CannotOpen, match="QIAO_MASTER_KEY"):
        async with running_access(url, nats_url, master_key=other):
            pass


async def test_after_a_restart_tokens_from_before_are_still_good(
    database: NewDatabase, nats_url: str
) -> None:
    url = await database("access")
    async with running_access(url, nats_url) as access:
        token = await access.operator_token()
    async with running_access(url, nats_url) as access:
        assert (await access.call("GET", "/v1/merchants", token=token))["items"] == []


async def test_a_new_key_is_published_before_it_signs(access: Access) -> None:
    old = await _published(access)
    token = await access.operator_token()
    made = await access.as_operator("POST", "/v1/signing-keys/rotate")
    assert await _published(access) == [*old, made["key_id"]]
    access_now = _another(access)
    assert _signed_with(await access_now.operator_token()) == _signed_with(token) == old[0]
    asked = access.as_operator("POST", "/v1/signing-keys/rotate")
    assert await refusal(asked) == (409, "rotation_under_way")


async def test_the_new_key_takes_over_and_no_token_is_refused_meanwhile(
    database: NewDatabase, nats_url: str
) -> None:
    async with (
        running_access(await database("access"), nats_url, access_key_lead_seconds=3) as access,
        connected(nats_url, name="test") as broker,
        verifying(access.url, broker) as verifier,
    ):
        await until(lambda: verifier.ready)
        first = await access.operator_token()
        made = await access.as_operator("POST", "/v1/signing-keys/rotate")

        async def taken_over() -> bool:
            token = await _another(access).operator_token()
            new = bool(_signed_with(token) == made["key_id"])
            if not new:
                assert verifier.verify(token).subject == "client:operator"
            return new

        await eventually(taken_over)
        assert (await access.call("GET", "/v1/merchants", token=first))["items"] == []
        assert len(await _published(access)) == 2


async def test_a_stolen_key_is_void_at_once(database: NewDatabase, nats_url: str) -> None:
    url = await database("access")
    async with running_access(url, nats_url) as one, running_access(url, nats_url) as two:
        token = await one.operator_token()
        made = await one.as_operator("POST", "/v1/signing-keys/rotate", body={"at_once": True})
        assert await _published(one) == [made["key_id"]]
        asked = one.call("GET", "/v1/merchants", token=token)
        assert await refusal(asked) == (401, "token_invalid")

        async def followed() -> bool:
            return await _published(two) == [made["key_id"]]

        await eventually(followed, within_seconds=5)
        fresh = await _another(two).operator_token()
        assert (await one.call("GET", "/v1/merchants", token=fresh))["items"] == []


async def test_a_key_is_rotated_when_its_days_are_over(
    database: NewDatabase, nats_url: str
) -> None:
    url = await database("access")
    async with running_access(url, nats_url) as access:
        [old] = await _published(access)
    postgres = await asyncpg.connect(url, server_settings={"search_path": "access"})
    await postgres.execute("UPDATE signing_keys SET signs_from = now() - interval '31 days'")
    await postgres.close()
    async with running_access(url, nats_url) as access:

        async def rotated() -> bool:
            return len(await _published(access)) == 2

        await eventually(rotated)
        assert _signed_with(await access.operator_token()) == old


async def test_a_forged_token_is_refused(access: Access) -> None:
    good = await access.operator_token()
    [key] = (await access.call("GET", "/.well-known/jwks.json"))["keys"]
    claims = jwt.decode(good, options={"verify_signature": False})
    secret = base64.urlsafe_b64decode(key["x"] + "=")
    header, payload, signature = good.split(".")
    forged = [
        jwt.encode(claims, secret, algorithm="HS256", headers={"kid": key["kid"]}),
        jwt.encode(claims, "", algorithm="none", headers={"kid": key["kid"]}),
        f"{header}.{payload}.",
        f"{header}.{payload}.{signature[:-4]}AAAA",
    ]
    for token in forged:
        asked = access.call("GET", "/v1/merchants", token=token)
        assert await refusal(asked) == (401, "token_invalid")
