"""Routes about terminals, and the two that terminals call themselves."""

from uuid import UUID

from aiohttp import web

from services.access.domain.records import Terminal
from services.access.handlers import assertions
from services.access.handlers import terminals as handlers
from services.access.handlers.terminals import Invitation
from services.access.http.fields import (
    Body,
    Name,
    Reason,
    Slug,
    iso,
    read_after,
)
from services.access.http.parts import PARTS, act_of, counting_refusals
from services.access.http.shapes import (
    OfMerchant,
    ShownEnrolment,
    ShownInvitation,
    ShownTerminal,
    ShownToken,
)
from services.access.http.tokens import show_token
from services.access.queries import terminals as queries
from shared.web.body import json_response, read_body
from shared.web.keys import DATABASE, PRINCIPAL
from shared.web.pages import Page, page, read_uuid
from shared.web.query import query_of
from shared.web.routes import Route


class TerminalsQuery(OfMerchant):
    store_id: Slug | None = None


class NewTerminal(Body):
    store_id: Slug
    name: Name


class PublicKey(Body, extra="allow"):
    """A JWK; members that we do not know are left out, whatever they are."""

    kty: str
    crv: str
    x: str
    y: str = ""


class Enrolment(Body):
    code: str
    public_key: PublicKey


class AssertionBody(Body):
    assertion: str


class TerminalRevocation(Body):
    reason: Reason = "revoked by hand"


async def post_terminal(request: web.Request) -> web.Response:
    body, parts = await read_body(request, NewTerminal), request.app[PARTS]
    async with act_of(request) as act:
        invitation = await handlers.add_terminal(
            act,
            request[PRINCIPAL],
            parts.keyed,
            store_id=body.store_id,
            name=body.name,
            code_life=parts.code_life,
        )
    return json_response(_show_invitation(invitation), status=201)


async def roll_terminal(request: web.Request) -> web.Response:
    terminal_id, parts = _terminal_id(request), request.app[PARTS]
    async with act_of(request) as act:
        invitation = await handlers.roll_terminal(
            act, request[PRINCIPAL], parts.keyed, terminal_id, code_life=parts.code_life
        )
    return json_response(_show_invitation(invitation))


async def revoke_terminal(request: web.Request) -> web.Response:
    body = await read_body(request, TerminalRevocation)
    async with act_of(request) as act:
        terminal = await handlers.revoke_terminal(
            act, request[PRINCIPAL], _terminal_id(request), reason=body.reason
        )
    return json_response(_show(terminal))


async def list_terminals(request: web.Request) -> web.Response:
    principal, query = request[PRINCIPAL], query_of(request, TerminalsQuery)
    merchant, after = principal.narrowed(query.merchant), read_after(query)
    async with request.app[DATABASE].pool.acquire() as conn:
        found = await queries.list_terminals(
            conn,
            merchant=merchant,
            only=principal.stores,
            store_id=query.store_id,
            after=read_uuid(after, "cursor") if after else None,
            limit=query.limit + 1,
        )
    return json_response(
        page(found, limit=query.limit, cursor_of=lambda one: (str(one.terminal_id),), show=_show)
    )


async def get_terminal(request: web.Request) -> web.Response:
    async with request.app[DATABASE].pool.acquire() as conn:
        terminal = await handlers.find_terminal(conn, request[PRINCIPAL], _terminal_id(request))
    return json_response(_show(terminal))


async def enrol_terminal(request: web.Request) -> web.Response:
    """Called by the device with the code that a person typed or scanned."""
    body = await read_body(request, Enrolment)
    with counting_refusals(request):
        public_key = assertions.read_public_key(body.public_key.model_dump())
        async with act_of(request, actor="terminal:unknown") as act:
            terminal, store = await handlers.enrol_terminal(
                act, request.app[PARTS].keyed, code=body.code, public_key=public_key
            )
    answer: ShownEnrolment = {
        "terminal_id": str(terminal.terminal_id),
        "merchant": terminal.merchant,
        "store_id": terminal.store_id,
        "store_name": store.name,
        "name": terminal.name,
    }
    return json_response(answer)


