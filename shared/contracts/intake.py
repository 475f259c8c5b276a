"""What intake says: every delivery of a platform, as it came, personal fields sealed."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from shared.contracts.envelope import EventData


class PlatformDelivery(EventData):
    """One accepted delivery, of type `platform.<platform>.<event>`; subject is its id."""

    TYPE: ClassVar[str] = "platform"
    SOURCE: ClassVar[str] = "qiao/intake"

    delivery_id: UUID
    platform: str
    client_key: str
    account_id: str | None
    event: str
    msg_id: str | None
    received_at: datetime
    # The platform's own time is older than its retries explain: a flag, never a refusal.
    late: bool = False
    content: Any


class DeliveryConflicted(EventData):
    """A message id came again with another body: a platform bug or a forgery."""

    TYPE: ClassVar[str] = "intake.delivery_conflicted"
    SOURCE: ClassVar[str] = "qiao/intake"

    delivery_id: UUID
    first_delivery_id: UUID
    platform: str
    client_key: str
    account_id: str | None
    event: str
    msg_id: str
    received_at: datetime
    # What the platform says the message is about, so that its state can be read back.
    order_ids: tuple[str, ...] = ()


class QuestionAnswered(EventData):
    """A question of the platform and what became of it; the answer itself is in the record."""

    TYPE: ClassVar[str] = "intake.question_answered"
    SOURCE: ClassVar[str] = "qiao/intake"

    delivery_id: UUID
    platform: str
    client_key: str
    account_id: str | None
    event: str
    # accepted, refused, pending, retry, unsupported, unreadable or conflicted.
    outcome: str
    reason: str | None
    milliseconds: int
    answered_at: datetime
    # What the question was about.
    order_ids: tuple[str, ...] = ()


class DeliveryRevealed(EventData):
    """Somebody read a delivery's body with its personal fields; for the audit."""

    TYPE: ClassVar[str] = "intake.delivery_revealed"
    SOURCE: ClassVar[str] = "qiao/intake"

    delivery_id: UUID
    platform: str
    client_key: str
    event: str
    revealed_by: str
    revealed_at: datetime
