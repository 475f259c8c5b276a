"""Routes about client credentials of partners' programs."""

from typing import Annotated

from aiohttp import web
from pydantic import Field

from services.access.domain.records import Client
from services.access.handlers import clients as handlers
from services.access.http.fields import (
    Action,
    Body,
    MerchantOrAll,
    Name,
    Reason,
    StoreIds,
    iso,
    read_after,
    read_path,
)
from services.access.http.parts import PARTS, act_of
from services.access.http.shapes import NewClientSecret, OfMerchant, ShownClient
from services.access.queries import clients as queries
from shared.web.body import json_response, read_body
from shared.web.keys import DATABASE, PRINCIPAL
from shared.web.pages import Page, page
from shared.web.principal import EVERY_MERCHANT
from shared.web.query import query_of
from shared.web.routes import Route


class NewClient(Body):
    """`merchant` "*" is every merchant; `stores` null every store."""

    merchant: MerchantOrAll
    name: Name
    stores: StoreIds | None = None
    actions: Annotated[tuple[Action, ...], Field(min_length=1, max_length=50)]


class ClientRevocation(Body):
    reason: Reason = "revoked by hand"


async def post_client(request: web.Request) -> web.Response:
    body = await read_body(request, NewClient)
    async with act_of(request) as act:
        client, secret = await handlers.add_client(
            act,
            request[PRINCIPAL],
            request.app[PARTS].keyed,
            merchant=body.merchant,
            name=body.name,
            stores=body.stores,
            actions=body.actions,
        )
    answer: NewClientSecret = {**_show(client), "client_secret": secret}
    return json_response(answer, status=201)


async def revoke_client(request: web.Request) -> web.Response:
    body = await read_body(request, ClientRevocation)
    async with act_of(request) as act:
        client = await handlers.revoke_client(
            act, request[PRINCIPAL], read_path(request, "client_id"), reason=body.reason
        )
    return json_response(_show(client))


async def list_clients(request: web.Request) -> web.Response:
    principal, query = request[PRINCIPAL], query_of(request, OfMerchant)
    merchant, after = principal.narrowed(query.merchant), read_after(query)
    async with request.app[DATABASE].pool.acquire() as conn:
        found = await queries.list_clients(
            conn, merchant=merchant, only=principal.stores, after=after, limit=query.limit + 1
        )
    return json_response(
        page(found, limit=query.limit, cursor_of=lambda one: (one.client_id,), show=_show)
    )


async def get_client(request: web.Request) -> web.Response:
    client_id = read_path(request, "client_id")
    async with request.app[DATABASE].pool.acquire() as conn:
        client = await handlers.find_client(conn, request[PRINCIPAL], client_id)
    return json_response(_show(client))


def _show(client: Client) -> ShownClient:
    return {
        "client_id": client.client_id,
        "merchant": client.merchant or EVERY_MERCHANT,
        "name": client.name,
        "stores": client.stores,
        "actions": client.actions,
        "state": client.state,
        "version": client.version,
        "created_by": client.created_by,
        "created_at": iso(client.created_at),
        "last_used_at": iso(client.last_used_at),
    }


ROUTES = (
    Route(
        "POST",
        "/v1/clients",
        post_client,
        "clients:write",
        summary="Give a program credentials; the secret is shown this once",
        body=NewClient,
        answers={201: NewClientSecret},
        refusals={
            403: ("grants_more_than_held", "operator_only"),
            404: ("not_found", "store_unknown"),
        },
    ),
    Route(
        "GET",
        "/v1/clients",
        list_clients,
        "clients:write",
        summary="The clients this token reaches",
        query=OfMerchant,
        answers={200: Page[ShownClient]},
    ),
    Route(
        "GET",
        "/v1/clients/{client_id}",
        get_client,
        "clients:write",
        summary="One client",
        answers={200: ShownClient},
    ),
    Route(
        "POST",
        "/v1/clients/{client_id}/revoke",
        revoke_client,
        "clients:write",
        summary="Void the credentials for good",
        body=ClientRevocation,
        answers={200: ShownClient},
    ),
)
