"""What the routes answer, and what stands in their queries."""

from collections.abc import Sequence
from typing import Literal, NotRequired

from typing_extensions import TypedDict

from services.redemption.queries.days import DayTotals
from shared.platforms.reasons import Reason
from shared.web.query import Day, PageQuery, Text
from shared.web.shapes import DayText, IdText, TimeText


class DayQuery(PageQuery):
    """Today in the store's own time zone, unless a day is named."""

    store_id: Text | None = None
    date: Day | None = None


class ShownWords(TypedDict):
    zh: str
    en: str


class ShownGuidance(TypedDict):
    """What happened, and what the clerk should do now."""

    title: ShownWords
    action: ShownWords


class ReasonWithGuidance(ShownGuidance):
    reason: Reason


class Named(TypedDict):
    redemption_id: IdText
    order_id: str
    store_id: str
    terminal_id: str


class OfferedCoupon(TypedDict):
    coupon_id: str
    title: str
    kind: str | None
    original_amount_fen: int
    pay_amount_fen: int
    valid_from: TimeText | None
    expires_at: TimeText | None
    times_left: int | None
    usable: bool
    reason: Reason | None
    guidance: ShownGuidance | None


class ShownPreparation(TypedDict):
    preparation_id: IdText
    platform: str
    order_id: str
    expires_at: TimeText
    coupons: Sequence[OfferedCoupon]


class EndedCoupon(TypedDict):
    coupon_id: str
    title: str
    original_amount_fen: int
    pay_amount_fen: int
    times_left: int | None
    outcome: Literal["redeemed", "refused"]
    reason: Reason | None
    guidance: ShownGuidance | None


class Redeemed(Named):
    outcome: Literal["redeemed"]
    redeemed_at: TimeText
    cancel_until: TimeText
    coupons: Sequence[EndedCoupon]


class Pending(Named, ShownGuidance):
    """Do not hand over yet: ask again with the same id, it settles by itself."""

    outcome: Literal["pending"]
    coupon_ids: Sequence[str]
    since: TimeText


class ShownClaim(TypedDict):
    """Where and when the coupon went."""

    store_id: str | None
    store_name: str | None
    terminal_id: str | None
    redeemed_at: TimeText | None
    claimed_at: TimeText | None


class Refused(ShownGuidance):
    """Final for its redemption_id or cancel_id; what was not known when it was refused is left
    out.
    """

    outcome: Literal["refused"]
    reason: Reason
    detail: str
    claim: NotRequired[ShownClaim]
    cancel_id: NotRequired[IdText]
    redemption_id: NotRequired[IdText]
    order_id: NotRequired[str]
    store_id: NotRequired[str]
    terminal_id: NotRequired[str]
    coupon_ids: NotRequired[Sequence[str]]
    coupons: NotRequired[Sequence[EndedCoupon]]


class TakenBackCoupon(TypedDict):
    coupon_id: str
    outcome: Literal["cancelled", "refused"]
    reason: Reason | None
    guidance: ShownGuidance | None


class Cancelled(TypedDict):
    outcome: Literal["cancelled"]
    cancel_id: IdText
    redemption_id: IdText
    cancelled_at: TimeText
    coupons: Sequence[TakenBackCoupon]


class CancelPending(ShownGuidance):
    outcome: Literal["pending"]
    cancel_id: IdText
    redemption_id: IdText
    since: TimeText


class SpentCoupon(TypedDict):
    coupon_id: str
    state: str
    title: str
    original_amount_fen: int
    pay_amount_fen: int
    redeemed_at: TimeText | None
    cancel_until: TimeText | None
    released_at: TimeText | None
    released_because: str | None


class ShownRedemption(Named):
    """As it is now, which a cancellation changes."""

    outcome: Literal["redeemed", "refused", "pending", "cancelled"]
    reason: Reason | None
    requested_at: TimeText
    cancel_until: TimeText | None
    coupons: Sequence[SpentCoupon]


class DayItemShown(TypedDict):
    redemption_id: IdText
    order_id: str
    terminal_id: str
    outcome: str
    requested_at: TimeText
    cancel_until: TimeText | None
    coupons: Sequence[SpentCoupon]


class StoreDayShown(TypedDict):
    store_id: str
    store_name: str
    date: DayText
    time_zone: str


class RedemptionsOfDay(StoreDayShown):
    items: Sequence[DayItemShown]
    next_cursor: str | None
    totals: DayTotals


class ShownRefusal(ShownGuidance):
    refusal_id: IdText
    step: str
    terminal_id: str
    reason: Reason
    redemption_id: IdText | None
    order_id: str | None
    coupon_ids: Sequence[str]
    refused_at: TimeText


class RefusalsOfDay(StoreDayShown):
    items: Sequence[ShownRefusal]
    next_cursor: str | None
