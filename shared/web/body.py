"""Reads and writes JSON bodies within limits."""

import asyncio
from typing import Any, TypeVar

import orjson
from aiohttp import web
from pydantic import BaseModel

from shared.errors import Rejection, Unreadable
from shared.strict_json import holds_nul, is_flat, read_json

_BYTES_MAX = 64 * 1024
# Of members that nobody knows.
_NAMES_MAX = 5
_NAME_CHARACTERS_MAX = 40
# What a body may take: this, and more where it may be large.
_BODY_SECONDS = 5.0
_SLOWEST_BYTES_PER_SECOND = 32 * 1024
_NUL = rb"\u0000"
Model = TypeVar("Model", bound=BaseModel)
# What the route of a request says its body is.
BODY = web.RequestKey("BODY", type)


class BodyTooLarge(Rejection):
    reason = "body_too_large"
    status = 413


class SlowBody(Rejection):
    reason = "body_too_slow"
    status = 408


async def read_raw(
    request: web.Request, *, bytes_max: int = _BYTES_MAX, until: float | None = None
) -> bytes:
    """The body as it came, or 413 without reading past the limit, or 408 if it does not come.

    `until` is a time of the loop's clock; without it the body has as long as its limit allows.
    """
    if request.content.is_eof():
        # It came whole with its headers.
        return await _read_within(request, bytes_max)
    if until is None:
        now = asyncio.get_running_loop().time()
        until = now + _BODY_SECONDS + bytes_max / _SLOWEST_BYTES_PER_SECOND
    try:
        async with asyncio.timeout_at(until):
            return await _read_within(request, bytes_max)
    except TimeoutError:
        message = "the body did not come in time"
        raise SlowBody(message) from None


async def _read_within(request: web.Request, bytes_max: int) -> bytes:
    message = f"the body may have {bytes_max} bytes at most"
    if request.content_length is not None and request.content_length > bytes_max:
        raise BodyTooLarge(message)
    if request.content_length is not None and "Content-Encoding" not in request.headers:
        return await request.read()
    chunks = bytearray()
    async for chunk in request.content.iter_any():
        chunks += chunk
        if len(chunks) > bytes_max:
            raise BodyTooLarge(message)
    return bytes(chunks)


async def read_body(
    request: web.Request, model: type[Model], *, bytes_max: int = _BYTES_MAX
) -> Model:
    """Raises Unreadable or ValidationError (422) with the member that is wrong.

    JSON that could be read in two ways is refused, and so are members that the model lacks.
    Where no member must be given, no body must.
    """
    declared = request.get(BODY, model)
    if declared is not model:
        message = f"the route declares {declared.__name__}, not {model.__name__}"
        raise TypeError(message)
    raw = await read_raw(request, bytes_max=bytes_max)
    if not raw:
        if is_required(model):
            message = "send a JSON body"
            raise Unreadable(message)
        raw = b"{}"
    value = read_json(raw, part="the body", flat=is_flat(raw))
    if _NUL in raw and holds_nul(value):
        message = "the body holds a NUL character"
        raise Unreadable(message)
    _refuse_unknown(value, model)
    # A number is no text, and the other way round: the document says which.
    return model.model_validate_json(raw, strict=True)


def _refuse_unknown(value: object, model: type[BaseModel]) -> None:
    """A misspelt member must not pass for one that was left out."""
    if not isinstance(value, dict) or model.model_config.get("extra") == "allow":
        return
    known = [field.alias or name for name, field in model.model_fields.items()]
    unknown = sorted(set(value).difference(known))
    if unknown:
        members = ", ".join(known) or "none"
        shown = ", ".join(name[:_NAME_CHARACTERS_MAX] for name in unknown[:_NAMES_MAX])
        message = f"{shown}: no such member; there are {members}"
        raise Unreadable(message)


def is_required(model: type[BaseModel]) -> bool:
    return any(field.is_required() for field in model.model_fields.values())


def json_response(body: Any, *, status: int = 200) -> web.Response:
    """Any: whatever orjson writes, pydantic models included."""
    return web.Response(
        body=orjson.dumps(body, default=_default), status=status, content_type="application/json"
    )


def _default(value: object) -> object:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, frozenset | set):
        return sorted(value)
    message = f"not JSON: {type(value).__name__}"
    raise TypeError(message)
