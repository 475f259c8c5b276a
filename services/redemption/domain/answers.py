"""The bodies that terminals get: redeemed, refused or pending, in words for the clerk."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from services.redemption.domain.records import (
    Cancellation,
    Claim,
    Offer,
    Preparation,
    Redemption,
    Refusal,
    Spent,
)
from services.redemption.domain.settling import Ending, Verdict
from shared.platforms.reasons import GUIDANCE, Guidance, Reason, Words

# Any in these signatures: JSON.
Body = dict[str, Any]

STILL_ASKING: Final = Guidance(
    title=Words("平台还没有答复", "The platform has not answered yet"),
    action=Words(
        "请稍等,屏幕会自动显示结果;不要换一台收银机重扫",
        "Wait: this screen shows the result by itself; do not scan at another till",
    ),
)
# Many digits, or a word longer than any that people write.
_CODE: Final = re.compile(r"\d{8,}|[0-9A-Za-z+/=_-]{24,}", re.ASCII)
# HTTP statuses of refusals that are not 409.
_STATUSES: Final[Mapping[Reason, int]] = MappingProxyType(
    {
        Reason.PREPARATION_UNKNOWN: 404,
        Reason.REDEMPTION_UNKNOWN: 404,
        Reason.TOO_MANY_ATTEMPTS: 429,
        Reason.PLATFORM_BUSY: 503,
        Reason.PLATFORM_UNREACHABLE: 503,
    }
)


def status_of_lookup(reason: Reason) -> int:
    """A preparation is no answer to keep: a platform that is away is a 503, to be tried again."""
    return _STATUSES.get(reason, 409)


def status_of_request(reason: Reason) -> int:
    """Of a redemption or a cancellation: its refusal is final, so it is 409 whatever the cause."""
    return 404 if _STATUSES.get(reason) == 404 else 409  # noqa: PLR2004 - its name is Not Found


def words(guidance: Guidance) -> Body:
    return {
        "title": {"zh": guidance.title.zh, "en": guidance.title.en},
        "action": {"zh": guidance.action.zh, "en": guidance.action.en},
    }


def refused(refusal: Refusal, **members: Any) -> Body:
    body = {
        "outcome": "refused",
        "reason": refusal.reason,
        "detail": without_codes(refusal.detail),
        **words(GUIDANCE[refusal.reason]),
        **members,
    }
    return body | {"claim": _claim(refusal.claim)} if refusal.claim else body


def without_codes(detail: str) -> str:
    """The platform's own words may repeat a code; answers are kept, so they must not."""
    return _CODE.sub("…", detail)


def _claim(claim: Claim) -> Body:
    """Where and when the coupon went, for the customer who does not agree."""
    return {
        "store_id": claim.store_id,
        "store_name": claim.store_name,
        "terminal_id": claim.terminal_id,
        "redeemed_at": _iso(claim.redeemed_at),
        "claimed_at": _iso(claim.claimed_at),
    }


def prepared(preparation: Preparation) -> Body:
    return {
        "preparation_id": str(preparation.preparation_id),
        "platform": preparation.platform,
        "order_id": preparation.order_id,
        "expires_at": _iso(preparation.expires_at),
        "coupons": [_offered(offer) for offer in preparation.offers],
    }


def _offered(offer: Offer) -> Body:
    return {
        "coupon_id": offer.coupon_id,
        "title": offer.title,
        "kind": offer.kind,
        "original_amount_fen": offer.original_amount_fen,
        "pay_amount_fen": offer.pay_amount_fen,
        "valid_from": _iso(offer.valid_from),
        "expires_at": _iso(offer.expires_at),
        "times_left": offer.times_left,
        "usable": offer.reason is None,
        "reason": offer.reason,
        "guidance": words(GUIDANCE[offer.reason]) if offer.reason else None,
    }


def redeemed(
    redemption: Redemption,
    offers: Sequence[Offer],
    verdicts: Sequence[Verdict],
    *,
    redeemed_at: datetime,
    cancel_until: datetime,
    times: int = 1,
) -> Body:
    by_id = {verdict.coupon_id: verdict for verdict in verdicts}
    return {
        "outcome": "redeemed",
        **names(redemption),
        "redeemed_at": _iso(redeemed_at),
        "cancel_until": _iso(cancel_until),
        "coupons": [_ended(offer, by_id[offer.coupon_id], times=times) for offer in offers],
    }


