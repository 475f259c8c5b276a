"""Whether a redemption may start: what speaks against it before the platform is asked."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import orjson

from services.redemption.domain.offers import reason_of
from services.redemption.domain.records import (
    Claim,
    Fact,
    FactKind,
    Offer,
    Preparation,
    Refusal,
)
from shared.platforms.answers import CouponKind
from shared.platforms.reasons import Reason


def digest_of_request(
    store_id: str, preparation_id: UUID, coupon_ids: Sequence[str], *, times: int = 1
) -> bytes:
    """What makes two requests with one redemption_id the same request."""
    content: list[object] = [store_id, str(preparation_id), sorted(coupon_ids)]
    if times != 1:
        content.append(times)
    return hashlib.sha256(orjson.dumps(content)).digest()


def chosen(preparation: Preparation, coupon_ids: Sequence[str]) -> tuple[Offer, ...]:
    """The offers asked for, in the order in which everybody locks them."""
    wanted = set(coupon_ids)
    found = [offer for offer in preparation.offers if offer.coupon_id in wanted]
    return tuple(sorted(found, key=lambda offer: offer.coupon_id))


def refusal_before_asking(
    preparation: Preparation,
    coupon_ids: Sequence[str],
    *,
    claims: Sequence[Claim],
    facts: Sequence[Fact],
    claimed: bool,
    now: datetime,
    coupons_per_call: int,
) -> Refusal | None:
    """The first thing that speaks against it, the most telling one first."""
    offers = chosen(preparation, coupon_ids)
    if len(offers) < len(set(coupon_ids)):
        return Refusal(Reason.COUPON_NOT_IN_PREPARATION, "a coupon is not among those of this scan")
    if len(offers) > coupons_per_call:
        return Refusal(
            Reason.TOO_MANY_COUPONS, f"the platform spends {coupons_per_call} coupons at once"
        )
    return (
        lost_to(offers, claims)
        or _used(claimed=claimed)
        or _expired(preparation, now)
        or _heard_since(preparation, offers, facts)
        or _unusable(offers)
    )


def lost_to(offers: Sequence[Offer], claims: Sequence[Claim]) -> Refusal | None:
    """Who holds or has spent what is asked for."""
    uses = {(offer.coupon_id, offer.use_no): offer for offer in offers}
    for claim in claims:
        offer = uses.get((claim.coupon_id, claim.use_no))
        if offer is not None:
            return _lost(offer, claim)
    return None


def _lost(offer: Offer, claim: Claim) -> Refusal:
    reason = reason_of(claim)
    if reason is Reason.REDEEMING_ELSEWHERE:
        return Refusal(reason, "another redemption of this coupon is under way", claim)
    if offer.kind is CouponKind.TIMES_CARD:
        # The card may have uses left; only this scan knows nothing of them.
        return Refusal(
            Reason.PREPARATION_USED, "this use of the card was spent after the scan", claim
        )
    return Refusal(reason, "this coupon was redeemed before", claim)


def _used(*, claimed: bool) -> Refusal | None:
    if not claimed:
        return None
    return Refusal(Reason.PREPARATION_USED, "another redemption has used this scan")


def _expired(preparation: Preparation, now: datetime) -> Refusal | None:
    if preparation.expires_at > now and preparation.sealed is not None:
        return None
    return Refusal(Reason.PREPARATION_EXPIRED, "the scan is too long ago")


def _heard_since(
    preparation: Preparation, offers: Sequence[Offer], facts: Sequence[Fact]
) -> Refusal | None:
    """What the platform said at the scan outweighs older facts; newer facts outweigh the scan."""
    by_id = {offer.coupon_id: offer for offer in offers}
    for fact in facts:
        offer = by_id.get(fact.coupon_id)
        if offer is None or fact.occurred_at < preparation.prepared_at:
            continue
        if fact.kind is FactKind.REFUNDED:
            return Refusal(Reason.ALREADY_REFUNDED, "the platform reported its refund")
        if fact.kind is FactKind.REDEEMED and offer.kind is not CouponKind.TIMES_CARD:
            return Refusal(Reason.ALREADY_REDEEMED, "the platform reported its redemption")
    return None


def _unusable(offers: Sequence[Offer]) -> Refusal | None:
    for offer in offers:
        if offer.reason is not None:
            return Refusal(offer.reason, "the platform said so when the code was scanned")
    return None


def known_to_be_spent(offers: Sequence[Offer], claims: Sequence[Claim]) -> Claim | None:
    """For a code scanned again: its last claim, if nothing of it can be left to spend."""
    spent = {(claim.coupon_id, claim.use_no): claim for claim in claims if claim.redeemed_at}
    if not offers or any(offer.kind is CouponKind.TIMES_CARD for offer in offers):
        return None
    if not all((offer.coupon_id, offer.use_no) in spent for offer in offers):
        return None
    return last_spent(claims)


def last_spent(claims: Sequence[Claim]) -> Claim | None:
    spent = [claim for claim in claims if claim.redeemed_at]
    return max(spent, key=lambda claim: claim.claimed_at, default=None)
