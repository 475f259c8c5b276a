"""What the controls answer, and what stands in their queries and bodies."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, NotRequired

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, create_model
from typing_extensions import TypedDict

from services.simulator.domain.faults import Faults
from services.simulator.domain.pace import Pace
from services.simulator.handlers.purchasing import Refused
from shared.web.query import Cursor, Query, Text, Truth, whole_number

Limit = Annotated[int, Field(ge=1, le=1000), BeforeValidator(whole_number)]


class BooksQuery(Query):
    limit: Limit = 50
    cursor: Cursor | None = None


class WebhooksQuery(BooksQuery):
    """The platform's own ones; copies of forgers only with forged=true."""

    state: Literal["queued", "acknowledged", "failed", "lost"] | None = None
    acknowledged: Truth = False
    forged: Truth = False


class QuestionsQuery(BooksQuery):
    state: Text | None = None
    action: Text | None = None


class GoodsQuery(BooksQuery):
    account_id: Text | None = None


class ResetRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    confirm: Literal["forget everything"]


class FaultsRequest(Faults):
    """Switches by name; or a preset, with a seed of one's own."""

    preset: Literal["none", "all"] | None = None


# Members that are left out stay as they are.
PaceChange: type[BaseModel] = create_model(
    "PaceChange",
    __config__=ConfigDict(extra="forbid"),
    # Any: what create_model takes.
    **{  # type: ignore[call-overload]
        name: (Annotated[info.annotation, Field(), *info.metadata], None)
        for name, info in Pace.model_fields.items()
    },
)


class Status(TypedDict):
    status: str


class Ready(TypedDict):
    status: Literal["ok", "not ready"]
    missing: Sequence[str]


class ShownApp(TypedDict):
    client_key: str
    webhook_url: str | None
    webhook_verified_at: datetime | None


class PlacedCoupon(TypedDict):
    certificate_id: str
    code: str
    short_link: str
    expires_at: datetime | None


class PlacedOrder(TypedDict):
    order_id: str
    account_id: str
    reference: str | None
    order_status: int
    pay_amount_fen: int
    coupons: Sequence[PlacedCoupon]


class Placed(TypedDict):
    orders: Sequence[PlacedOrder]
    refused: Sequence[Refused]


class Paid(TypedDict):
    paid: Sequence[str]


class RefusedRefund(TypedDict):
    certificate_id: str
    state: str | None


class RefundsTaken(TypedDict):
    accepted: Sequence[str]
    refused: Sequence[RefusedRefund]


class Announced(TypedDict):
    msg_ids: Sequence[str]


class VerificationMade(TypedDict):
    verify_id: str
    serial: int
    poi_id: str
    verified_at: datetime
    cancelled_at: datetime | None


class BookedCoupon(TypedDict):
    certificate_id: str
    state: str
    pay_amount_fen: int
    times_count: int
    times_used: int
    refunded_fen: int
    settled_fen: int
    settled_at: datetime | None
    refunded_at: datetime | None
    verifications: Sequence[VerificationMade]


class BookedRefund(TypedDict):
    after_sale_id: str
    certificate_ids: Sequence[str]
    cause: str
    state: str
    decided_by: str | None
    amount_fen: int
    out_refund_no: str | None


class BookedOrder(TypedDict):
    order_id: str
    account_id: str
    reference: str | None
    order_status: int
    state: str
    original_amount_fen: int
    pay_amount_fen: int
    paid_fen: int
    refunded_fen: int
    settled_fen: int
    channel: str
    code_origin: str
    sku_id: str
    third_sku_id: str
    out_order_id: str | None
    created_at: datetime
    paid_at: datetime | None
    updated_at: datetime
    coupons: Sequence[BookedCoupon]
    after_sales: Sequence[BookedRefund]


class VerificationCounts(TypedDict):
    made: int
    cancelled: int


# How many of each.
Counts = Mapping[str, int]


class Statistics(TypedDict):
    questions: Mapping[str, Counts]
    after_sales: Mapping[str, Counts]
    money_fen: Counts
    orders: Counts
    coupons: Counts
    verifications: VerificationCounts
    webhooks: Mapping[str, Counts]
    webhook_attempts: Counts
    calls: Mapping[str, Counts]
    faults_injected: Counts


class Idle(TypedDict):
    idle: bool
    webhooks_queued: int
    webhooks_due: int
    next_webhook_at: datetime | None
    refunds_waiting: int
    questions_queued: int
    codes_owed: int


class PlatformKey(TypedDict):
    public_key: str


class BookedProduct(TypedDict):
    """`draft` and `online` as the platform's own paths show them."""

    product_id: str
    account_id: str
    out_id: str
    # Any: the platform's own shapes.
    draft: NotRequired[dict[str, Any] | None]
    online: NotRequired[dict[str, Any] | None]
