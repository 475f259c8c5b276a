"""The platform of these tests: the simulator, its customers' orders and its moods."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
import asyncpg

from services.simulator.settings import Settings
from tests.integration.intake.support import CLIENT_KEY, SECRET

ACCOUNT = "7113893944009705516"
POI, OTHER_POI = "6601248937917548558", "6601248937917548559"
PRICE_FEN = 8800
SKU = {"title": "双人下午茶套餐", "price_fen": PRICE_FEN}

Json = dict[str, Any]


@dataclass
class Platform:
    """The simulator: its customers' orders, its moods, and what it knows in the end."""

    url: str
    session: aiohttp.ClientSession
    postgres_url: str = ""
    webhook_url: str = ""

    async def control(self, method: str, path: str, body: object = None) -> Json:
        async with self.session.request(method, f"{self.url}/sim/v1/{path}", json=body) as response:
            assert response.status < 300, await response.text()
            answer: Json = await response.json()
            return answer

    async def orders(
        self, number: int, *, coupons: int = 1, sku: Json | None = None, **changes: Any
    ) -> list[Json]:
        order = {"account_id": ACCOUNT, "sku": SKU | (sku or {}), "count": coupons, **changes}
        answer = await self.control("POST", "orders", {"orders": [order] * number})
        placed: list[Json] = answer["orders"]
        return placed

    async def order(self, **changes: Any) -> Json:
        return (await self.orders(1, **changes))[0]

    async def faults(self, **calls: Json) -> None:
        """`verify={"dropped_after": 1000}` and so on; none at all ends them."""
        await self.control("PUT", "faults", {"calls": calls})

    async def add_poi(self, poi_id: str) -> None:
        await introduce_app(self, self.webhook_url, [POI, OTHER_POI, poi_id])

    async def webhooks_late(self, seconds: float) -> None:
        late = {"late": 1000 if seconds else 0, "late_seconds": seconds}
        await self.control("PUT", "faults", {"webhooks": late})

    async def webhooks_lost(self) -> None:
        await self.control("PUT", "faults", {"webhooks": {"lost": 1000}})

    async def coupons(self, order: Json) -> list[str]:
        """The states of an order's coupons as the platform knows them."""
        after = base64.urlsafe_b64encode(json.dumps([str(int(order["order_id"]) - 1)]).encode())
        book = await self.control("GET", f"books?limit=1&cursor={after.decode()}")
        (found,) = book["items"]
        assert found["order_id"] == order["order_id"]
        return [coupon["state"] for coupon in found["coupons"]]

    async def redeem_elsewhere(self, order: Json, *, poi_id: str) -> str:
        """With the platform's own app, say. Gives the verify_id."""
        prepared = await self.call(
            "GET", "prepare/", code=order["coupons"][0]["code"], poi_id=poi_id
        )
        verified = await self.call(
            "POST",
            "verify/",
            {
                "verify_token": prepared["verify_token"],
                "poi_id": poi_id,
                "encrypted_codes": [prepared["certificates"][0]["encrypted_code"]],
            },
        )
        (result,) = verified["verify_results"]
        assert result["result"] == 0
        return str(result["verify_id"])

    async def cancel_elsewhere(self, order: Json, *, verify_id: str) -> None:
        coupon_id = order["coupons"][0]["certificate_id"]
        await self.call("POST", "cancel/", {"verify_id": verify_id, "certificate_id": coupon_id})

    async def call(self, method: str, call: str, body: object = None, **query: str) -> Json:
        app = {"client_key": CLIENT_KEY, "client_secret": SECRET}
        async with self.session.post(
            f"{self.url}/oauth/stable_client_token/",
            json=app | {"grant_type": "client_credential"},
        ) as response:
            token = (await response.json())["data"]["access_token"]
        async with self.session.request(
            method,
            f"{self.url}/goodlife/v1/fulfilment/certificate/{call}",
            json=body,
            params=query,
            headers={"access-token": token},
        ) as response:
            data: Json = (await response.json())["data"]
            assert data["error_code"] == 0, data
            return data

    async def forget_tokens(self, order: Json) -> None:
        """As the platform does with verify tokens after a while."""
        conn = await asyncpg.connect(
            self.postgres_url, server_settings={"search_path": "simulator"}
        )
        try:
            await conn.execute(
                "DELETE FROM preparations WHERE order_id = $1", int(order["order_id"])
            )
        finally:
            await conn.close()


async def introduce_app(platform: Platform, webhook_url: str, pois: Sequence[str]) -> None:
    """Say again who the merchant is and which stores it has."""
    merchant = {
        "account_id": ACCOUNT,
        "name": "一禾堂",
        "pois": [{"poi_id": poi_id} for poi_id in pois],
    }
    await platform.control(
        "POST",
        "apps",
        {
            "client_key": CLIENT_KEY,
            "client_secret": SECRET,
            "webhook_url": webhook_url,
            "merchants": [merchant],
        },
    )


def simulator_settings(postgres_url: str) -> Settings:
    return Settings.model_validate(
        {
            "postgres_url": postgres_url,
            "master_key": "A" * 43 + "=",
            "simulator_port": 0,
            "simulator_webhook_retry_seconds": 0.05,
            "simulator_refund_seconds": 0.1,
            "simulator_prepare_per_second": 10_000,
        }
    )
