"""Routes that give tokens to programs, and what everybody needs to check tokens."""

from aiohttp import web

from services.access.handlers.authority import Token, recent_revocations
from services.access.handlers.clients import use_client
from services.access.http.fields import Body, iso
from services.access.http.parts import PARTS, counting_refusals
from services.access.http.shapes import KeySet, ShownRevocation, ShownToken
from shared.errors import Unreadable
from shared.web.body import json_response, read_body
from shared.web.keys import DATABASE
from shared.web.pages import Page
from shared.web.query import Query, Time, query_of
from shared.web.routes import Route

_GRANT_TYPE = "client_credentials"
_JWKS_SECONDS = 30
_CLIENT_ID_MAX = 80


class RevocationsQuery(Query):
    since: Time | None = None


class TokenRequest(Body):
    grant_type: str
    client_id: str
    client_secret: str


async def post_token(request: web.Request) -> web.Response:
    body, parts = await read_body(request, TokenRequest), request.app[PARTS]
    if body.grant_type != _GRANT_TYPE:
        message = f"grant_type: {_GRANT_TYPE}"
        raise Unreadable(message, reason="unsupported_grant_type")
    if not body.client_id.isprintable() or len(body.client_id) > _CLIENT_ID_MAX:
        message = "client_id: as it was given to you"
        raise Unreadable(message)
    with counting_refusals(request, who=f"client:{body.client_id}"):
        token = await _token(request, body)
    parts.tokens.take(f"client:{body.client_id}")
    return json_response(show_token(token))


async def _token(request: web.Request, body: TokenRequest) -> Token:
    parts = request.app[PARTS]
    grant = parts.house.grant(body.client_id, body.client_secret)
    if grant is not None:
        return parts.authority.mint(grant)
    async with request.app[DATABASE].transaction() as transaction:
        grant = await use_client(
            transaction.conn,
            parts.keyed,
            client_id=body.client_id,
            client_secret=body.client_secret,
        )
        return parts.authority.mint(grant)


async def get_jwks(request: web.Request) -> web.Response:
    response = json_response(request.app[PARTS].authority.jwks)
    response.headers["Cache-Control"] = f"public, max-age={_JWKS_SECONDS}"
    return response


async def list_revocations(request: web.Request) -> web.Response:
    """Public, as the keys are: a principal is an opaque id and says nothing about anybody."""
    since = query_of(request, RevocationsQuery).since
    async with request.app[DATABASE].pool.acquire() as conn:
        found = await recent_revocations(conn, since=since)
    answer: Page[ShownRevocation] = {
        "items": [{"principal": one.principal, "revoked_at": iso(one.revoked_at)} for one in found],
        "next_cursor": None,
    }
    return json_response(answer)


def show_token(token: Token) -> ShownToken:
    return {
        "access_token": token.access_token,
        "token_type": "Bearer",
        "expires_in": token.expires_in_seconds,
    }


ROUTES = (
    Route(
        "GET",
        "/.well-known/jwks.json",
        get_jwks,
        quiet=True,
        summary="The keys that tokens are checked with",
        answers={200: KeySet},
    ),
    Route(
        "GET",
        "/v1/revocations",
        list_revocations,
        quiet=True,
        summary="Whose tokens from before are void",
        query=RevocationsQuery,
        answers={200: Page[ShownRevocation]},
    ),
    Route(
        "POST",
        "/v1/token",
        post_token,
        summary="A token for a program",
        body=TokenRequest,
        answers={200: ShownToken},
        refusals={
            401: ("client_refused",),
            422: ("unsupported_grant_type",),
            429: ("too_many_requests",),
        },
    ),
)
