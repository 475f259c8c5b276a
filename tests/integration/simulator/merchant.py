"""A merchant with codes of his own, played by hand: he answers the platform's questions."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from shared.platforms.douyin.signatures import (
    LIFE_HEADER,
    load_public_key,
    verify_bytes,
    verify_life,
    verify_life_old,
)
from shared.web.server import serving
from tests.integration.simulator.support import APP, SKU, Client, Json

SECRET = APP["client_secret"]
OWN_SKU = SKU | {"code_origin": "merchant", "third_sku_id": "tea-for-two"}
PRE_CREATE = "trade.order.pre_create_order"
ISSUE_CODES = "fulfilment.order.tripartite_code"
REFUND_APPLY = "fulfilment.order.refund_apply"
REFUND_NOTICE = "fulfilment.order.refund_notice"
ORDER_STATUS = "fulfilment.order.query"
SUCCESS = {"err_no": 0, "err_tips": "success"}

# What is answered: the data of an SPI, or None for a status 500.
Answer = Callable[[Json], Json | None]


@dataclass(frozen=True)
class Asked:
    action: str
    body: Json
    genuine: bool
    headers: dict[str, str]
    raw: bytes

    @property
    def msg(self) -> Json:
        parsed: Json = json.loads(self.body["msg"])
        return parsed


def issues(body: Json) -> Json:
    """One code for each coupon, each with a name of the merchant's own."""
    numbers = range(body["count"])
    certificates = [
        {
            "certificate_id": f"own-{body['order_id']}-{number}",
            "code": f"C{body['order_id']}{number}",
        }
        for number in numbers
    ]
    return {"result": 1, "certificates": certificates}


def _noted(_: Json) -> Json:
    return {}


@dataclass
class Merchant:
    spi_url: str = ""
    trade_url: str = ""
    public_key: str = ""
    asked: list[Asked] = field(default_factory=list)
    answers: dict[str, Answer] = field(
        default_factory=lambda: {
            PRE_CREATE: lambda body: {"ext_order_id": f"ours-{body['order_id']}"},
            ISSUE_CODES: issues,
            REFUND_APPLY: lambda _: {"result": 1},
        }
    )

    async def answer_spi(self, request: web.Request) -> web.Response:
        raw = await request.read()
        pairs = [*request.query.items()]
        genuine = verify_life(request.headers.get(LIFE_HEADER), pairs, raw, [SECRET])
        genuine &= verify_life_old(request.query.get("sign"), pairs, raw, [SECRET])
        genuine &= request.query["client_key"] == request.headers["x-life-clientkey"]
        action = request.match_info["action"]
        body = json.loads(raw)
        self.asked.append(Asked(action, body, genuine, dict(request.headers), raw))
        data = self.answers.get(action, _noted)(body)
        if data is None:
            return web.Response(status=500)
        return web.json_response({"data": {"error_code": 0, "description": "success"} | data})

    async def answer_trade(self, request: web.Request) -> web.Response:
        raw = await request.read()
        headers = request.headers
        genuine = "Byte-Signature" in headers and verify_bytes(
            headers["Byte-Signature"],
            timestamp=headers["Byte-Timestamp"],
            nonce=headers["Byte-Nonce-Str"],
            raw=raw,
            keys=[load_public_key(self.public_key)],
        )
        body = json.loads(raw)
        self.asked.append(Asked(body["type"], body, genuine, dict(headers), raw))
        answer = self.answers.get(body["type"], _noted)(json.loads(body["msg"]))
        if answer is None:
            return web.Response(status=500)
        return web.json_response(SUCCESS | answer)

    def of(self, action: str) -> list[Json]:
        return [one.body for one in self.asked if one.action == action]

    def msgs(self, action: str) -> list[Json]:
        return [one.msg for one in self.asked if one.action == action]

    async def register(self, simulator: Client, webhook_url: str | None, **changes: Any) -> None:
        """Any: whatever the registration takes."""
        self.public_key = (await simulator.control("GET", "platform-key"))["public_key"]
        urls = {"spi_url": self.spi_url, "trade_url": self.trade_url}
        await simulator.register(webhook_url, **(urls | changes))


@asynccontextmanager
async def selling() -> AsyncIterator[Merchant]:
    merchant = Merchant()
    app = web.Application()
    app.router.add_post("/spi/{action}", merchant.answer_spi)
    app.router.add_post("/trade", merchant.answer_trade)
    async with serving(app, host="127.0.0.1", port=0) as url:
        merchant.spi_url, merchant.trade_url = f"{url}/spi/{{action}}", f"{url}/trade"
        yield merchant


async def quick(simulator: Client, **changes: object) -> None:
    """Nothing waits longer than a test would."""
    await simulator.control("PUT", "pace", {"retry_scale": 0.001, "refund_seconds": 0} | changes)


async def book_of(simulator: Client, order_id: str) -> Json:
    books = await simulator.control("GET", "books", limit="1000")
    found: Json = next(one for one in books["items"] if one["order_id"] == order_id)
    return found
