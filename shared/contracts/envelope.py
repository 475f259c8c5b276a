"""The CloudEvents 1.0 envelope that every event travels in, and its NATS subject.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md; the extensions are
`merchant`, `version` and `traceparent`.
"""

import re
from datetime import datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

SUBJECT_PREFIX = "qiao.v1"
MERCHANT_PATTERN = re.compile(r"^[a-z0-9][a-z0-9-]{1,38}$")


class Contract(BaseModel):
    """A frozen piece of a message. Unknown members are ignored: contracts change by adding."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class EventData(Contract):
    """The `data` of one kind of event; `type` and `source` are fixed per kind."""

    TYPE: ClassVar[str]
    SOURCE: ClassVar[str]


class Event(Contract):
    """One CloudEvent. `version` grows by one per change of the entity named by `subject`."""

    specversion: Literal["1.0"] = "1.0"
    id: UUID
    source: str
    type: str
    subject: str
    time: datetime
    datacontenttype: Literal["application/json"] = "application/json"
    merchant: str = Field(pattern=MERCHANT_PATTERN.pattern)
    version: int = Field(ge=1)
    traceparent: str
    data: dict[str, Any]

    @property
    def nats_subject(self) -> str:
        return f"{SUBJECT_PREFIX}.{self.merchant}.{self.type}"


def filter_subject(event_type: str, *, merchant: str = "*") -> str:
    """The NATS filter for a type or a family of types: `order.>`, `coupon.redeemed`."""
    return f"{SUBJECT_PREFIX}.{merchant}.{event_type}"
