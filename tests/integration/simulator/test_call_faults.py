"""Calls that fail on request: before the effect, after it, slowly, with a gateway's error."""

from typing import Any

import aiohttp
import pytest

from tests.integration.simulator.support import CERTIFICATE, POI, Client, Json, Receiver
from tests.support.waiting import eventually, until


async def switch(simulator: Client, call: str, **switches: Any) -> None:
    """Any: whatever the switch takes."""
    await simulator.control("PUT", "faults", {"seed": 3, "calls": {call: switches}})


async def state_of(simulator: Client) -> str:
    books = await simulator.control("GET", "books")
    return str(books["items"][0]["coupons"][0]["state"])


async def prepared_order(simulator: Client) -> Json:
    order = await simulator.order()
    return await simulator.prepare(order["coupons"][0])


async def test_a_connection_dropped_before_the_effect_leaves_the_coupon(
    simulator: Client,
) -> None:
    prepared = await prepared_order(simulator)
    await switch(simulator, "verify", dropped_before=1000)

    with pytest.raises(aiohttp.ClientError):
        await simulator.verify(prepared)

    assert await state_of(simulator) == "available"
    # Who asks the same again gets through.
    assert (await simulator.verify(prepared))["verify_results"][0]["result"] == 0


async def test_a_connection_dropped_after_the_effect_has_spent_the_coupon(
    simulator: Client, receiver: Receiver
) -> None:
    prepared = await prepared_order(simulator)
    await switch(simulator, "verify", dropped_after=1000)

    with pytest.raises(aiohttp.ClientError):
        await simulator.verify(prepared)

    assert await state_of(simulator) == "redeemed"
    await until(lambda: receiver.actions() == ["pay_success", "verify"])
    again = await simulator.verify(prepared)
    assert again["verify_results"][0]["result"] == 0
    records = await simulator.control("GET", "stats")
    assert records["verifications"] == {"made": 1, "cancelled": 0}
    assert records["faults_injected"] == {"verify:dropped_after": 1}


async def test_a_gateways_error_is_no_envelope(simulator: Client) -> None:
    order = await simulator.order()
    await switch(simulator, "*", error=1000)
    query = {"code": order["coupons"][0]["code"], "poi_id": POI}
    headers = {"access-token": simulator.token}

    async def ask() -> int:
        url = f"{simulator.url}{CERTIFICATE}/prepare/"
        async with simulator.session.get(url, params=query, headers=headers) as response:
            return response.status

    assert [await ask(), await ask()] == [502, 200]


async def test_a_slow_call_has_its_effect_though_nobody_waits(simulator: Client) -> None:
    prepared = await prepared_order(simulator)
    await switch(simulator, "verify", slow=1000, slow_seconds=0.5)
    impatient = aiohttp.ClientTimeout(total=0.2)

    async with aiohttp.ClientSession(timeout=impatient) as session:
        with pytest.raises(TimeoutError):
            await Client(simulator.url, session, simulator.token).verify(prepared)

    async def is_redeemed() -> bool:
        return await state_of(simulator) == "redeemed"

    await eventually(is_redeemed)
    assert (await simulator.verify(prepared))["verify_results"][0]["result"] == 0


async def test_a_short_link_can_fail_too(simulator: Client) -> None:
    order = await simulator.order()
    await switch(simulator, "short_link", error=1000)

    async def ask() -> int:
        link = order["coupons"][0]["short_link"]
        async with simulator.session.get(link, allow_redirects=False) as response:
            return response.status

    assert [await ask(), await ask()] == [502, 302]


async def test_without_faults_nothing_is_written_about_them(simulator: Client) -> None:
    await simulator.control("PUT", "faults", {"preset": "none"})
    prepared = await prepared_order(simulator)
    await simulator.verify(prepared)

    stats = await simulator.control("GET", "stats")
    assert stats["faults_injected"] == {}
    assert stats["calls"]["verify"] == {"0": 1}
