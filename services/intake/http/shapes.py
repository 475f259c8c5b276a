"""What the routes answer, and what stands in their queries."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from shared.web.query import PageQuery, Query, Text, Time
from shared.web.shapes import IdText


class SignedBody(BaseModel):
    """As the platform documents it; what is signed are its bytes."""

    model_config = ConfigDict(extra="allow")


class PlatformAnswer(TypedDict):
    """As the platform wants it."""

    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]


class OfMerchant(PageQuery):
    merchant: Text | None = None


class DeliveriesQuery(OfMerchant):
    client_key: Text | None = None
    event: Text | None = None
    since: Time | None = Field(default=None, alias="from")
    until: Time | None = Field(default=None, alias="to")


class ConflictsQuery(OfMerchant):
    client_key: Text | None = None


class CountsQuery(Query):
    """Whole hours; the last 24 of them unless told otherwise."""

    merchant: Text | None = None
    since: Time | None = Field(default=None, alias="from")
    until: Time | None = Field(default=None, alias="to")


class ShownSecret(TypedDict):
    """A secret goes in and never comes out again."""

    secret_id: IdText
    fingerprint: str
    created_at: datetime
    expires_at: datetime | None
    deleted: bool


class ShownApplication(TypedDict):
    client_key: str
    platform: str
    merchant: str
    name: str
    kind: str
    created_at: datetime
    secrets: Sequence[ShownSecret]


class ShownTradeKey(TypedDict):
    key_id: IdText
    sort: Literal["token", "public_key"]
    fingerprint: str
    created_at: datetime
    expires_at: datetime | None


class ShownMiniProgram(TypedDict):
    client_key: str
    app_id: str
    order_path: str
    pay_notify_url: str | None
    keys: Sequence[ShownTradeKey]


class ApplicationWithTrade(ShownApplication):
    trade: ShownMiniProgram | None


class SecretDeleted(TypedDict):
    secret_id: IdText
    deleted: Literal[True]


class TradeKeyDeleted(TypedDict):
    key_id: IdText
    deleted: Literal[True]


class ShownQuestionAnswer(TypedDict):
    """What a question was answered, and how long that took."""

    outcome: str
    reason: str | None
    milliseconds: int | None
    answered_at: datetime | None


class ShownDelivery(TypedDict):
    delivery_id: IdText
    client_key: str
    platform: str
    merchant: str
    account_id: str | None
    event: str
    msg_id: str | None
    digest: str
    body_bytes: int
    received_at: datetime
    sent_at: datetime | None
    late: bool
    repeats: int
    last_repeat_at: datetime | None
    published: bool
    answer: ShownQuestionAnswer | None
    trace: str


class ShownConflict(TypedDict):
    """Another body under an id that had come before."""

    delivery_id: IdText
    first_delivery_id: IdText
    client_key: str
    platform: str
    merchant: str
    account_id: str | None
    event: str
    msg_id: str | None
    digest: str
    received_at: datetime
    times: int
    trace: str


class RevealedDelivery(TypedDict):
    """`answer` is what a question was answered, null of what is none."""

    delivery_id: IdText
    body: str
    answer: str | None


class Missing(TypedDict):
    missing: Sequence[str]


class ShownCounts(TypedDict):
    client_key: str
    merchant: str
    accepted: int
    duplicates: int
    conflicts: int
    refused: int
    last_accepted_at: datetime | None
    silence_seconds: float | None


class PlatformToken(TypedDict):
    platform: str
    client_key: str
    account_id: str | None
    access_token: str
    expires_at: datetime


class Requeued(TypedDict):
    queued: int
    deliveries: int
    events: int
