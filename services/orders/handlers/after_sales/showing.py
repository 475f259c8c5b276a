"""Answers what people ask about after-sales, and what platforms ask about orders."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.orders.handlers.after_sales.asked import buyer_context
from services.orders.handlers.after_sales.deciding import decision_context
from services.orders.handlers.after_sales.desk import Desk
from services.orders.queries import after_sale_lists as queries
from services.orders.queries import locks as lock_queries
from services.orders.queries.after_sale_lists import AfterSaleFilter, StatusRow, StepRow
from services.orders.queries.after_sales import AfterSale
from services.orders.queries.locks import Lock
from shared.contracts.asks import CouponCounts, OrderStatus, StatusAnswer, StatusAsk
from shared.errors import NotFound, Rejection
from shared.sealing.keyring import CannotOpen

_SAME_ID_MAX = 10


class AmbiguousAfterSale(Rejection):
    """Two platforms know one of this id; its merchant must be named."""

    reason = "ambiguous_after_sale"


@dataclass(frozen=True, slots=True)
class Explained:
    """An after-sale with all that was done for it. Words are open: they are for who decides."""

    matter: AfterSale
    buyer_reason: str | None
    locks: Sequence[Lock]
    steps: Sequence[tuple[StepRow, str | None]]


async def list_after_sales(desk: Desk, wanted: AfterSaleFilter, *, limit: int) -> list[AfterSale]:
    async with desk.database.pool.acquire() as conn:
        return await queries.list_after_sales(conn, wanted, limit=limit)


async def find_after_sale(desk: Desk, after_sale_id: str, *, merchant: str | None) -> AfterSale:
    """Raises NotFound, also for another merchant's."""
    async with desk.database.pool.acquire() as conn:
        found = await queries.find_after_sales(
            conn, after_sale_id, merchant=merchant, limit=_SAME_ID_MAX
        )
    if not found:
        message = "no such after-sale"
        raise NotFound(message)
    if len(found) > 1:
        merchants = ", ".join(sorted({one.merchant for one in found}))
        message = f"several have this id; add ?merchant=: {merchants}"
        raise AmbiguousAfterSale(message)
    return found[0]


async def explain(desk: Desk, after_sale_id: str, *, merchant: str | None) -> Explained:
    matter = await find_after_sale(desk, after_sale_id, merchant=merchant)
    async with desk.database.pool.acquire() as conn:
        locks = await lock_queries.find_locks(conn, matter)
        steps = await queries.fetch_steps(conn, matter)
        await desk.keyring.load(conn, [matter.merchant])
    key = (matter.platform, matter.after_sale_id)
    return Explained(
        matter,
        _opened(desk, matter.buyer_reason, buyer_context(*key)),
        locks,
        [(step, _opened(desk, step.words, decision_context(*key))) for step in steps],
    )


def _opened(desk: Desk, sealed: str | None, context: str) -> str | None:
    """Nothing once the merchant's key is destroyed."""
    if sealed is None:
        return None
    try:
        return desk.keyring.open_text(sealed, context=context)
    except CannotOpen:
        return None


async def statuses(desk: Desk, ask: StatusAsk) -> StatusAnswer:
    async with desk.database.pool.acquire() as conn:
        rows = await queries.fetch_statuses(
            conn, merchant=ask.merchant, platform=ask.platform, order_ids=ask.order_ids
        )
    return StatusAnswer(orders=tuple(_status(row) for row in rows))


def _status(row: StatusRow) -> OrderStatus:
    return OrderStatus(
        order_id=row.order_id,
        state=row.state,
        coupon_ids=tuple(row.coupon_ids),
        counts=CouponCounts(
            total=max(row.coupon_count or 0, len(row.coupon_ids)),
            redeemed=row.redeemed,
            refunded=row.refunded,
        ),
    )
