"""What orders says of refunds that are asked of us: the whole matter after each step."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from shared.contracts.envelope import EventData


class AfterSaleState(StrEnum):
    """How far the matter has come; docs/after-sales.md draws the table."""

    ASKED = "asked"
    WAITING = "waiting"
    PENDING = "pending"
    APPROVING = "approving"
    REJECTING = "rejecting"
    APPROVED = "approved"
    REJECTED = "rejected"
    PASSED = "passed"
    CLOSED = "closed"


class AfterSaleChanged(EventData):
    """The event's type says what happened; newest version wins."""

    TYPE: ClassVar[str] = "after_sale"
    SOURCE: ClassVar[str] = "qiao/orders"

    after_sale_id: str
    platform: str
    order_id: str
    state: AfterSaleState
    previous_state: AfterSaleState | None
    # None named: the whole order.
    coupon_ids: tuple[str, ...]
    granted_coupon_ids: tuple[str, ...]
    amount_fen: int | None
    reason: str | None
    decided_by: str | None
    asked_at: datetime
    answer_until: datetime
    decided_at: datetime | None
