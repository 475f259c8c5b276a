"""An app of the platform, played by hand: it receives webhooks, and calls as a client would."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web
from yarl import URL

from services.simulator.service import running
from services.simulator.settings import Settings
from shared.platforms.douyin.signatures import WEBHOOK_HEADER, verify_webhook
from shared.web.server import serving

APP = {"client_key": "awtest", "client_secret": "a secret of 32 characters or so!"}
ACCOUNT = "7113893944009705516"
POI = "6601248937917548558"
OTHER_POI = "6601248937917548559"
PRICE_FEN = 8_800
SKU = {"title": "双人下午茶套餐", "price_fen": PRICE_FEN}
CERTIFICATE = "/goodlife/v1/fulfilment/certificate"

Json = dict[str, Any]


@dataclass(frozen=True)
class Received:
    msg_id: str
    body: Json
    genuine: bool

    @property
    def content(self) -> Json:
        content = self.body["content"]
        parsed: Json = json.loads(content) if isinstance(content, str) else content
        return parsed


@dataclass
class Receiver:
    """Keeps what arrives; answers as told, 200 to what is genuine and 401 to what is not."""

    url: str = ""
    received: list[Received] = field(default_factory=list)
    # What the next deliveries are answered with; 200 when there is none left.
    answers: list[int] = field(default_factory=list)
    # While this is not set deliveries are taken and not answered.
    answering: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, request: web.Request) -> web.Response:
        raw = await request.read()
        genuine = verify_webhook(request.headers.get(WEBHOOK_HEADER), raw, [APP["client_secret"]])
        body = json.loads(raw)
        if body["event"] == "verify_webhook":
            return web.json_response({"challenge": body["content"]["challenge"]})
        self.received.append(Received(request.headers["Msg-Id"], body, genuine))
        await self.answering.wait()
        if not genuine:
            return web.Response(status=401)
        return web.Response(status=self.answers.pop(0) if self.answers else 200)

    def actions(self) -> list[str]:
        return [one.content["action"] for one in self.received]


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    receiver.answering.set()
    app = web.Application()
    app.router.add_post("/webhooks", receiver.handle)
    async with serving(app, host="127.0.0.1", port=0) as url:
        receiver.url = f"{url}/webhooks"
        yield receiver


def settings(postgres_url: str, **changes: Any) -> Settings:
    """Any: whatever the setting takes."""
    quick: dict[str, Any] = {
        "postgres_url": postgres_url,
        "master_key": base64.b64encode(bytes(32)).decode(),
        "simulator_port": 0,
        "simulator_webhook_retry_seconds": 0.05,
        "simulator_refund_seconds": 0.1,
        "simulator_prepare_per_second": 10_000,
        "simulator_order_query_per_second": 1_000,
    }
    return Settings(**quick | changes)


@dataclass
class Client:
    """Speaks with the simulator as an app does, and as its operator does."""

    url: str
    session: aiohttp.ClientSession
    token: str = ""

    async def control(self, method: str, path: str, body: object = None, **query: str) -> Json:
        async with self.session.request(
            method, f"{self.url}/sim/v1/{path}", json=body, params=query
        ) as response:
            answer: Json = await response.json()
            return answer | {"status": response.status} if response.status >= 400 else answer

    async def call(
        self, method: str, path: str, body: object = None, token: str | None = None, **query: str
    ) -> Json:
        """The whole envelope; the platform answers 200 whatever it has to say."""
        headers = {"access-token": self.token if token is None else token}
        async with self.session.request(
            method, self.url + path, json=body, params=query, headers=headers
        ) as response:
            assert response.status == 200
            answer: Json = await response.json()
            return answer

    async def data(self, method: str, path: str, body: object = None, **query: str) -> Json:
        answer = await self.call(method, path, body, **query)
        data: Json = answer["data"]
        return data

    async def sign_in(self) -> str:
        body = {**APP, "grant_type": "client_credential"}
        answer = await self.data("POST", "/oauth/client_token/", body)
        self.token = answer["access_token"]
        return self.token

    async def register(self, webhook_url: str | None, **changes: object) -> Json:
        merchant = {
            "account_id": ACCOUNT,
            "name": "一禾堂",
            "pois": [{"poi_id": POI, "name": "人民广场店"}, {"poi_id": OTHER_POI}],
        }
        body = {**APP, "webhook_url": webhook_url, "merchants": [merchant], **changes}
        return await self.control("POST", "apps", body)

    async def order(self, **changes: object) -> Json:
        body = {"orders": [{"account_id": ACCOUNT, "sku": SKU, **changes}]}
        answer = await self.control("POST", "orders", body)
        order: Json = answer["orders"][0]
        return order

    async def scan(self, coupon: Mapping[str, str]) -> str:
        """Follow the short link by hand, as the terminal does."""
        async with self.session.get(coupon["short_link"], allow_redirects=False) as response:
            return URL(response.headers["Location"]).query["object_id"]

    async def prepare(self, coupon: Mapping[str, str], poi_id: str = POI) -> Json:
        return await self.data(
            "GET", f"{CERTIFICATE}/prepare/", encrypted_data=await self.scan(coupon), poi_id=poi_id
        )

    async def verify(self, prepared: Json, *places: int, poi_id: str = POI) -> Json:
        certificates = prepared["certificates"]
        chosen = [certificates[place] for place in places] if places else certificates
        body = {
            "verify_token": prepared["verify_token"],
            "poi_id": poi_id,
            "encrypted_codes": [one["encrypted_code"] for one in chosen],
        }
        return await self.data("POST", f"{CERTIFICATE}/verify/", body)

    async def redeem(self, coupon: Mapping[str, str]) -> Json:
        """Prepare and verify; returns the coupon's result."""
        prepared = await self.prepare(coupon)
        place = [one["certificate_id"] for one in prepared["certificates"]].index(
            coupon["certificate_id"]
        )
        answer = await self.verify(prepared, place)
        result: Json = answer["verify_results"][0]
        return result

    async def idle(self) -> bool:
        return bool((await self.control("GET", "idle"))["idle"])


@asynccontextmanager
async def simulating(settings: Settings) -> AsyncIterator[Client]:
    async with running(settings) as url, aiohttp.ClientSession() as session:
        yield Client(url, session)
