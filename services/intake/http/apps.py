"""Applications and their secrets. A secret goes in and never comes out again."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints

from services.intake.domain.apps import AppKind
from services.intake.handlers.apps import NewApp, ShownApp
from services.intake.http.keys import INTAKE
from services.intake.http.shapes import (
    ApplicationWithTrade,
    OfMerchant,
    SecretDeleted,
    ShownApplication,
    ShownSecret,
)
from services.intake.http.trade_keys import show_trade
from services.intake.queries.apps import SecretRow
from shared.contracts.envelope import MERCHANT_PATTERN
from shared.web.body import json_response, read_body
from shared.web.keys import PRINCIPAL
from shared.web.pages import Page, cursor_parts, page, read_uuid
from shared.web.query import query_of
from shared.web.routes import Route

_OVERLAP_SECONDS_MAX = 30 * 24 * 3600
_OVERLAP_SECONDS_DEFAULT = 24 * 3600
ClientKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
# Short ones can be found by trying; the platform's have 32 characters.
SecretValue = Annotated[SecretStr, Field(min_length=8, max_length=256)]


class AppRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    client_key: ClientKey
    merchant: str = Field(pattern=MERCHANT_PATTERN.pattern)
    name: str = Field(default="", max_length=200)
    platform: str = Field(default="douyin", max_length=40)
    kind: AppKind = AppKind.LIFE
    secret: SecretValue | None = None


class SecretRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    secret: SecretValue
    overlap_seconds: int = Field(default=_OVERLAP_SECONDS_DEFAULT, ge=0, le=_OVERLAP_SECONDS_MAX)


async def add_app(request: web.Request) -> web.Response:
    body = await read_body(request, AppRequest)
    new = NewApp(
        client_key=body.client_key,
        platform=body.platform,
        merchant=body.merchant,
        name=body.name,
        kind=body.kind,
        secret=None if body.secret is None else body.secret.get_secret_value(),
    )
    shown, added = await request.app[INTAKE].apps.add(request[PRINCIPAL], new)
    return json_response(_show_app(shown), status=201 if added else 200)


async def list_apps(request: web.Request) -> web.Response:
    query, intake = query_of(request, OfMerchant), request.app[INTAKE]
    cursor = cursor_parts(query.cursor, length=1)
    apps = await intake.apps.list(
        request[PRINCIPAL].narrowed(query.merchant),
        after=cursor[0] if cursor else None,
        limit=query.limit + 1,
    )
    trades = await intake.trade_apps.show([one.app.client_key for one in apps])

    def show(one: ShownApp) -> ApplicationWithTrade:
        trade = trades.get(one.app.client_key)
        return {**_show_app(one), "trade": None if trade is None else show_trade(trade)}

    return json_response(
        page(apps, limit=query.limit, cursor_of=lambda one: (one.app.client_key,), show=show)
    )


async def rotate_secret(request: web.Request) -> web.Response:
    body = await read_body(request, SecretRequest)
    secret, added = await request.app[INTAKE].apps.rotate(
        request[PRINCIPAL],
        request.match_info["client_key"],
        body.secret.get_secret_value(),
        overlap=timedelta(seconds=body.overlap_seconds),
    )
    return json_response(_show_secret(secret), status=201 if added else 200)


async def delete_secret(request: web.Request) -> web.Response:
    secret_id = read_uuid(request.match_info["secret_id"], "secret_id")
    await request.app[INTAKE].apps.delete_secret(
        request[PRINCIPAL], request.match_info["client_key"], secret_id
    )
    answer: SecretDeleted = {"secret_id": str(secret_id), "deleted": True}
    return json_response(answer)


def _show_app(shown: ShownApp) -> ShownApplication:
    app = shown.app
    return {
        "client_key": app.client_key,
        "platform": app.platform,
        "merchant": app.merchant,
        "name": app.name,
        "kind": app.kind,
        "created_at": app.created_at,
        "secrets": [_show_secret(secret) for secret in shown.secrets],
    }


def _show_secret(secret: SecretRow) -> ShownSecret:
    return {
        "secret_id": str(secret.secret_id),
        "fingerprint": secret.fingerprint,
        "created_at": secret.created_at,
        "expires_at": secret.expires_at,
        "deleted": secret.sealed_secret is None,
    }


ROUTES = (
    Route(
        "POST",
        "/v1/apps",
        add_app,
        "apps:write",
        summary="Add an application; the same again is no second one",
        body=AppRequest,
        answers={200: ShownApplication, 201: ShownApplication},
        refusals={404: ("not_found",), 409: ("app_exists", "too_many_secrets")},
    ),
    Route(
        "GET",
        "/v1/apps",
        list_apps,
        "apps:read",
        summary="The applications this token reaches",
        query=OfMerchant,
        answers={200: Page[ApplicationWithTrade]},
    ),
    Route(
        "POST",
        "/v1/apps/{client_key}/secrets",
        rotate_secret,
        "apps:write",
        summary="Give it a new secret; the old ones live on for a while",
        body=SecretRequest,
        answers={200: ShownSecret, 201: ShownSecret},
        refusals={409: ("too_many_secrets",)},
    ),
    Route(
        "DELETE",
        "/v1/apps/{client_key}/secrets/{secret_id}",
        delete_secret,
        "apps:write",
        summary="Void a secret at once",
        path_types={"secret_id": UUID},
        answers={200: SecretDeleted},
    ),
)
