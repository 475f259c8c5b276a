"""Catalog between a real intake and the simulator: what is published here is sold there."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from services.intake.service import running as running_intake
from services.intake.settings import Settings as IntakeSettings
from tests.integration.catalog.support import CatalogUnderTest, a_sku
from tests.integration.simulator.support import ACCOUNT, APP, POI, Client
from tests.support.access import Access
from tests.support.waiting import eventually

QUICK: dict[str, Any] = {
    "catalog_sync_seconds": 0.05,
    "catalog_retry_seconds": 0.05,
    "catalog_audit_poll_seconds": 0.2,
    "catalog_read_back_seconds": 3600,
    "catalog_stock_pause_seconds": 0.1,
    "catalog_goods_calls_per_second": 500,
}


@dataclass
class Line:
    """A merchant with a store at the simulator, and the intake that hears of it."""

    merchant: str
    simulator: Client
    intake_url: str

    @property
    def settings(self) -> dict[str, Any]:
        """Of a catalog that pushes to this simulator."""
        return {**QUICK, "intake_url": self.intake_url, "douyin_base_url": self.simulator.url}

    async def book(self, product_id: str) -> Any:
        """The simulator's own book of a product; None if it has none."""
        answer = await self.simulator.control("GET", "goods", limit="1000")
        return next((one for one in answer["items"] if one["out_id"] == product_id), None)

    async def count(self) -> int:
        return len((await self.simulator.control("GET", "goods", limit="1000"))["items"])

    async def sold_as(self, product_id: str, **members: Any) -> Any:
        """What customers see of it, once it is so: `price`, `title`, `status`, `left`."""

        async def look() -> Any:
            book = await self.book(product_id)
            online = book and book["online"]
            if not online:
                return None
            shown = {
                "title": online["product"]["product_name"],
                "price": online["sku"]["actual_amount"],
                "status": online["online_status"],
                "left": online["sku"]["stock"].get("avail_qty"),
            }
            return shown if shown | members == shown else None

        return await eventually(look, what=f"{product_id} sold as {members}")


@asynccontextmanager
async def open_line(
    intake_postgres_url: str, nats_url: str, access: Access, simulator: Client
) -> AsyncIterator[Line]:
    """The webhooks of the simulator reach intake; intake's tokens are the simulator's."""
    settings = IntakeSettings.model_validate(
        {
            "postgres_url": intake_postgres_url,
            "nats_url": nats_url,
            "master_key": access.master_key,
            "access_url": access.url,
            "intake_port": 0,
            "douyin_base_url": simulator.url,
        }
    )
    async with running_intake(settings) as intake_url:
        merchant = f"line-{id(settings)}"
        await access.add_merchant(merchant, account_id=ACCOUNT)
        await access.add_store(merchant, poi_id=POI)
        app = {
            "client_key": APP["client_key"],
            "merchant": merchant,
            "secret": APP["client_secret"],
        }

        async def added() -> bool:
            async with access.session.post(
                f"{intake_url}/v1/apps",
                json=app,
                headers={"Authorization": f"Bearer {await access.operator_token()}"},
            ) as response:
                return response.status in {200, 201}

        await eventually(added, what="the application")
        await simulator.register(f"{intake_url}/webhooks/douyin/{APP['client_key']}")
        await simulator.control("PUT", "pace", {"product_audit_seconds": 0})
        yield Line(merchant, simulator, intake_url)


async def publish(
    catalog: CatalogUnderTest, line: Line, *, stock: int = 100, **changes: Any
) -> Any:
    """A product of the line's merchant, wanted on the shelf, in a category that is there."""

    async def known() -> bool:
        found = await catalog.value(
            "SELECT count(*) FROM merchants WHERE merchant = $1", line.merchant
        )
        stores = await catalog.value("SELECT count(*) FROM stores")
        return bool(found and stores)

    await eventually(known, what="the merchant")
    sku = a_sku(**changes.pop("sku", {}))
    return await catalog.add(sku, merchant=line.merchant, stock=stock, **changes)


async def sync_in(catalog: CatalogUnderTest, product_id: str, state: str, **members: Any) -> Any:
    async def in_state() -> Any:
        answer = await catalog.call("GET", "/v1/sync")
        for one in answer["items"]:
            if one["product_id"] == product_id and one["state"] == state:
                return one if one | members == one else None
        return None

    return await eventually(in_state, what=f"{product_id} {state}")
