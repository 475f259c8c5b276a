"""The mini-program of an application. A token goes in and never comes out again."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints

from services.intake.handlers.trade_keys import NewTrade, ShownTrade
from services.intake.http.keys import INTAKE
from services.intake.http.shapes import ShownMiniProgram, ShownTradeKey, TradeKeyDeleted
from services.intake.queries.trade import TradeKeyRow
from shared.web.body import json_response, read_body
from shared.web.keys import PRINCIPAL
from shared.web.pages import read_uuid
from shared.web.routes import Route

_OVERLAP_SECONDS_MAX = 30 * 24 * 3600
_OVERLAP_SECONDS_DEFAULT = 24 * 3600
_PUBLIC_KEY_CHARACTERS_MAX = 4000
AppId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]


class TradeRequest(BaseModel):
    """`order_path` is the page of an order in the mini-program."""

    model_config = ConfigDict(extra="forbid")

    app_id: AppId
    order_path: str = Field(default="pages/order/detail", min_length=1, max_length=200)
    pay_notify_url: str | None = Field(default=None, max_length=500, pattern=r"^https://[^\s]+$")
    public_key: str | None = Field(default=None, max_length=_PUBLIC_KEY_CHARACTERS_MAX)
    token: Annotated[SecretStr, Field(min_length=3, max_length=64)] | None = None
    overlap_seconds: int = Field(default=_OVERLAP_SECONDS_DEFAULT, ge=0, le=_OVERLAP_SECONDS_MAX)


async def put_trade(request: web.Request) -> web.Response:
    body = await read_body(request, TradeRequest)
    new = NewTrade(
        app_id=body.app_id,
        order_path=body.order_path,
        pay_notify_url=body.pay_notify_url,
        public_key=body.public_key,
        token=None if body.token is None else body.token.get_secret_value(),
        overlap=timedelta(seconds=body.overlap_seconds),
    )
    shown = await request.app[INTAKE].trade_apps.put(
        request[PRINCIPAL], request.match_info["client_key"], new
    )
    return json_response(show_trade(shown))


async def delete_trade_key(request: web.Request) -> web.Response:
    key_id = read_uuid(request.match_info["key_id"], "key_id")
    await request.app[INTAKE].trade_apps.delete_key(
        request[PRINCIPAL], request.match_info["client_key"], key_id
    )
    answer: TradeKeyDeleted = {"key_id": str(key_id), "deleted": True}
    return json_response(answer)


def show_trade(shown: ShownTrade) -> ShownMiniProgram:
    app = shown.app
    return {
        "client_key": app.client_key,
        "app_id": app.app_id,
        "order_path": app.order_path,
        "pay_notify_url": app.pay_notify_url,
        "keys": [_show_key(key) for key in shown.keys],
    }


def _show_key(key: TradeKeyRow) -> ShownTradeKey:
    return {
        "key_id": str(key.key_id),
        "sort": "token" if key.is_token else "public_key",
        "fingerprint": key.fingerprint,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
    }


ROUTES = (
    Route(
        "PUT",
        "/v1/apps/{client_key}/trade",
        put_trade,
        "apps:write",
        summary="Name its mini-program, and add a key that its callbacks are signed with",
        body=TradeRequest,
        answers={200: ShownMiniProgram},
        refusals={409: ("app_id_taken", "too_many_keys")},
    ),
    Route(
        "DELETE",
        "/v1/apps/{client_key}/trade/keys/{key_id}",
        delete_trade_key,
        "apps:write",
        summary="Void a key at once",
        path_types={"key_id": UUID},
        answers={200: TradeKeyDeleted},
    ),
)
