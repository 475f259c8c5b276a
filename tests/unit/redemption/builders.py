"""Values of the redemption domain with defaults, of which a test names what it is about."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from services.redemption.domain.records import (
    Claim,
    Offer,
    Preparation,
    Redemption,
    Spent,
)
from services.redemption.domain.states import LedgerState, RedemptionState
from shared.contracts.orders import CouponState
from shared.platforms.answers import Coupon, CouponKind

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
ID = UUID("01a20000-0000-7000-8000-000000000001")
OTHER_ID = UUID("01a20000-0000-7000-8000-000000000002")
POI = "6601248937917548558"


def a_coupon(coupon_id: str = "c1", **changes: Any) -> Coupon:
    values: dict[str, Any] = {
        "coupon_id": coupon_id,
        "encrypted_code": "CgwIARDh",
        "state": CouponState.AVAILABLE,
        "reason": None,
        "title": "双人餐",
        "kind": CouponKind.GROUP_MEAL,
        "account_id": None,
        "original_amount_fen": 10000,
        "pay_amount_fen": 8800,
        "valid_from": None,
        "expires_at": None,
        "times_total": None,
        "times_used": None,
        "verify_id": None,
        "verified_at": None,
        "verified_poi_id": None,
        "can_cancel": None,
    }
    return Coupon(**values | changes)


def a_card(coupon_id: str = "c1", *, used: int = 0, total: int = 10, **changes: Any) -> Coupon:
    return a_coupon(
        coupon_id,
        kind=CouponKind.TIMES_CARD,
        times_total=total,
        times_used=used,
        **changes,
    )


def an_offer(coupon_id: str = "c1", **changes: Any) -> Offer:
    values: dict[str, Any] = {
        "coupon_id": coupon_id,
        "use_no": 1,
        "title": "双人餐",
        "kind": CouponKind.GROUP_MEAL,
        "original_amount_fen": 10000,
        "pay_amount_fen": 8800,
        "valid_from": None,
        "expires_at": None,
        "times_left": None,
        "reason": None,
    }
    return Offer(**values | changes)


def a_claim(coupon_id: str = "c1", **changes: Any) -> Claim:
    values: dict[str, Any] = {
        "redemption_id": OTHER_ID,
        "coupon_id": coupon_id,
        "use_no": 1,
        "state": LedgerState.SPENT,
        "store_id": "s-1",
        "store_name": "人民广场店",
        "terminal_id": "t-9",
        "redeemed_at": NOW - timedelta(minutes=5),
        "claimed_at": NOW - timedelta(minutes=5),
    }
    return Claim(**values | changes)


def a_preparation(*offers: Offer, **changes: Any) -> Preparation:
    values: dict[str, Any] = {
        "preparation_id": ID,
        "merchant": "yihetang",
        "store_id": "s-1",
        "terminal_id": "t-1",
        "platform": "douyin",
        "poi_id": POI,
        "account_id": None,
        "order_id": "o1",
        "scan_hash": b"hash",
        "offers": offers or (an_offer(),),
        "sealed": b"sealed",
        "prepared_at": NOW - timedelta(minutes=1),
        "created_at": NOW - timedelta(minutes=1),
        "expires_at": NOW + timedelta(minutes=9),
    }
    return Preparation(**values | changes)


def a_redemption(**changes: Any) -> Redemption:
    values: dict[str, Any] = {
        "redemption_id": ID,
        "request_digest": b"digest",
        "merchant": "yihetang",
        "store_id": "s-1",
        "terminal_id": "t-1",
        "platform": "douyin",
        "order_id": "o1",
        "preparation_id": ID,
        "coupon_ids": ["c1"],
        "coupon_versions": [1],
        "state": RedemptionState.REDEEMED,
        "reason": None,
        "attempts": 1,
        "answer": "{}",
        "traceparent": "00-" + "0" * 32 + "-" + "0" * 16 + "-01",
        "created_at": NOW,
    }
    return Redemption(**values | changes)


def a_row(coupon_id: str = "c1", **changes: Any) -> Spent:
    values: dict[str, Any] = {
        "coupon_id": coupon_id,
        "times_card": False,
        "state": LedgerState.SPENT,
        "title": "双人餐",
        "original_amount_fen": 10000,
        "pay_amount_fen": 8800,
        "verify_id": "v1",
        "redeemed_at": NOW,
        "cancel_until": NOW + timedelta(hours=1),
        "released_at": None,
        "released_because": None,
    }
    return Spent(**values | changes)
