"""What the routes of this service share: who asks, for which store, and how answers are sent."""

from aiohttp import web

from services.redemption.domain.records import Visitor
from services.redemption.handlers.desk import Answer, Desk
from services.redemption.handlers.groups import Groups
from shared.errors import Forbidden, Unreadable
from shared.platforms.reasons import Reason
from shared.web.keys import LOGGED, PRINCIPAL, TRACEPARENT
from shared.web.principal import EVERY_MERCHANT

DESK = web.AppKey("DESK", Desk)
GROUPS = web.AppKey("GROUPS", Groups)
_TERMINAL = "terminal:"


def read_visitor(request: web.Request) -> Visitor:
    principal = request[PRINCIPAL]
    return Visitor(
        merchant=None if principal.merchant == EVERY_MERCHANT else principal.merchant,
        stores=principal.stores,
        # Staff and programs are named with what they are, terminals by their id alone.
        terminal_id=principal.subject.removeprefix(_TERMINAL),
        traceparent=request[TRACEPARENT],
    )


def choose_store(visitor: Visitor, named: str | None) -> str:
    """The store asked for, or the only one that the token is for."""
    if named is None:
        if visitor.stores is None or len(visitor.stores) != 1:
            message = "store_id: name the store, this token is for several"
            raise Unreadable(message)
        return visitor.stores[0]
    if visitor.stores is not None and named not in visitor.stores:
        message = "this token is for other stores"
        raise Forbidden(message, reason=Reason.UNKNOWN_STORE)
    return named


def respond(request: web.Request, answer: Answer) -> web.Response:
    request[LOGGED] = {
        "reason": answer.reason,
        "order_id": answer.order_id,
        "coupon_ids": list(answer.coupon_ids),
    }
    headers = {}
    if answer.retry_after_seconds is not None:
        headers["Retry-After"] = str(answer.retry_after_seconds)
    return web.Response(
        body=answer.body,
        status=answer.status,
        content_type="application/json",
        headers=headers,
    )
