"""The access token of the application that may call the platform for a merchant."""

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from services.intake.http.keys import INTAKE
from services.intake.http.shapes import PlatformToken
from services.intake.queries.apps import find_account_id
from shared.contracts.envelope import MERCHANT_PATTERN
from shared.errors import NotFound
from shared.platforms.reasons import Reason
from shared.web.body import json_response, read_body
from shared.web.keys import DATABASE, PRINCIPAL
from shared.web.routes import Route


class TokenRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    merchant: str = Field(pattern=MERCHANT_PATTERN.pattern)
    platform: str = Field(default="douyin", max_length=40)
    # sha256 in hex of a token that the platform has just turned away.
    rejected_digest: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")


async def issue_token(request: web.Request) -> web.Response:
    body = await read_body(request, TokenRequest)
    request[PRINCIPAL].require_merchant(body.merchant)
    intake = request.app[INTAKE]
    app = intake.directory.app_for(body.merchant, body.platform)
    if app is None:
        raise NotFound("no application calls this platform for this merchant", reason="no_app")
    token = await intake.tokens.token_for(app, rejected_digest=body.rejected_digest)
    async with request.app[DATABASE].pool.acquire() as conn:
        account_id = await find_account_id(conn, body.merchant, body.platform)
    answer: PlatformToken = {
        "platform": app.platform,
        "client_key": app.client_key,
        "account_id": account_id,
        "access_token": token.value,
        "expires_at": token.expires_at,
    }
    response = json_response(answer)
    response.headers["Cache-Control"] = "no-store"
    return response


ROUTES = (
    Route(
        "POST",
        "/v1/platform-tokens",
        issue_token,
        "platform_tokens:read",
        summary="A token to call the platform with for a merchant",
        body=TokenRequest,
        answers={200: PlatformToken},
        refusals={404: ("no_app",), 409: ("app_disabled", *Reason), 503: tuple(Reason)},
    ),
)
