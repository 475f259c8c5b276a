"""What a move means for the locks of an after-sale, in the very same commit."""

from services.orders.domain.after_sales import LockDuty, Move, lock_duty
from services.orders.queries import locks as queries
from services.orders.queries.after_sales import AfterSale
from shared.contracts.after_sales import AfterSaleState
from shared.postgres.connection import Connection

_SETTLED = frozenset({AfterSaleState.APPROVED, AfterSaleState.CLOSED})


async def see_to_locks(conn: Connection, moved: AfterSale, move: Move) -> None:
    """Release them, or those of the coupons whose refund was not granted."""
    if lock_duty(moved.state, move) is LockDuty.RELEASE:
        await queries.release_locks(conn, moved)
    elif moved.state in _SETTLED and moved.granted_coupon_ids:
        await queries.narrow_locks(conn, moved, moved.granted_coupon_ids)
