"""A platform's hand that asks intake, and owners that are away."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from shared.platforms.douyin.signatures import (
    sign_bytes,
    sign_ecpay,
    sign_life,
    sign_life_old,
)
from tests.integration.intake.support import CLIENT_KEY, SECRET, Answer, IntakeUnderTest

APP_ID = "tt0123456789abcdef"
TOKEN = "a token of older payments"
PLATFORM_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PUBLIC_KEY = (
    PLATFORM_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
)


@dataclass
class Platform:
    """Signs as the platform does, and asks. Every member may be replaced to forge something."""

    intake: IntakeUnderTest
    client_key: str = CLIENT_KEY
    secret: str = SECRET
    app_id: str = APP_ID
    key: rsa.RSAPrivateKey = PLATFORM_KEY
    token: str = TOKEN

    async def ask(
        self,
        action: str,
        content: Any,
        *,
        raw: bytes | None = None,
        old: bool = False,
        timestamp: str | None = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Answer:
        """An SPI. `raw` replaces the body, `headers` and `query` are added to what is signed."""
        body = json.dumps(content, ensure_ascii=False).encode() if raw is None else raw
        pairs = [
            ("client_key", self.client_key),
            ("timestamp", timestamp or str(int(time.time() * 1000))),
            *(query or {}).items(),
        ]
        signed = {} if old else {"x-life-sign": sign_life(pairs, body, self.secret)}
        address = [*pairs, ("sign", sign_life_old(pairs, body, self.secret))]
        return await self.intake.ask(
            "POST",
            f"/spi/douyin/{action}",
            params=address,
            data=body,
            headers={"Content-Type": "application/json", **signed, **(headers or {})},
        )

    async def call_back(
        self,
        kind: str,
        message: Any,
        *,
        version: str = "2.0",
        raw: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """A trade callback. `raw` replaces what was signed."""
        body = json.dumps(
            {"version": version, "msg": json.dumps(message), "type": kind}, separators=(",", ":")
        ).encode()
        timestamp, nonce = str(int(time.time())), "5f1d2c3b"
        signed = {
            "Content-Type": "application/json",
            "Byte-Timestamp": timestamp,
            "Byte-Nonce-Str": nonce,
            "Byte-Signature": sign_bytes(self.key, timestamp=timestamp, nonce=nonce, raw=body),
            **(headers or {}),
        }
        return await self.intake.ask(
            "POST",
            f"/trade/douyin/{self.app_id}",
            data=body if raw is None else raw,
            headers=signed,
        )

    async def call_back_older(self, kind: str, message: Any) -> Answer:
        """A callback of the older guaranteed payments."""
        body = {
            "timestamp": str(int(time.time())),
            "nonce": "42",
            "msg": json.dumps(message),
            "type": kind,
        }
        body["msg_signature"] = sign_ecpay(body, self.token)
        return await self.intake.ask("POST", f"/trade/douyin/{self.app_id}", data=json.dumps(body))


async def add_mini_program(intake: IntakeUnderTest, **more: Any) -> Answer:
    body = {"app_id": APP_ID, "public_key": PUBLIC_KEY, "token": TOKEN, **more}
    return await intake.call("PUT", f"/v1/apps/{CLIENT_KEY}/trade", body)


@dataclass
class Hanging:
    """Takes connections and requests, and never answers."""

    url: str
    asked: int = 0


@asynccontextmanager
async def a_hanging_port() -> AsyncIterator[Hanging]:
    hanging = Hanging("")
    writers: set[asyncio.StreamWriter] = set()

    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.add(writer)
        hanging.asked += 1
        while await reader.read(65536):
            pass
        writer.close()

    server = await asyncio.start_server(swallow, "127.0.0.1", 0)
    hanging.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield hanging
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()


def error_code(answer: Answer) -> int:
    """Of an SPI's answer, whose shape is checked."""
    assert answer.status == 200
    assert list(answer.body) == ["data"]
    code = answer.body["data"]["error_code"]
    assert type(code) is int
    assert 0 <= code <= 999_999
    return code


def err_no(answer: Answer) -> int:
    """Of a callback's acknowledgement, whose shape is checked."""
    assert answer.status == 200
    code = answer.body["err_no"]
    assert type(code) is int
    assert isinstance(answer.body["err_tips"], str)
    return code
