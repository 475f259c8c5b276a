"""Routes about the audit, and about the keys, which only the operator touches."""

from typing import Annotated, Self

from aiohttp import web
from pydantic import Field, model_validator

from services.access.domain.chain import Chained
from services.access.domain.grants import require_every_merchant, require_every_store
from services.access.handlers.audit import Walk, walk_chain
from services.access.handlers.signing_keys import rotate
from services.access.http.fields import Body, iso
from services.access.http.parts import PARTS, act_of
from services.access.http.shapes import OfMerchant, ShownEntry, ShownKey, ShownWalk
from services.access.queries import audit as queries
from services.access.queries.audit import Filter, Head
from shared.postgres.patience import BACKGROUND_SECONDS
from shared.web.body import json_response, read_body
from shared.web.keys import DATABASE, PRINCIPAL
from shared.web.pages import Page, cursor_parts, page, wrong_cursor
from shared.web.query import Number, Query, Text, Time, query_of
from shared.web.routes import Route

_SEQ_DIGITS_MAX = 18


class AuditQuery(OfMerchant):
    actor: Text | None = None
    action: Text | None = None
    subject: Text | None = None
    since: Time | None = Field(default=None, alias="from")
    until: Time | None = Field(default=None, alias="to")


class WalkQuery(Query):
    """The anchor is a head of the chain that was noted elsewhere: both of it, or none."""

    from_seq: Number = 1
    anchor_seq: Number | None = None
    anchor_hash: Annotated[str, Field(pattern=r"^[0-9a-fA-F]{64}$")] | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if (self.anchor_seq is None) is not (self.anchor_hash is None):
            message = "anchor_seq and anchor_hash belong together"
            raise ValueError(message)
        return self


class RotationRequest(Body):
    """`at_once`: a key was stolen; every token from before is void within a minute."""

    at_once: bool = False


async def list_audit(request: web.Request) -> web.Response:
    principal = request[PRINCIPAL]
    require_every_store(principal)
    query = query_of(request, AuditQuery)
    before = cursor_parts(query.cursor, length=1)
    wanted = Filter(
        actor=query.actor,
        action=query.action,
        subject=query.subject,
        merchant=principal.narrowed(query.merchant),
        since=query.since,
        until=query.until,
    )
    async with request.app[DATABASE].pool.acquire() as conn:
        found = await queries.list_audit(
            conn, wanted, before=_seq(before[0]) if before else None, limit=query.limit + 1
        )
    return json_response(
        page(found, limit=query.limit, cursor_of=lambda one: (str(one.seq),), show=_show)
    )


async def verify_audit(request: web.Request) -> web.Response:
    """Walk the chain; `anchor_seq` and `anchor_hash` are a head that was noted elsewhere."""
    query = query_of(request, WalkQuery)
    anchor = None
    if query.anchor_seq is not None and query.anchor_hash is not None:
        anchor = Head(query.anchor_seq, bytes.fromhex(query.anchor_hash))
    pool = request.app[DATABASE].pool
    walk = await walk_chain(pool, from_seq=query.from_seq, anchor=anchor)
    return json_response(_show_walk(walk, query.from_seq))


async def rotate_keys(request: web.Request) -> web.Response:
    require_every_merchant(request[PRINCIPAL])
    body, parts = await read_body(request, RotationRequest), request.app[PARTS]
    async with act_of(request) as act:
        key = await rotate(act, parts.seal, parts.rotation, at_once=body.at_once)
    async with request.app[DATABASE].pool.acquire() as conn:
        await parts.authority.refresh(conn)
    answer: ShownKey = {"key_id": str(key.key_id), "signs_from": iso(key.signs_from)}
    return json_response(answer, status=201)


def _seq(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > _SEQ_DIGITS_MAX:
        raise wrong_cursor()
    return int(text)


def _show(chained: Chained) -> ShownEntry:
    entry = chained.entry
    return {
        "seq": chained.seq,
        "at": iso(entry.at),
        "actor": entry.actor,
        "action": entry.action,
        "subject": entry.subject,
        "merchant": entry.merchant,
        "details": entry.details,
        "event_id": str(entry.event_id) if entry.event_id else None,
        "previous_hash": chained.previous_hash.hex(),
        "hash": chained.hash.hex(),
    }


def _show_walk(walk: Walk, from_seq: int) -> ShownWalk:
    return {
        "valid": walk.broken_seq is None,
        "from_seq": from_seq,
        "checked": walk.checked,
        "next_seq": walk.next_seq,
        "head": {"seq": walk.head.seq, "hash": walk.head.hash.hex()},
        "broken_seq": walk.broken_seq,
        "broken_because": walk.broken_because,
    }


ROUTES = (
    Route(
        "GET",
        "/v1/audit",
        list_audit,
        "audit:read",
        summary="Who did what, newest first",
        query=AuditQuery,
        answers={200: Page[ShownEntry]},
        refusals={403: ("every_store_needed",)},
    ),
    Route(
        "GET",
        "/v1/audit/verify",
        verify_audit,
        "audit:read",
        summary="Whether the audit is whole",
        query=WalkQuery,
        answers={200: ShownWalk},
        database_seconds=BACKGROUND_SECONDS,
    ),
    Route(
        "POST",
        "/v1/signing-keys/rotate",
        rotate_keys,
        "signing_keys:write",
        summary="Sign with a new key from soon on",
        body=RotationRequest,
        answers={201: ShownKey},
        refusals={403: ("operator_only",), 409: ("rotation_under_way",)},
    ),
)
