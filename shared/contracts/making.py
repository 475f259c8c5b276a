"""Makes events from their data."""

from datetime import datetime
from uuid import UUID

from shared.clock import utc_now
from shared.contracts.envelope import Event, EventData
from shared.ids import new_id, new_trace_parent


def event(
    data: EventData,
    *,
    subject: str,
    merchant: str,
    version: int = 1,
    event_type: str | None = None,
    event_id: UUID | None = None,
    time: datetime | None = None,
    traceparent: str | None = None,
) -> Event:
    """Wrap data in an envelope. Pass the cause's traceparent, so one id can be followed."""
    return Event(
        id=event_id or new_id(),
        source=data.SOURCE,
        type=event_type or data.TYPE,
        subject=subject,
        time=time or utc_now(),
        merchant=merchant,
        version=version,
        traceparent=traceparent or new_trace_parent(),
        data=data.model_dump(mode="json"),
    )
