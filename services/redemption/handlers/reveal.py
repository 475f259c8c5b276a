"""Shows the code of a coupon of ours to somebody who may see it, and says that it was shown."""

from dataclasses import dataclass

from services.redemption.domain.codes import Code
from services.redemption.handlers.desk import Desk
from services.redemption.handlers.issue import unseal_code
from services.redemption.queries.issued_changes import find_code
from shared.clock import utc_now
from shared.contracts.making import event
from shared.contracts.redemption import CouponRevealed
from shared.errors import NotFound
from shared.sealing.keyring import CannotOpen


@dataclass(frozen=True, slots=True)
class Viewer:
    """None: of every merchant."""

    subject: str
    merchant: str | None
    traceparent: str


async def reveal(desk: Desk, viewer: Viewer, coupon_id: str) -> Code:
    """The event is kept before the code is shown. Raises NotFound."""
    async with desk.database.pool.acquire() as conn:
        found = await find_code(conn, coupon_id)
        if found is None or viewer.merchant not in (None, found.merchant):
            message = "no such coupon with a code of ours"
            raise NotFound(message)
        await desk.keyring.load_for(conn, [found.sealed_code])
    try:
        code = Code(unseal_code(desk, found.platform, coupon_id, found.sealed_code))
    except CannotOpen:
        message = "this code can no longer be opened: its key was destroyed"
        raise NotFound(message) from None
    said = event(
        CouponRevealed(
            coupon_id=coupon_id,
            platform=found.platform,
            order_id=found.order_id,
            revealed_by=viewer.subject,
            revealed_at=utc_now(),
        ),
        subject=coupon_id,
        merchant=found.merchant,
        version=found.version,
        traceparent=viewer.traceparent,
    )
    async with desk.database.transaction() as transaction:
        transaction.emit([said])
    return code
