"""Around the mini-programs' calls: their three envelopes, and who may call."""

import re
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any

import orjson
from aiohttp import web

from services.simulator.domain import shapes
from services.simulator.domain.codes import WORDS, Code, PlatformError
from services.simulator.domain.faults import CallKind
from services.simulator.domain.numbers import log_id
from services.simulator.handlers.apps import authorise
from services.simulator.handlers.platform_key import platform_key
from services.simulator.handlers.world import World
from services.simulator.http.calling import guarded
from services.simulator.http.keys import Edge
from services.simulator.queries.apps import find_public_key
from shared.clock import utc_now
from shared.platforms.douyin.signatures import (
    load_public_key,
    sign_bytes,
    verify_byte_authorization,
)
from shared.web.body import json_response
from shared.web.routes import Route

_SIGNED_SECONDS_MAX = 3600
_UNSIGNED = "验签失败"
_SECONDS = re.compile(r"[0-9]{1,12}", re.ASCII)
_MEMBER = re.compile(r'(appid|timestamp)="?([^",]+)"?')


class Style(StrEnum):
    # As the life services: data and extra, by access-token.
    LIFE = "life"
    # The general trading system: err_no, err_msg, log_id, by access-token.
    BASIC = "basic"
    # The older paths: err_no, err_tips, signed by the caller, and the answer by the platform.
    SIGNED = "signed"


@dataclass(frozen=True, slots=True)
class TradeCall:
    edge: Edge
    client_key: str
    raw: bytes
    style: Style

    @property
    def world(self) -> World:
        return self.edge.world


# A list where the documentation shows one.
TradeHandle = Callable[[TradeCall], Awaitable[dict[str, Any] | list[dict[str, Any]]]]


def trade_routes(
    kind: CallKind, path: str, handle: TradeHandle, style: Style
) -> tuple[Route, Route]:
    """Each path with and without its last slash."""
    edge = guarded(kind, partial(_answer, kind, handle, style))
    bare = path.rstrip("/")
    return Route("POST", f"{bare}/", edge, quiet=True), Route("POST", bare, edge, quiet=True)


async def _answer(
    kind: CallKind,
    handle: TradeHandle,
    style: Style,
    request: web.Request,
    edge: Edge,
    raw: bytes,
) -> web.Response:
    code, description = Code.OK, "success"
    data: dict[str, Any] | list[dict[str, Any]]
    try:
        client_key = await _caller(request, edge.world, raw, style)
        data = await handle(TradeCall(edge, client_key, raw, style))
    except PlatformError as error:
        data, code, description = {}, error.code, error.description
    edge.world.count_call(kind, code)
    body = _envelope(style, data, code, description)
    if style is not Style.SIGNED:
        return json_response(body)
    return await _signed(edge.world, orjson.dumps(body))


async def _caller(request: web.Request, world: World, raw: bytes, style: Style) -> str:
    if style is not Style.SIGNED:
        return await authorise(world, request.headers.get("access-token"))
    header = request.headers.get("Byte-Authorization", "")
    members: dict[str, str] = dict(_MEMBER.findall(header))
    app_id, timestamp = members.get("appid", ""), members.get("timestamp", "")
    if not header.isascii() or _SECONDS.fullmatch(timestamp) is None:
        raise PlatformError(Code.TRADE_BAD_PARAMETER, _UNSIGNED)
    async with world.pool.acquire() as conn:
        text = await find_public_key(conn, app_id.replace("\x00", ""))
    if text is None:
        raise PlatformError(Code.TRADE_BAD_PARAMETER, _UNSIGNED)
    age_seconds = abs(utc_now().timestamp() - int(timestamp))
    if age_seconds > _SIGNED_SECONDS_MAX or not verify_byte_authorization(
        header,
        method=request.method,
        uri=request.path_qs,
        body=raw,
        keys=[load_public_key(text)],
    ):
        raise PlatformError(Code.TRADE_BAD_PARAMETER, _UNSIGNED)
    return app_id


def _envelope(
    style: Style, data: dict[str, Any] | list[dict[str, Any]], code: Code, description: str
) -> shapes.Json:
    now = utc_now()
    if style is Style.BASIC:
        return {"data": data, "err_no": code, "err_msg": description, "log_id": log_id(now)}
    if style is Style.SIGNED:
        return {"data": data, "err_no": code, "err_tips": description}
    given = data if isinstance(data, dict) else {}
    body = shapes.envelope(given, code=code, description=description, now=now)
    if isinstance(data, list):
        body["data"] = data
    return body


async def _signed(world: World, raw: bytes) -> web.Response:
    timestamp, nonce = str(int(utc_now().timestamp())), secrets.token_hex(16)
    signature = sign_bytes(await platform_key(world), timestamp=timestamp, nonce=nonce, raw=raw)
    headers = {
        "Byte-Timestamp": timestamp,
        "Byte-Nonce-Str": nonce,
        "Byte-Signature": signature,
    }
    return web.Response(body=raw, content_type="application/json", headers=headers)


def refused(code: Code = Code.TRADE_BAD_PARAMETER) -> PlatformError:
    return PlatformError(code, WORDS[code])
