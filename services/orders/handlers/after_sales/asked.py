"""Answers a platform that asks for a refund: recorded first, the same answer for ever."""

from services.orders.domain.refunds import RefundReason
from services.orders.handlers.after_sales.desk import Desk
from services.orders.handlers.after_sales.ruling import rule
from services.orders.handlers.after_sales.steps import event_named
from services.orders.queries import after_sales as queries
from services.orders.queries.after_sales import AfterSale
from shared.clock import utc_now
from shared.contracts.after_sales import AfterSaleState
from shared.contracts.asks import RefundAnswer, RefundAsk, RefundOutcome
from shared.errors import Rejection
from shared.ids import new_id
from shared.platforms.registry import platform_named


class AskConflicted(Rejection):
    """The same after-sale was asked about before, in other words."""

    reason = "ask_conflicted"


async def answer_refund(desk: Desk, ask: RefundAsk, *, traceparent: str) -> RefundAnswer:
    """Raises AskConflicted, or Unavailable where nothing can be decided now: ask again."""
    async with desk.database.pool.acquire() as conn:
        matter = await queries.find_after_sale(conn, ask.platform, ask.after_sale_id)
    if matter is None:
        matter = await _record(desk, ask, traceparent)
    _check_same(matter, ask)
    if matter.state is AfterSaleState.ASKED:
        matter = await rule(desk, matter)
    return answer_of(matter)


async def _record(desk: Desk, ask: RefundAsk, traceparent: str) -> AfterSale:
    platform_named(ask.platform)
    new = _new(desk, ask, await _sealed(desk, ask), traceparent)
    event_id = new_id()
    async with desk.database.transaction() as transaction:
        if await queries.insert_after_sale(transaction.conn, new, event_id=event_id):
            said = event_named(new, "after_sale.requested", before=None, event_id=event_id)
            transaction.emit([said])
            return new
        known = await queries.find_after_sale(transaction.conn, new.platform, new.after_sale_id)
    return known or new


async def _sealed(desk: Desk, ask: RefundAsk) -> str | None:
    """A buyer's own words may hold a name or a number."""
    if not ask.reason:
        return None
    async with desk.database.pool.acquire() as conn:
        await desk.keyring.load(conn, [ask.merchant])
    context = buyer_context(ask.platform, ask.after_sale_id)
    return desk.keyring.seal_text(ask.merchant, ask.reason, context=context)


def buyer_context(platform: str, after_sale_id: str) -> str:
    return f"buyer's reason {platform}/{after_sale_id}"


def _new(desk: Desk, ask: RefundAsk, sealed: str | None, traceparent: str) -> AfterSale:
    now = utc_now()
    passes_after = desk.settings.refund_passes_after[ask.platform]
    return AfterSale(
        platform=ask.platform,
        after_sale_id=ask.after_sale_id,
        merchant=ask.merchant,
        order_id=ask.order_id,
        out_refund_id=new_id(),
        client_key=ask.client_key,
        account_id=ask.account_id,
        channel=ask.channel,
        coupon_ids=tuple(sorted(set(ask.coupon_ids))),
        without_code=ask.without_code,
        amount_fen=ask.amount_fen,
        buyer_reason=sealed,
        asked_at=ask.asked_at,
        answer_until=ask.answer_until or ask.asked_at + passes_after,
        state=AfterSaleState.ASKED,
        version=1,
        judgement=None,
        granted_coupon_ids=(),
        partial=False,
        outcome=None,
        reason=None,
        decided_by=None,
        decided_at=None,
        due_soon_said=False,
        attempts=0,
        last_failure=None,
        traceparent=traceparent,
        created_at=now,
        changed_at=now,
    )


def _check_same(matter: AfterSale, ask: RefundAsk) -> None:
    """What the platform may write otherwise the second time does not matter; whose it is does."""
    asked = (ask.merchant, ask.order_id, tuple(sorted(set(ask.coupon_ids))))
    if asked != (matter.merchant, matter.order_id, matter.coupon_ids):
        message = "this after-sale was asked about before with another order or other coupons"
        raise AskConflicted(message)


def answer_of(matter: AfterSale) -> RefundAnswer:
    """What stands. A platform that asks for all or nothing hears of a part by another call."""
    if matter.outcome == RefundOutcome.ALLOWED and not matter.partial:
        outcome = RefundOutcome.ALLOWED
    elif matter.outcome == RefundOutcome.REFUSED or matter.reason == RefundReason.WITHDRAWN:
        outcome = RefundOutcome.REFUSED
    else:
        outcome = RefundOutcome.PENDING
    return RefundAnswer(
        after_sale_id=matter.after_sale_id,
        outcome=outcome,
        reason=matter.reason,
        out_refund_id=str(matter.out_refund_id),
    )