async def post_token(request: web.Request) -> web.Response:
    """Called by the device before each token runs out."""
    terminal_id, parts = _terminal_id(request), request.app[PARTS]
    body = await read_body(request, AssertionBody)
    database = request.app[DATABASE]
    with counting_refusals(request, who=f"terminal:{terminal_id}"):
        async with database.pool.acquire() as conn:
            device = await queries.find_device(conn, terminal_id)
        assertion = assertions.check_assertion(device, terminal_id, body.assertion)
        parts.tokens.take(f"terminal:{terminal_id}")
        async with database.transaction() as transaction:
            token = await assertions.spend_assertion(
                transaction.conn, parts.authority, terminal_id, assertion
            )
    return json_response(show_token(token))


def _terminal_id(request: web.Request) -> UUID:
    return read_uuid(request.match_info["terminal_id"], "terminal_id")


def _show_invitation(invitation: Invitation) -> ShownInvitation:
    return {
        "terminal_id": str(invitation.terminal.terminal_id),
        "enrolment_code": invitation.code,
        "expires_at": iso(invitation.terminal.enrolment_expires_at),
    }


def _show(terminal: Terminal) -> ShownTerminal:
    return {
        "terminal_id": str(terminal.terminal_id),
        "merchant": terminal.merchant,
        "store_id": terminal.store_id,
        "name": terminal.name,
        "state": terminal.state,
        "enrolment_expires_at": iso(terminal.enrolment_expires_at),
        "enrolled_at": iso(terminal.enrolled_at),
        "last_seen_at": iso(terminal.last_seen_at),
        "version": terminal.version,
        "created_at": iso(terminal.created_at),
    }


_ONE = {"terminal_id": UUID}
ROUTES = (
    Route(
        "POST",
        "/v1/terminals/enrol",
        enrol_terminal,
        summary="A device becomes the terminal that a code was made for",
        body=Enrolment,
        answers={200: ShownEnrolment},
        refusals={
            401: ("enrolment_code_refused",),
            404: ("not_found",),
            422: ("enrolment_code_mistyped", "private_key_sent"),
            429: ("too_many_requests",),
        },
    ),
    Route(
        "POST",
        "/v1/terminals/{terminal_id}/token",
        post_token,
        summary="A token for an assertion that the terminal's key signed",
        path_types=_ONE,
        body=AssertionBody,
        answers={200: ShownToken},
        refusals={
            401: ("assertion_refused", "assertion_replayed", "clock_skew", "terminal_revoked"),
            429: ("too_many_requests",),
        },
    ),
    Route(
        "POST",
        "/v1/terminals",
        post_terminal,
        "terminals:write",
        summary="Add a terminal; the answer holds the code that its device enrols with",
        body=NewTerminal,
        answers={201: ShownInvitation},
        refusals={404: ("not_found",)},
    ),
    Route(
        "GET",
        "/v1/terminals",
        list_terminals,
        "terminals:read",
        summary="The terminals this token reaches",
        query=TerminalsQuery,
        answers={200: Page[ShownTerminal]},
    ),
    Route(
        "GET",
        "/v1/terminals/{terminal_id}",
        get_terminal,
        "terminals:read",
        summary="One terminal",
        path_types=_ONE,
        answers={200: ShownTerminal},
    ),
    Route(
        "POST",
        "/v1/terminals/{terminal_id}/roll",
        roll_terminal,
        "terminals:write",
        summary="Void the device's key; another enrols with the new code",
        path_types=_ONE,
        answers={200: ShownInvitation},
        refusals={409: ("terminal_revoked",)},
    ),
    Route(
        "POST",
        "/v1/terminals/{terminal_id}/revoke",
        revoke_terminal,
        "terminals:write",
        summary="Void the terminal for good",
        path_types=_ONE,
        body=TerminalRevocation,
        answers={200: ShownTerminal},
    ),
)
