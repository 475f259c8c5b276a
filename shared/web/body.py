"""Reads and writes JSON bodies within limits."""

from typing import Any, TypeVar

import orjson
from aiohttp import web
from pydantic import BaseModel

from shared.errors import Rejection, Unreadable

_BYTES_MAX = 64 * 1024
Model = TypeVar("Model", bound=BaseModel)


class BodyTooLarge(Rejection):
    reason = "body_too_large"
    status = 413


async def read_raw(request: web.Request, *, bytes_max: int = _BYTES_MAX) -> bytes:
    """The body as it came, or 413 without reading past the limit."""
    message = f"the body may have {bytes_max} bytes at most"
    if request.content_length is not None and request.content_length > bytes_max:
        raise BodyTooLarge(message)
    if request.content_length is not None:
        return await request.read()
    chunks = bytearray()
    async for chunk in request.content.iter_any():
        chunks += chunk
        if len(chunks) > bytes_max:
            raise BodyTooLarge(message)
    return bytes(chunks)


async def read_body(request: web.Request, model: type[Model]) -> Model:
    """Raises ValidationError (422) with the member that is wrong."""
    raw = await read_raw(request)
    if not raw:
        message = "send a JSON body"
        raise Unreadable(message)
    return model.model_validate_json(raw)


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
