"""Posts webhooks and questions to their receivers; connections are kept open between them."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import aiohttp
import orjson
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from services.simulator.domain.numbers import log_id
from services.simulator.domain.questions import Action, Form, Reply
from services.simulator.domain.trade import IDENTIFY_NAMES
from services.simulator.domain.webhooks import Copy
from shared.clock import utc_now
from shared.platforms.douyin.signatures import (
    LIFE_HEADER,
    WEBHOOK_HEADER,
    sign_bytes,
    sign_ecpay,
    sign_life,
    sign_life_old,
    sign_webhook,
)

_ANSWER_BYTES_MAX = 64 * 1024
_FORGER_SECRET = "guessed"  # noqa: S105 - the secret of somebody who does not know the secret


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, or why nothing did."""

    status: int | None
    body: bytes
    error: str | None


class WebhookPoster:
    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def post(
        self, *, url: str, body: str, msg_id: str, secret: str, copy: Copy = Copy.TRUE
    ) -> Answer:
        """Send once. Whatever goes wrong is an answer too."""
        raw = body.encode()
        headers = {
            "Content-Type": "application/json",
            WEBHOOK_HEADER: sign_webhook(raw, _FORGER_SECRET if copy is Copy.FORGED else secret),
        }
        if msg_id:
            headers["Msg-Id"] = msg_id
        try:
            async with self._session.post(
                url, data=raw, headers=headers, allow_redirects=False
            ) as response:
                return Answer(response.status, await response.content.read(_ANSWER_BYTES_MAX), None)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return Answer(None, b"", type(error).__name__)


@dataclass(frozen=True, slots=True)
class Address:
    """Where an app is asked, and what signs it. `{action}` in the SPI's address is filled in."""

    client_key: str
    client_secret: str
    spi_url: str | None
    trade_url: str | None
    callback_token: str | None


class QuestionPoster:
    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def ask(
        self, to: Address, form: Form, action: Action, body: str, *, key: RSAPrivateKey | None
    ) -> Reply:
        """Ask once. Whatever goes wrong is a reply too; the key signs trade callbacks."""
        if form is Form.TRADE and key is not None:
            url, raw, headers = _trade(to, action, body, key)
        elif form is Form.ECPAY:
            url, raw, headers = _ecpay(to, action, body)
        else:
            url, raw, headers = _spi(to, action, body)
        try:
            async with self._session.post(
                url, data=raw, headers=headers, allow_redirects=False
            ) as response:
                answer = await response.content.read(_ANSWER_BYTES_MAX)
                return Reply(response.status, answer, None)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return Reply(None, b"", type(error).__name__)


Request = tuple[str, bytes, dict[str, str]]


def _spi(to: Address, action: Action, body: str) -> Request:
    raw, now = body.encode(), utc_now()
    parts = urlsplit((to.spi_url or "").replace("{action}", action))
    pairs = [
        *parse_qsl(parts.query, keep_blank_values=True),
        ("client_key", to.client_key),
        ("timestamp", str(int(now.timestamp() * 1000))),
    ]
    pairs.append(("sign", sign_life_old(pairs, raw, to.client_secret)))
    headers = {
        "Content-Type": "application/json",
        LIFE_HEADER: sign_life(pairs, raw, to.client_secret),
        "x-life-clientkey": to.client_key,
        "X-Bytedance-Logid": log_id(now),
    }
    return urlunsplit(parts._replace(query=urlencode(pairs))), raw, headers


def _trade(to: Address, action: Action, body: str, key: RSAPrivateKey) -> Request:
    raw, now = body.encode(), utc_now()
    timestamp, nonce = str(int(now.timestamp())), secrets.token_hex(16)
    headers = {
        "Content-Type": "application/json",
        "Byte-Timestamp": timestamp,
        "Byte-Nonce-Str": nonce,
        "Byte-Signature": sign_bytes(key, timestamp=timestamp, nonce=nonce, raw=raw),
        "Byte-Logid": log_id(now),
        "Byte-Identifyname": IDENTIFY_NAMES[action],
    }
    return to.trade_url or "", raw, headers


def _ecpay(to: Address, action: Action, body: str) -> Request:
    members = {
        "timestamp": str(int(utc_now().timestamp())),
        "nonce": secrets.token_hex(8),
        "msg": body,
        "type": action,
    }
    signed = members | {"msg_signature": sign_ecpay(members, to.callback_token or "")}
    return to.trade_url or "", orjson.dumps(signed), {"Content-Type": "application/json"}


@asynccontextmanager
async def posting(*, timeout_seconds: float, connections: int) -> AsyncIterator[WebhookPoster]:
    async with _session(timeout_seconds, connections) as session:
        yield WebhookPoster(session)


@asynccontextmanager
async def asking(*, timeout_seconds: float, connections: int) -> AsyncIterator[QuestionPoster]:
    async with _session(timeout_seconds, connections) as session:
        yield QuestionPoster(session)


def _session(timeout_seconds: float, connections: int) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(limit=connections, keepalive_timeout=60)
    timeout = aiohttp.ClientTimeout(total=timeout_seconds)
    return aiohttp.ClientSession(connector=connector, timeout=timeout)
