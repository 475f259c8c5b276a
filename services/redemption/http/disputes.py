"""GET /v1/disputes"""

from datetime import datetime
from uuid import UUID

from aiohttp import web
from typing_extensions import TypedDict

from services.redemption.domain import answers
from services.redemption.http.desk import read_visitor
from services.redemption.http.shapes import ShownWords
from services.redemption.queries import reports
from services.redemption.queries.reports import Dispute
from shared.errors import Unreadable
from shared.platforms.reasons import GUIDANCE, Reason
from shared.web.body import json_response
from shared.web.keys import DATABASE, PRINCIPAL
from shared.web.pages import cursor_parts, page, read_uuid
from shared.web.query import PageQuery, Text, query_of
from shared.web.shapes import IdText, TimeText


class DisputeQuery(PageQuery):
    merchant: Text | None = None


class ShownDispute(TypedDict):
    """`kept`: it stays spent here, and the money is to be settled with the platform by a person."""

    report_id: IdText
    step: str
    merchant: str
    platform: str
    order_id: str
    coupon_id: str
    redemption_id: IdText
    store_id: str
    terminal_id: str
    reason: Reason
    title: ShownWords
    kept: bool
    disputed_at: TimeText


async def list_disputes(request: web.Request) -> web.Response:
    """What the platform did not accept, newest first."""
    query = query_of(request, DisputeQuery)
    visitor = read_visitor(request)
    async with request.app[DATABASE].pool.acquire() as conn:
        found = await reports.list_disputes(
            conn,
            merchant=request[PRINCIPAL].narrowed(query.merchant),
            store_ids=visitor.stores,
            after=_after(query.cursor),
            limit=query.limit + 1,
        )
    return json_response(
        page(
            found,
            limit=query.limit,
            cursor_of=lambda one: (one.disputed_at.isoformat(), str(one.report_id)),
            show=_show,
        )
    )


def _after(cursor: str | None) -> tuple[datetime, UUID] | None:
    parts = cursor_parts(cursor, length=2)
    if parts is None:
        return None
    try:
        return datetime.fromisoformat(parts[0]), read_uuid(parts[1], "cursor")
    except ValueError:
        message = "cursor: pass next_cursor of the page before as it is"
        raise Unreadable(message) from None


def _show(dispute: Dispute) -> ShownDispute:
    reason = Reason(dispute.reason)
    title = answers.words(GUIDANCE[reason])["title"]
    return ShownDispute(
        report_id=str(dispute.report_id),
        step=dispute.step,
        merchant=dispute.merchant,
        platform=dispute.platform,
        order_id=dispute.order_id,
        coupon_id=dispute.coupon_id,
        redemption_id=str(dispute.redemption_id),
        store_id=dispute.store_id,
        terminal_id=dispute.terminal_id,
        reason=reason,
        title=ShownWords(zh=title["zh"], en=title["en"]),
        kept=dispute.kept,
        disputed_at=dispute.disputed_at.isoformat(),
    )
