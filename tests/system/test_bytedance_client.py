"""PyPI's `bytedance`, which knows nothing of us, takes the simulator for the platform.

Its verifiers accept what the simulator signs, and turn away what was altered; its client spends
coupons by the signed older paths and by those with a token.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import requests
from aiohttp import web
from bytedance import ByteDance, ByteDanceError, security
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from shared.web.server import serving
from tests.conftest import NewDatabase
from tests.integration.simulator.merchant import Merchant, selling
from tests.integration.simulator.support import APP, Client, Json, settings, simulating
from tests.support.waiting import until

TOKEN = "the token of the older callbacks"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PRIVATE_KEY = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
PUBLIC_KEY = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
PLATFORMS = ("https://open.douyin.com", "https://developer.toutiao.com")

Sent = list[tuple[bytes, dict[str, str]]]


@pytest_asyncio.fixture(loop_scope="session")
async def merchant() -> AsyncIterator[Merchant]:
    async with selling() as playing:
        yield playing


@pytest_asyncio.fixture(loop_scope="session")
async def webhooks() -> AsyncIterator[tuple[str, Sent]]:
    """An address, and what arrives there as it came."""
    sent: Sent = []

    async def keep(request: web.Request) -> web.Response:
        raw = await request.read()
        sent.append((raw, dict(request.headers)))
        body = json.loads(raw)
        return web.json_response(body["content"] if body["event"] == "verify_webhook" else {})

    app = web.Application()
    app.router.add_post("/webhooks", keep)
    async with serving(app, host="127.0.0.1", port=0) as url:
        yield f"{url}/webhooks", sent


@pytest_asyncio.fixture(loop_scope="session")
async def simulator(
    database: NewDatabase, merchant: Merchant, webhooks: tuple[str, Sent]
) -> AsyncIterator[Client]:
    async with simulating(settings(await database("simulator"))) as client:
        changes = {"public_key": PUBLIC_KEY.decode(), "callback_token": TOKEN}
        await merchant.register(client, webhooks[0], **changes)
        yield client


@pytest.fixture
def theirs(simulator: Client, merchant: Merchant, tmp_path: Path) -> ByteDance:
    """Their client, sent to the simulator; a proxy of this machine does not know the way."""
    session = requests.Session()
    session.trust_env = False
    return ByteDance(
        app_id=APP["client_key"],
        app_secret=APP["client_secret"],
        session=session,
        access_token_type="file",
        ac_path=tmp_path / "token",
        api_domains=dict.fromkeys(PLATFORMS, simulator.url),
        private_key=PRIVATE_KEY,
        platform_public_key=merchant.public_key,
        callback_token=TOKEN,
    )


async def ask(call: Callable[..., Any], body: Json) -> Json:
    """Their calls block. Any: they are untyped."""
    answer: Json = await asyncio.to_thread(call, body=body)
    return answer


def verify_body(prepared: Json) -> Json:
    certificates = [
        {"certificate_id": one["certificate_id"], "encrypted_code": one["encrypted_code"]}
        for one in prepared["certificates"]
    ]
    return {
        "verify_token": prepared["verify_token"],
        "order_id": prepared["order_id"],
        "poi_info": "{}",
        "certificates": certificates,
    }


async def test_their_verifier_accepts_webhooks(
    simulator: Client, webhooks: tuple[str, Sent]
) -> None:
    await simulator.order()

    await until(lambda: len(webhooks[1]) == 2)
    for raw, headers in webhooks[1]:
        assert security.verify_webhook(raw, headers, APP["client_secret"])
        with pytest.raises(ByteDanceError):
            security.verify_webhook(raw + b" ", headers, APP["client_secret"])


@pytest.mark.parametrize("channel", ["v3", "v2", "v1"])
async def test_their_verifier_accepts_trade_callbacks(
    simulator: Client, merchant: Merchant, theirs: ByteDance, channel: str
) -> None:
    await simulator.order(channel=channel)

    await until(lambda: len(merchant.msgs("payment")) == 1)
    told = next(one for one in merchant.asked if one.action == "payment")
    assert security.verify_platform(told.raw, told.headers, merchant.public_key)
    parsed = theirs.callbacks.parse(told.raw, told.headers)
    assert parsed["parsed_msg"]["status"] == "SUCCESS"
    with pytest.raises(ByteDanceError):
        security.verify_platform(told.raw + b" ", told.headers, merchant.public_key)


async def test_their_verifier_accepts_the_older_callbacks(
    simulator: Client, merchant: Merchant, theirs: ByteDance
) -> None:
    await simulator.order(channel="ecpay")

    await until(lambda: len(merchant.msgs("payment")) == 1)
    told = merchant.asked[0]
    assert security.verify_ecpay(told.body, TOKEN)
    assert theirs.callbacks.parse(told.raw, protocol="ecpay")["parsed_msg"]["status"] == "SUCCESS"
    with pytest.raises(ByteDanceError):
        security.verify_ecpay(told.body | {"nonce": "altered"}, TOKEN)


async def test_their_client_spends_coupons_by_the_signed_paths(
    simulator: Client, theirs: ByteDance
) -> None:
    """It checks the signature of each answer too."""
    order = await simulator.order(channel="v1", count=2)
    calls = theirs.payment.trade_system.trading.write_off.douyin_code
    encrypted = await simulator.scan(order["coupons"][0])

    prepared = await ask(calls.delivery_preparation, {"encrypted_data": encrypted})
    verified = await ask(calls.delivery_verify, verify_body(prepared["data"]))
    with pytest.raises(ByteDanceError) as refused:
        await ask(calls.delivery_preparation, {"encrypted_data": encrypted})

    results = verified["data"]["verify_results"]
    assert [one["result_code"] for one in results] == [0, 0]
    assert int(refused.value.code) == 1208


async def test_their_client_spends_coupons_by_the_paths_with_a_token(
    simulator: Client, theirs: ByteDance
) -> None:
    order = await simulator.order(channel="v2")
    system = theirs.locallife.general_ability.self_operated_trading
    typed = {"code": order["coupons"][0]["code"], "encrypted_data": ""}

    prepared = await ask(system.write_off.douyin_code.delivery_preparation, typed)
    verified = await ask(
        system.write_off.douyin_code.delivery_verify, verify_body(prepared["data"])
    )
    shown = await ask(system.query_info.query_order, {"order_id": order["order_id"]})

    assert verified["data"]["verify_results"][0]["result_code"] == 0
    assert shown["data"]["order_status"] == "SUCCESS"


async def test_their_client_asks_the_general_trading_system(
    simulator: Client, theirs: ByteDance
) -> None:
    order = await simulator.order(channel="v3")
    general = theirs.payment.trade_system.general
    body = {"order_id": order["order_id"]}

    shown = await ask(general.order.query_order, body)
    await ask(general.trade_fulfill.push_fulfill_status, body | {"to_status": "fulfilled"})
    settled = await ask(general.trade_settle.settle_create, body | {"out_settle_no": "S1"})

    assert shown["data"]["pay_status"] == "SUCCESS"
    assert settled["data"]["settle_id"]


async def test_their_client_gets_a_token_of_the_mini_program(
    simulator: Client, theirs: ByteDance
) -> None:
    token = await asyncio.to_thread(lambda: theirs.access_token)

    assert token.startswith("clt.")
