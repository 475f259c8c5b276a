"""What a scan offers: the platform's word, corrected by what our own ledger knows."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from services.redemption.domain.records import Claim, Offer
from services.redemption.domain.states import LedgerState
from shared.platforms.answers import Coupon, CouponKind
from shared.platforms.reasons import Reason

# What the platform reads back may be this old; only a later offer contradicts the ledger.
_READS_SETTLE: Final = timedelta(seconds=60)


def offers_of(coupons: Sequence[Coupon], claims: Sequence[Claim]) -> tuple[Offer, ...]:
    """`claims` are asked for cards alone: they decide which use is the next one."""
    return tuple(
        Offer(
            coupon_id=coupon.coupon_id,
            use_no=next_use(
                coupon, {claim.use_no for claim in claims if claim.coupon_id == coupon.coupon_id}
            ),
            title=coupon.title,
            kind=coupon.kind,
            original_amount_fen=coupon.original_amount_fen,
            pay_amount_fen=coupon.pay_amount_fen,
            valid_from=coupon.valid_from,
            expires_at=coupon.expires_at,
            times_left=_times_left(coupon),
            reason=coupon.reason,
        )
        for coupon in coupons
    )


def with_claims(offers: Sequence[Offer], claims: Sequence[Claim]) -> tuple[Offer, ...]:
    """The offers as they are shown: what somebody holds or has spent is not usable."""
    taken = {(claim.coupon_id, claim.use_no): claim for claim in claims}
    return tuple(
        replace(offer, reason=reason_of(taken[offer.coupon_id, offer.use_no]))
        if offer.reason is None and (offer.coupon_id, offer.use_no) in taken
        else offer
        for offer in offers
    )


def is_card(coupon: Coupon) -> bool:
    return coupon.kind is CouponKind.TIMES_CARD


def next_use(coupon: Coupon, taken: set[int]) -> int:
    """Which use would be spent: always the first of an ordinary coupon.

    Tills that prepare the same card at once get the same number, so only one of them spends it.
    A use that was taken back leaves a gap below the platform's count, which is filled again.
    """
    if not is_card(coupon):
        return 1
    following = (coupon.times_used or 0) + 1
    if following not in taken:
        return following
    return next(number for number in range(1, following + len(taken) + 1) if number not in taken)


def _times_left(coupon: Coupon) -> int | None:
    if coupon.times_total is None:
        return None
    return max(0, coupon.times_total - (coupon.times_used or 0))


def reason_of(claim: Claim) -> Reason:
    return (
        Reason.ALREADY_REDEEMED if claim.state is LedgerState.SPENT else Reason.REDEEMING_ELSEWHERE
    )


def taken_back_elsewhere(
    coupons: Sequence[Coupon], claims: Sequence[Claim], *, now: datetime
) -> tuple[Claim, ...]:
    """Claims that the platform contradicts: it offers a coupon that we spent well before.

    Whoever took it back did so at the platform, and the message of it was lost.
    """
    offered = {coupon.coupon_id for coupon in coupons if coupon.usable and not is_card(coupon)}
    return tuple(
        claim
        for claim in claims
        if claim.coupon_id in offered
        and claim.state is LedgerState.SPENT
        and claim.redeemed_at is not None
        and claim.redeemed_at < now - _READS_SETTLE
    )
