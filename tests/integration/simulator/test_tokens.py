"""Tokens: how long they live, who gets none."""

from datetime import timedelta

import asyncpg

from shared.clock import utc_now
from tests.conftest import NewDatabase
from tests.integration.simulator.support import (
    ACCOUNT,
    APP,
    CERTIFICATE,
    Client,
    settings,
    simulating,
)

CREDENTIALS = {**APP, "grant_type": "client_credential"}
QUERY = {"path": f"{CERTIFICATE}/verify_record/query/", "account_id": ACCOUNT}


async def fetch(simulator: Client, path: str = "/oauth/client_token/", **changes: str) -> str:
    answer = await simulator.data("POST", path, CREDENTIALS | changes)
    return str(answer.get("access_token", answer["error_code"]))


async def code_with(simulator: Client, token: str) -> int:
    answer = await simulator.call("GET", token=token, **QUERY)
    assert answer["data"]["error_code"] == answer["extra"]["error_code"]
    return int(answer["data"]["error_code"])


async def test_a_token_is_answered_as_documented(simulator: Client) -> None:
    answer = await simulator.call("POST", "/oauth/client_token", CREDENTIALS)

    assert answer["message"] == "success"
    assert answer["data"]["expires_in"] == 7200
    assert answer["data"]["access_token"].startswith("clt.")


async def test_the_latest_two_tokens_are_valid(simulator: Client) -> None:
    first, second, third = [await fetch(simulator) for _ in range(3)]

    assert await code_with(simulator, first) == 2190008
    assert await code_with(simulator, second) == 0
    assert await code_with(simulator, third) == 0


async def test_a_superseded_token_ends_after_the_overlap(database: NewDatabase) -> None:
    quick = settings(await database("simulator"), simulator_token_overlap_seconds=0)
    async with simulating(quick) as simulator:
        await simulator.register(None)
        first, second = [await fetch(simulator) for _ in range(2)]

        assert await code_with(simulator, first) == 2190008
        assert await code_with(simulator, second) == 0


async def test_a_token_expires(database: NewDatabase) -> None:
    url = await database("simulator")
    async with simulating(settings(url)) as simulator:
        await simulator.register(None)
        token = await fetch(simulator)
        conn = await asyncpg.connect(url)
        await conn.execute(
            "UPDATE simulator.client_tokens SET expires_at = $1", utc_now() - timedelta(seconds=1)
        )
        await conn.close()

        assert await code_with(simulator, token) == 2190008


async def test_the_stable_token_is_the_newest_while_it_is_valid(simulator: Client) -> None:
    newest = await fetch(simulator)

    assert await fetch(simulator, "/oauth/stable_client_token/") == newest
    assert await fetch(simulator, "/oauth/stable_client_token") == newest


async def test_an_unknown_token_is_turned_away(simulator: Client) -> None:
    assert await code_with(simulator, "clt.unknown") == 2190002
    assert await code_with(simulator, "") == 2190002


async def test_wrong_credentials_are_named(simulator: Client) -> None:
    assert await fetch(simulator, client_key="nobody") == "10003"
    assert await fetch(simulator, client_secret="wrong") == "10013"
    assert await fetch(simulator, grant_type="password") == "10002"
    answer = await simulator.call("POST", "/oauth/client_token/", {"client_key": 1})
    assert (answer["data"]["error_code"], answer["message"]) == (10002, "error")


async def test_too_many_tokens_are_refused(database: NewDatabase) -> None:
    few = settings(await database("simulator"), simulator_token_fetches_max=3)
    async with simulating(few) as simulator:
        await simulator.register(None)
        fetched = [await fetch(simulator) for _ in range(4)]

        assert fetched[-1] == "10020"
        # A token that is there is no new one.
        assert await fetch(simulator, "/oauth/stable_client_token/") == fetched[2]
