"""Routes about the audit, and about the keys, which only the operator touches."""

from typing import Any

from aiohttp import web

from services.access.domain.chain import Chained
from services.access.domain.grants import require_every_merchant, require_every_store
from services.access.handlers.audit import Walk, walk_chain
from services.access.handlers.signing_keys import rotate
from services.access.http.fields import (
    Body,
    iso,
    read_optional_body,
    read_page,
    read_slug,
    read_text,
)
from services.access.http.parts import PARTS, act_of
from services.access.queries import audit as queries
from services.access.queries.audit import Filter, Head
from shared.errors import Unreadable
from shared.web.body import json_response
from shared.web.keys import DATABASE, PRINCIPAL
from shared.web.pages import page, read_time
from shared.web.routes import Route

_SEQ_DIGITS_MAX = 18
_HASH_CHARACTERS = 64


class RotationRequest(Body):
    """`at_once`: a key was stolen; every token from before is void within a minute."""

    at_once: bool = False


async def list_audit(request: web.Request) -> web.Response:
    principal = request[PRINCIPAL]
    require_every_store(principal)
    limit, before = read_page(request)
    wanted = Filter(
        actor=read_text(request, "actor"),
        action=read_text(request, "action"),
        subject=read_text(request, "subject"),
        merchant=principal.narrowed(read_slug(request, "merchant")),
        since=read_time(request, "from"),
        until=read_time(request, "to"),
    )
    async with request.app[DATABASE].pool.acquire() as conn:
        found = await queries.list_audit(
            conn, wanted, before=_read_seq(before, "cursor") if before else None, limit=limit + 1
        )
    return json_response(
        page(found, limit=limit, cursor_of=lambda one: (str(one.seq),), show=_show)
    )


async def verify_audit(request: web.Request) -> web.Response:
    """Walk the chain; `anchor_seq` and `anchor_hash` are a head that was noted elsewhere."""
    query = request.query
    from_seq = _read_seq(query.get("from_seq", "1"), "from_seq")
    anchor = None
    if "anchor_seq" in query or "anchor_hash" in query:
        seq = _read_seq(query.get("anchor_seq", ""), "anchor_seq")
        anchor = Head(seq, _read_hash(query.get("anchor_hash", ""), "anchor_hash"))
    pool = request.app[DATABASE].pool
    walk = await walk_chain(pool, from_seq=from_seq, anchor=anchor)
    return json_response(_show_walk(walk, from_seq))


async def rotate_keys(request: web.Request) -> web.Response:
    require_every_merchant(request[PRINCIPAL])
    body, parts = await read_optional_body(request, RotationRequest), request.app[PARTS]
    async with act_of(request) as act:
        key = await rotate(act, parts.seal, parts.rotation, at_once=body.at_once)
    async with request.app[DATABASE].pool.acquire() as conn:
        await parts.authority.refresh(conn)
    return json_response({"key_id": str(key.key_id), "signs_from": iso(key.signs_from)}, status=201)


def _read_seq(text: str, name: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > _SEQ_DIGITS_MAX or int(text) < 1:
        message = f"{name}: a whole number from 1"
        raise Unreadable(message)
    return int(text)


def _read_hash(text: str, name: str) -> bytes:
    try:
        value = bytes.fromhex(text)
    except ValueError:
        value = b""
    if len(text) != _HASH_CHARACTERS or not value:
        message = f"{name}: {_HASH_CHARACTERS} hexadecimal characters"
        raise Unreadable(message)
    return value


def _show(chained: Chained) -> dict[str, Any]:
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


def _show_walk(walk: Walk, from_seq: int) -> dict[str, Any]:
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
    Route("GET", "/v1/audit", list_audit, "audit:read"),
    Route("GET", "/v1/audit/verify", verify_audit, "audit:read"),
    Route("POST", "/v1/signing-keys/rotate", rotate_keys, "signing_keys:write"),
)
