"""Client credentials: of partners, of our services, of the operator."""

import asyncio
from typing import Any

import jwt
import pytest

from deploy.embedded.nats import Nats
from services.access.domain.actions import ACTIONS, SERVICE_ACTIONS
from shared.postgres.connection import Connection
from shared.web.service_token import service_secret
from tests.conftest import NewDatabase
from tests.support.access import Access, refusal, running_access


async def _erp(access: Access) -> dict[str, Any]:
    """What to ask for a client of a new merchant."""
    merchant = await access.new_merchant()
    return {"merchant": merchant, "name": "erp", "actions": ["orders:read", "stores:read"]}


async def _token(access: Access, client_id: str, secret: str) -> dict[str, Any]:
    body = {
        "grant_type": "client_credentials",
        "client_id": client_id,
        "client_secret": secret,
    }
    answer: dict[str, Any] = await access.call("POST", "/v1/token", body=body)
    return answer


def _claims(answer: dict[str, Any]) -> dict[str, Any]:
    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 600)
    return jwt.decode(answer["access_token"], options={"verify_signature": False})


async def test_a_partner_gets_a_token_for_what_it_was_given(access: Access) -> None:
    erp = await _erp(access)
    store = await access.add_store(erp["merchant"])
    made = await access.as_operator("POST", "/v1/clients", body=erp | {"stores": [store]})
    claims = _claims(await _token(access, made["client_id"], made["client_secret"]))
    assert claims["sub"] == f"client:{made['client_id']}"
    assert (claims["merchant"], claims["stores"]) == (erp["merchant"], [store])
    assert claims["actions"] == ["orders:read", "stores:read"]


async def test_the_secret_is_shown_once_and_kept_as_a_hash(
    access: Access, postgres: Connection
) -> None:
    made = await access.as_operator("POST", "/v1/clients", body=await _erp(access))
    shown = await access.as_operator("GET", f"/v1/clients/{made['client_id']}")
    assert "client_secret" not in shown
    kept = await postgres.fetchval(
        "SELECT secret_hash FROM clients WHERE client_id = $1", made["client_id"]
    )
    assert len(kept) == 32
    assert made["client_secret"].encode() not in kept


async def test_a_revoked_client_gets_no_token_and_its_tokens_are_void(access: Access) -> None:
    made = await access.as_operator("POST", "/v1/clients", body=await _erp(access))
    answer = await _token(access, made["client_id"], made["client_secret"])
    path = f"/v1/clients/{made['client_id']}/revoke"
    first = await access.as_operator("POST", path, body={"reason": "leaked"})
    assert first["state"] == "revoked"
    assert await access.as_operator("POST", path) == first
    asked = access.call("GET", "/v1/stores", token=answer["access_token"])
    assert await refusal(asked) == (401, "token_revoked")
    asked = _token(access, made["client_id"], made["client_secret"])
    assert await refusal(asked) == (401, "client_refused")


async def test_no_token_issued_beside_a_revocation_outlives_it(access: Access) -> None:
    """Asked for at the same moment: what was issued before is void, after it nothing is."""
    erp = await _erp(access)
    for _ in range(5):
        made = await access.as_operator("POST", "/v1/clients", body=erp)
        client_id, secret = made["client_id"], made["client_secret"]
        answers = await asyncio.gather(
            *(_token(access, client_id, secret) for _ in range(5)),
            access.as_operator("POST", f"/v1/clients/{client_id}/revoke"),
            *(_token(access, client_id, secret) for _ in range(5)),
            return_exceptions=True,
        )
        tokens = [
            one["access_token"] for one in answers if isinstance(one, dict) and "token_type" in one
        ]
        for token in tokens:
            asked = access.call("GET", "/v1/stores", token=token)
            assert await refusal(asked) == (401, "token_revoked")


@pytest.mark.parametrize("service", sorted(SERVICE_ACTIONS))
async def test_a_service_signs_in_with_its_derived_secret(access: Access, service: str) -> None:
    claims = jwt.decode(await access.service_token(service), options={"verify_signature": False})
    assert (claims["sub"], claims["merchant"], claims["stores"]) == (
        f"service:{service}",
        "*",
        None,
    )
    assert claims["actions"] == sorted(SERVICE_ACTIONS[service])


async def test_a_service_that_is_not_known_is_refused_with_the_right_secret(
    access: Access,
) -> None:
    secret = service_secret(bytes(range(32)), "stranger")
    assert await refusal(_token(access, "service:stranger", secret)) == (401, "client_refused")
    secret = service_secret(bytes(range(32)), "orders")
    assert await refusal(_token(access, "service:redemption", secret)) == (401, "client_refused")


async def test_the_operator_may_do_everything_everywhere(access: Access) -> None:
    claims = _claims(await _token(access, "operator", access.operator_secret))
    assert (claims["sub"], claims["merchant"]) == ("client:operator", "*")
    assert claims["actions"] == sorted(ACTIONS)


async def test_without_its_secret_there_is_no_operator(
    database: NewDatabase, nats_server: Nats
) -> None:
    async with running_access(
        await database("access"), nats_server.url, access_operator_secret=None
    ) as access:
        for secret in ("", "None", access.operator_secret):
            assert await refusal(_token(access, "operator", secret)) == (401, "client_refused")


async def test_what_is_wrong_is_not_told_apart(access: Access) -> None:
    made = await access.as_operator("POST", "/v1/clients", body=await _erp(access))
    for client_id, secret in (
        (made["client_id"], "wrong"),
        ("c-unknown", made["client_secret"]),
        ("operator", "wrong"),
        ("service:orders", "wrong"),
        ("service:", "wrong"),
        ("", ""),
    ):
        assert await refusal(_token(access, client_id, secret)) == (401, "client_refused")


async def test_a_client_of_every_merchant_is_made_by_the_operator_alone(access: Access) -> None:
    body = {"merchant": "*", "name": "warehouse", "actions": ["orders:read"]}
    made = await access.as_operator("POST", "/v1/clients", body=body)
    claims = _claims(await _token(access, made["client_id"], made["client_secret"]))
    assert (claims["merchant"], claims["stores"]) == ("*", None)
    await access.as_operator("POST", f"/v1/clients/{made['client_id']}/revoke")
    asked = _token(access, made["client_id"], made["client_secret"])
    assert await refusal(asked) == (401, "client_refused")


async def test_a_principal_gets_only_so_many_tokens(
    database: NewDatabase, nats_server: Nats
) -> None:
    async with running_access(
        await database("access"), nats_server.url, access_tokens_burst=3, access_tokens_per_minute=1
    ) as access:
        for _ in range(3):
            await _token(access, "operator", access.operator_secret)
        body = {
            "grant_type": "client_credentials",
            "client_id": "operator",
            "client_secret": access.operator_secret,
        }
        async with access.session.post(f"{access.url}/v1/token", json=body) as response:
            assert (response.status, response.headers["Retry-After"]) == (429, "60")