def ended(offers: Sequence[Offer], verdicts: Sequence[Verdict]) -> list[Body]:
    by_id = {verdict.coupon_id: verdict for verdict in verdicts}
    return [_ended(offer, by_id[offer.coupon_id]) for offer in offers]


def _ended(offer: Offer, verdict: Verdict, *, times: int = 1) -> Body:
    spent = verdict.ending is Ending.SPENT
    reason = None if spent else verdict.reason or Reason.UNKNOWN_PLATFORM_ERROR
    return {
        "coupon_id": offer.coupon_id,
        "title": offer.title,
        "original_amount_fen": offer.original_amount_fen,
        "pay_amount_fen": offer.pay_amount_fen,
        "times_left": offer.times_left - times if spent and offer.times_left else offer.times_left,
        "outcome": "redeemed" if spent else "refused",
        "reason": reason,
        "guidance": words(GUIDANCE[reason]) if reason else None,
    }


def pending(redemption: Redemption) -> Body:
    return {
        "outcome": "pending",
        **names(redemption),
        "coupon_ids": list(redemption.coupon_ids),
        "since": _iso(redemption.created_at),
        **words(STILL_ASKING),
    }


def names(redemption: Redemption) -> Body:
    return {
        "redemption_id": str(redemption.redemption_id),
        "order_id": redemption.order_id,
        "store_id": redemption.store_id,
        "terminal_id": redemption.terminal_id,
    }


def cancelled(
    cancellation: Cancellation, verdicts: Sequence[Verdict], *, cancelled_at: datetime
) -> Body:
    return {
        "outcome": "cancelled",
        "cancel_id": str(cancellation.cancel_id),
        "redemption_id": str(cancellation.redemption_id),
        "cancelled_at": _iso(cancelled_at),
        "coupons": [_taken_back(verdict) for verdict in verdicts],
    }


def _taken_back(verdict: Verdict) -> Body:
    done = verdict.ending is Ending.SPENT
    reason = None if done else verdict.reason or Reason.UNKNOWN_PLATFORM_ERROR
    return {
        "coupon_id": verdict.coupon_id,
        "outcome": "cancelled" if done else "refused",
        "reason": reason,
        "guidance": words(GUIDANCE[reason]) if reason else None,
    }


def cancel_pending(cancellation: Cancellation) -> Body:
    return {
        "outcome": "pending",
        "cancel_id": str(cancellation.cancel_id),
        "redemption_id": str(cancellation.redemption_id),
        "since": _iso(cancellation.created_at),
        **words(STILL_ASKING),
    }


def shown(redemption: Redemption, rows: Sequence[Spent]) -> Body:
    """A redemption as it is now: cancelled once all of it was taken back."""
    taken_back = bool(rows) and all(row.state == "released" for row in rows)
    cancelled_now = taken_back and redemption.state == "redeemed"
    return {
        **names(redemption),
        "outcome": "cancelled" if cancelled_now else redemption.state,
        "reason": redemption.reason,
        "requested_at": _iso(redemption.created_at),
        "cancel_until": cancel_until(rows),
        "coupons": [shown_row(row) for row in rows],
    }


def cancel_until(rows: Sequence[Spent]) -> str | None:
    """Until when some of it can still be taken back; None where nothing is left to take back."""
    left = [row.cancel_until for row in rows if row.state == "spent" and row.cancel_until]
    return _iso(max(left, default=None))


def shown_row(row: Spent) -> Body:
    return {
        "coupon_id": row.coupon_id,
        "state": row.state,
        "title": row.title,
        "original_amount_fen": row.original_amount_fen,
        "pay_amount_fen": row.pay_amount_fen,
        "redeemed_at": _iso(row.redeemed_at),
        "cancel_until": _iso(row.cancel_until) if row.state == "spent" else None,
        "released_at": _iso(row.released_at),
        "released_because": row.released_because,
    }


def reasons() -> Body:
    return {
        "items": [{"reason": reason, **words(guidance)} for reason, guidance in GUIDANCE.items()],
        "next_cursor": None,
    }


def _iso(time: datetime | None) -> str | None:
    return time.isoformat() if time else None
