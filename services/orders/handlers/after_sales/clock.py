"""The platform's time limit: it calls a person in time, and says when nobody came."""

from datetime import timedelta

from prometheus_client import Gauge

from services.orders.domain.after_sales import Move
from services.orders.domain.refunds import RefundReason
from services.orders.handlers.after_sales.desk import AT_ONCE, Desk
from services.orders.handlers.after_sales.moving import move
from services.orders.handlers.after_sales.steps import CLOCK, Change, Outrun, event_named
from services.orders.queries import after_sales as queries
from services.orders.queries import locks as lock_queries
from services.orders.queries import reconciling
from services.orders.queries.after_sales import AfterSale

# An answer that is on its way when the time is up may still be taken.
_ANSWER_GRACE = timedelta(minutes=5)

PENDING = Gauge("qiao_orders_after_sales_pending", "After-sales that wait for a person")
DUE_SOON = Gauge("qiao_orders_after_sales_due_soon", "Those that the platform will soon pass")
UNTOLD = Gauge("qiao_orders_after_sales_untold", "Decided, and not yet taken by the platform")
SECONDS_LEFT = Gauge(
    "qiao_orders_after_sales_seconds_left", "Until the platform passes the first that waits"
)
RELEASING = Gauge("qiao_orders_after_sale_locks_releasing", "Locks that are being given back")


async def pass_overdue(desk: Desk) -> int:
    """Write down that the platform has passed what nobody answered. Returns how many were due."""
    async with desk.database.pool.acquire() as conn:
        overdue = await queries.find_overdue(conn, answer_grace=_ANSWER_GRACE, limit=AT_ONCE)
    passed = 0
    for matter in overdue:
        passed += await _pass(desk, matter)
    return passed


async def _pass(desk: Desk, matter: AfterSale) -> bool:
    change = Change(Move.TIME_IS_UP, CLOCK, reason=RefundReason.ANSWER_TOO_LATE)
    try:
        async with desk.database.transaction() as transaction:
            # The platform alone knows whether the money went back.
            await reconciling.read_back_now(transaction.conn, [matter.order_name])
            await move(transaction, matter, change, read_back_after=desk.settings.read_back_after)
    except Outrun:
        return False
    return True


async def say_due_soon(desk: Desk) -> int:
    async with desk.database.transaction() as transaction:
        due = await queries.mark_due_soon(
            transaction.conn, within=desk.settings.refund_due_soon, limit=AT_ONCE
        )
        transaction.emit(
            [event_named(matter, "after_sale.due_soon", before=matter) for matter in due]
        )
    return len(due)


async def measure(desk: Desk) -> int:
    """Set the gauges, whoever did the work."""
    async with desk.database.pool.acquire() as conn:
        waiting = await queries.measure(conn, within=desk.settings.refund_due_soon)
        RELEASING.set(await lock_queries.count_releasing(conn))
    PENDING.set(waiting.pending)
    DUE_SOON.set(waiting.due_soon)
    UNTOLD.set(waiting.untold)
    SECONDS_LEFT.set(waiting.seconds_left or 0)
    return 0
