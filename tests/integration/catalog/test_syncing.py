"""What is published is brought to the platform, whatever fails, and what drifts is found."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import pytest_asyncio

from services.catalog.queries import syncs
from shared.clock import utc_now
from shared.ids import new_id
from shared.web.client import call
from tests.conftest import NewDatabase
from tests.integration.catalog.platform import Line, open_line, publish, sync_in
from tests.integration.catalog.support import CatalogUnderTest, running_catalog
from tests.integration.simulator.support import settings as simulator_settings
from tests.integration.simulator.support import simulating
from tests.support.access import Access
from tests.support.waiting import eventually


@pytest_asyncio.fixture(loop_scope="session")
async def line(database: NewDatabase, nats_url: str, access: Access) -> AsyncIterator[Line]:
    async with (
        simulating(simulator_settings(await database("simulator"))) as simulator,
        open_line(await database("intake"), nats_url, access, simulator) as line,
    ):
        await simulator.sign_in()
        yield line


@pytest_asyncio.fixture(loop_scope="session")
async def pushing(
    database: NewDatabase, nats_url: str, access: Access, line: Line
) -> AsyncIterator[CatalogUnderTest]:
    url = await database("catalog")
    async with running_catalog(url, nats_url, access, **line.settings) as catalog:
        yield catalog


async def replace(catalog: CatalogUnderTest, product: Any, **changes: Any) -> Any:
    """The product as it is with these members instead, whatever version it has by now."""
    path = f"/v1/products/{product['product_id']}"
    now = await catalog.call("GET", path)
    kept = (
        "kind",
        "title",
        "code_origin",
        "sale_from",
        "sale_to",
        "per_buyer_max",
        "usage",
        "refund",
        "platform_product_id",
        "skus",
        "version",
    )
    return await catalog.call("PUT", path, body={name: now[name] for name in kept} | changes)


async def test_what_is_published_is_sold_at_the_platform_and_what_is_withdrawn_is_not(
    pushing: CatalogUnderTest, line: Line
) -> None:
    product = await publish(pushing, line, stock=100, title="双人下午茶")
    product_id = product["product_id"]

    await line.sold_as(product_id, title="双人下午茶", price=990, status=1, left=100)
    synced = await sync_in(pushing, product_id, "synced", shelf="on")
    assert synced["reason"] is None
    book = await line.book(product_id)
    shown = await pushing.call("GET", f"/v1/products/{product_id}")
    assert shown["platform_product_id"] == synced["platform_product_id"] == book["product_id"]
    assert shown["skus"][0]["platform_sku_id"] == book["online"]["sku"]["sku_id"]
    assert book["draft"]["product"]["pois"]

    await pushing.set_stock(product["skus"][0]["sku_id"], 40)
    await line.sold_as(product_id, left=40)
    await replace(pushing, product, title="三人下午茶")
    await line.sold_as(product_id, title="三人下午茶", left=40)
    await pushing.call("POST", f"/v1/products/{product_id}/withdraw")
    await line.sold_as(product_id, status=2)
    assert (await pushing.call("GET", f"/v1/products/{product_id}"))["state"] == "off_shelf"
    assert await line.count() == 1


async def test_a_failed_audit_is_shown_with_its_reason_and_passes_after_a_change(
    pushing: CatalogUnderTest, line: Line
) -> None:
    verdict = {"account_id": "7113893944009705516", "out_id": "*", "reason": "图片不清晰"}
    await line.simulator.control("PUT", "goods/verdict", verdict)
    product = await publish(pushing, line)
    product_id = product["product_id"]

    failed = await sync_in(pushing, product_id, "failed", reason="audit_failed")
    assert failed["detail"] == "图片不清晰"
    assert failed["next_at"] is not None
    assert (await pushing.call("GET", f"/v1/products/{product_id}"))["state"] == "rejected"

    await line.simulator.control("PUT", "goods/verdict", verdict | {"reason": None})
    await pushing.call("POST", f"/v1/products/{product_id}/sync", body={"action": "push"})
    await sync_in(pushing, product_id, "synced", reason=None)
    assert (await pushing.call("GET", f"/v1/products/{product_id}"))["state"] == "on_sale"


async def test_drift_is_found_told_and_ended_by_a_person(
    pushing: CatalogUnderTest, line: Line
) -> None:
    product = await publish(pushing, line, title="双人下午茶")
    product_id, sku_id = product["product_id"], product["skus"][0]["sku_id"]
    await sync_in(pushing, product_id, "synced")
    drift = {"account_id": "7113893944009705516", "out_id": product_id, "tell": True}

    await line.simulator.control("POST", "goods/drift", {**drift, "price_fen": 1, "shelf": 2})
    drifted = await sync_in(pushing, product_id, "drifted")
    assert {(one["field"], one["ours"], one["theirs"]) for one in drifted["drift"]} == {
        (f"skus.{sku_id}.price_fen", 990, 1),
        ("shelf", "on", "off"),
    }

    async def told() -> Any:
        return [
            one
            for one in await pushing.heard("qiao.v1.*.product.drifted")
            if one.subject == product_id
        ]

    (event,) = await eventually(told)
    assert len(event.data["differences"]) == 2

    await pushing.call("POST", f"/v1/products/{product_id}/sync", body={"action": "push"})
    await line.sold_as(product_id, price=990, status=1)
    await sync_in(pushing, product_id, "synced")

    await line.simulator.control("POST", "goods/drift", {**drift, "price_fen": 500, "shelf": 1})
    await sync_in(pushing, product_id, "drifted")
    await pushing.call("POST", f"/v1/products/{product_id}/sync", body={"action": "accept"})
    await sync_in(pushing, product_id, "synced")
    accepted = await pushing.call("GET", f"/v1/products/{product_id}")
    assert accepted["skus"][0]["price_fen"] == 500
    await line.sold_as(product_id, price=500)
    refused = await pushing.refusal(
        "POST", f"/v1/products/{product_id}/sync", body={"action": "accept"}
    )
    assert refused.reason == "not_drifted"


async def test_drift_that_nobody_told_of_is_found_by_reading_back(
    database: NewDatabase, nats_url: str, access: Access, line: Line
) -> None:
    quick = {**line.settings, "catalog_read_back_seconds": 0.2}
    async with running_catalog(await database("catalog"), nats_url, access, **quick) as catalog:
        product = await publish(catalog, line)
        await sync_in(catalog, product["product_id"], "synced")
        named = {"account_id": "7113893944009705516", "out_id": product["product_id"]}
        await line.simulator.control("POST", "goods/drift", {**named, "title": "别的"})
        drifted = await sync_in(catalog, product["product_id"], "drifted")
    assert [one["field"] for one in drifted["drift"]] == ["title"]


async def test_stock_of_a_product_of_several_skus_is_pushed_sku_by_sku(
    pushing: CatalogUnderTest, line: Line
) -> None:
    await publish(pushing, line)
    skus = ({"title": "小份", "price_fen": 500}, {"title": "大份", "price_fen": 900})
    product = await pushing.add(*skus, merchant=line.merchant, stock=7, title="两种")
    await sync_in(pushing, product["product_id"], "synced", shelf="on")
    small, large = (sku["sku_id"] for sku in product["skus"])

    await pushing.set_stock(large, 3)

    async def left() -> bool:
        book = await line.book(product["product_id"])
        stocks = {sku["out_sku_id"]: sku["stock"]["avail_qty"] for sku in book["online"]["skus"]}
        return bool(stocks == {small: 7, large: 3})

    await eventually(left)
    shown = await pushing.call("GET", f"/v1/products/{product['product_id']}")
    assert all(sku["platform_sku_id"] for sku in shown["skus"])


async def test_a_merchant_with_much_to_push_does_not_hold_up_another(
    database: NewDatabase, nats_url: str, access: Access
) -> None:
    async with running_catalog(
        await database("catalog"), nats_url, access, catalog_sync_seconds=3600
    ) as catalog:
        first = await catalog.add()
        for _ in range(12):
            await catalog.add(merchant=first["merchant"])
        other = await catalog.add()
        settings = {"role": "qiao_catalog", "search_path": "catalog"}
        conn = await asyncpg.connect(catalog.postgres_url, server_settings=settings)
        try:
            await syncs.enrol(conn)
            now = utc_now() + timedelta(seconds=1)
            taken = [
                await syncs.take_due(
                    conn, now=now, lease=new_id(), until=now + timedelta(minutes=1), limit=4
                )
                for _ in range(4)
            ]
        finally:
            await conn.close()
    assert other["product_id"] in taken[0]
    flat = [product_id for some in taken for product_id in some]
    assert len(set(flat)) == len(flat) == 14


async def test_a_ban_is_heard_and_shown(pushing: CatalogUnderTest, line: Line) -> None:
    product = await publish(pushing, line)
    product_id = product["product_id"]
    await sync_in(pushing, product_id, "synced")
    named = {"account_id": "7113893944009705516", "out_id": product_id}
    await line.simulator.control("POST", "goods/ban", named)
    await sync_in(pushing, product_id, "failed", reason="banned")
    assert (await pushing.call("GET", f"/v1/products/{product_id}"))["state"] == "banned"


async def test_pushes_go_on_while_calls_fail_and_lose_their_answers(
    pushing: CatalogUnderTest, line: Line
) -> None:
    broken = {"error": 300, "dropped_before": 300, "dropped_after": 1000}
    await line.simulator.control(
        "PUT", "faults", {"seed": 3, "calls": {"goods_write": broken, "goods_read": broken}}
    )
    products = [await publish(pushing, line, title=f"下午茶 {number}") for number in range(4)]
    for product in products:
        await sync_in(pushing, product["product_id"], "synced", shelf="on")
        await line.sold_as(product["product_id"], title=product["title"], left=100)
    assert await line.count() == len(products)


async def test_what_cannot_be_pushed_now_is_pushed_when_the_platform_is_back(
    database: NewDatabase, nats_url: str, access: Access, line: Line
) -> None:
    postgres_url = await database("catalog")
    away = {**line.settings, "douyin_base_url": "http://127.0.0.1:1"}
    async with running_catalog(postgres_url, nats_url, access, **away) as catalog:
        product = await publish(catalog, line)
        failed = await sync_in(
            catalog, product["product_id"], "failed", reason="platform_unreachable"
        )
        assert failed["attempts"] >= 1
    async with running_catalog(postgres_url, nats_url, access, **line.settings) as catalog:
        await catalog.call("POST", f"/v1/products/{product['product_id']}/sync")
        await sync_in(catalog, product["product_id"], "synced", reason=None)
    await line.sold_as(product["product_id"], status=1)


async def test_a_process_that_dies_between_a_push_and_its_record_pushes_nothing_twice(
    database: NewDatabase, nats_url: str, access: Access, line: Line
) -> None:
    postgres_url = await database("catalog")
    slow = {"slow": 1000, "slow_seconds": 2}
    short = {**line.settings, "catalog_sync_lease_seconds": 1}
    async with running_catalog(postgres_url, nats_url, access, **short) as catalog:
        # The platform takes it in after whoever sent it is gone.
        await line.simulator.control("PUT", "faults", {"calls": {"goods_write": slow}})
        product = await publish(catalog, line)

        async def saved() -> bool:
            noted = await catalog.value("SELECT pushing IS NOT NULL FROM syncs")
            return bool(noted)

        await eventually(saved)
    await catalog_is_gone(catalog)
    assert await catalog.value("SELECT pushing FROM syncs") == "content"
    await eventually(lambda: line.book(product["product_id"]))
    await line.simulator.control("PUT", "faults", {"preset": "none"})
    async with running_catalog(postgres_url, nats_url, access, **short) as catalog:
        await sync_in(catalog, product["product_id"], "synced")
    assert await line.count() == 1
    stats = await line.simulator.control("GET", "stats")
    assert sum(stats["calls"]["goods_write"].values()) == 1


async def catalog_is_gone(catalog: CatalogUnderTest) -> None:
    async def away() -> bool:
        try:
            await call(catalog.session, "GET", f"{catalog.url}/healthz")
        except Exception:  # noqa: BLE001 - however it is gone
            return True
        return False

    await asyncio.wait_for(eventually(away), 30)


async def test_the_list_of_syncs_is_the_merchants_own(
    pushing: CatalogUnderTest, line: Line
) -> None:
    product = await publish(pushing, line)
    await sync_in(pushing, product["product_id"], "synced")
    assert (await pushing.call("GET", "/v1/sync", state="drifted"))["items"] == []
    stranger = await pushing.access.new_merchant()
    manager = await (await pushing.access.add_staff(stranger, role="manager")).token()
    assert (await pushing.call("GET", "/v1/sync", token=manager))["items"] == []
    path = f"/v1/products/{product['product_id']}"
    for method, at in (("GET", "sync"), ("POST", "sync"), ("GET", "listing"), ("PUT", "listing")):
        body: dict[str, Any] | None = None if method == "GET" else {}
        refused = await pushing.refusal(method, f"{path}/{at}", body=body, token=manager)
        assert refused.status == 404
    listing = {"category_id": "1002001", "attributes": {"rec_person_num": "2"}}
    await pushing.call("PUT", f"{path}/listing", body=listing)

    async def shown() -> Any:
        book = await line.book(product["product_id"])
        return book["online"]["product"].get("category_id") == 1002001

    await eventually(shown)
