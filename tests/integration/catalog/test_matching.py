"""Stores are found among the platform's own; what is found is a proposal until access has it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from tests.conftest import NewDatabase
from tests.integration.catalog.platform import Line, open_line
from tests.integration.catalog.support import CatalogUnderTest, running_catalog
from tests.integration.simulator.support import OTHER_POI, POI, simulating
from tests.integration.simulator.support import settings as simulator_settings
from tests.support.access import Access
from tests.support.waiting import eventually


@pytest_asyncio.fixture(loop_scope="session")
async def line(database: NewDatabase, nats_url: str, access: Access) -> AsyncIterator[Line]:
    async with (
        simulating(simulator_settings(await database("simulator"))) as simulator,
        open_line(await database("intake"), nats_url, access, simulator) as line,
    ):
        yield line


def a_store(store_id: str, name: str, **changes: Any) -> dict[str, Any]:
    store = {"store_id": store_id, "name": name, "province": "上海市", "city": "上海市"}
    return {**store, "address": "西藏中路1号", **changes}


async def match(catalog: CatalogUnderTest, line: Line, *stores: dict[str, Any]) -> Any:
    async def known() -> bool:
        statement = "SELECT count(*) FROM merchants WHERE merchant = $1"
        return bool(await catalog.value(statement, line.merchant))

    await eventually(known)
    body = {"merchant": line.merchant, "stores": list(stores)}
    return (await catalog.call("POST", "/v1/poi-matches", body=body))["items"]


async def found(catalog: CatalogUnderTest) -> dict[str, Any]:
    items = (await catalog.call("GET", "/v1/poi-matches"))["items"]
    return {one["store_id"]: one for one in items}


async def ended(catalog: CatalogUnderTest) -> dict[str, Any] | None:
    items = await found(catalog)
    return items if all(one["finished_at"] for one in items.values()) else None


async def test_a_match_is_proposed_when_the_platform_tells_and_confirmed_in_access(
    database: NewDatabase, nats_url: str, access: Access, line: Line
) -> None:
    # It is not polled in the time of this test: the message must have come.
    quick = {**line.settings, "catalog_match_poll_seconds": 3600}
    async with running_catalog(await database("catalog"), nats_url, access, **quick) as catalog:
        first = await match(catalog, line, a_store("s-1", "人民广场店"), a_store("s-2", "别处"))
        again = await match(catalog, line, a_store("s-1", "人民广场店"))
        assert [one["match_id"] for one in again] == [first[0]["match_id"]]

        items = await eventually(lambda: ended(catalog))

        assert items is not None
        assert (items["s-1"]["state"], items["s-1"]["poi_id"]) == ("matched", POI)
        assert (items["s-2"]["state"], items["s-2"]["poi_id"]) == ("unmatched", None)
        assert items["s-1"]["confirmed"] is False
        store = {"merchant": line.merchant, "store_id": "s-1", "name": "人民广场店"}
        await access.as_operator("POST", "/v1/stores", body={**store, "poi_id": OTHER_POI})

        async def other() -> bool:
            return bool((await found(catalog))["s-1"]["current_poi_id"] == OTHER_POI)

        await eventually(other)
        assert (await found(catalog))["s-1"]["confirmed"] is False


async def test_a_match_is_followed_by_asking_while_calls_fail(
    database: NewDatabase, nats_url: str, access: Access, line: Line
) -> None:
    broken = {"error": 300, "dropped_before": 300, "dropped_after": 1000}
    faults = {"webhooks": {"lost": 1000}, "calls": {"poi": broken}}
    await line.simulator.control("PUT", "faults", faults)
    quick = {**line.settings, "catalog_match_poll_seconds": 0.1}
    async with running_catalog(await database("catalog"), nats_url, access, **quick) as catalog:
        await match(catalog, line, a_store("s-1", "人民广场店"))
        items = await eventually(lambda: ended(catalog))
        assert items is not None
        assert (items["s-1"]["state"], items["s-1"]["poi_id"]) == ("matched", POI)


async def test_what_is_asked_wrongly_or_by_others_is_refused(
    catalog: CatalogUnderTest,
) -> None:
    merchant, stranger = await catalog.new_merchant(), await catalog.new_merchant()
    manager = await (await catalog.access.add_staff(stranger, role="manager")).token()
    body = {"merchant": merchant, "stores": [a_store("s-1", "店")]}
    assert (
        await catalog.refusal("POST", "/v1/poi-matches", body=body, token=manager)
    ).status == 403
    wrong: tuple[dict[str, Any], ...] = (
        {"stores": []},
        {"platform": "nowhere"},
        {"stores": [a_store("s-1", "店")] * 2},
        {"stores": [a_store("s-1", "店", latitude=91)]},
    )
    for changes in wrong:
        refused = await catalog.refusal("POST", "/v1/poi-matches", body={**body, **changes})
        assert refused.status == 422
    unknown = await catalog.refusal("POST", "/v1/poi-matches", body={**body, "merchant": "nobody"})
    assert unknown.reason == "merchant_unknown"
