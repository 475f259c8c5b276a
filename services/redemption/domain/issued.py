"""Coupons whose codes are ours: what a scan offers, and what speaks against spending one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from types import MappingProxyType
from typing import Final

from services.redemption.domain.records import Claim, Offer, Refusal
from services.redemption.domain.usage import Slot, Term, Use, why_not
from shared.contracts.products import Hours, ProductKind, UsageRules
from shared.platforms.answers import CouponKind
from shared.platforms.reasons import Reason

_KINDS: Final[Mapping[str, CouponKind]] = MappingProxyType(
    {
        ProductKind.MEAL: CouponKind.GROUP_MEAL,
        ProductKind.VOUCHER: CouponKind.VOUCHER,
        ProductKind.TIMES_CARD: CouponKind.TIMES_CARD,
    }
)


@dataclass(frozen=True, slots=True)
class Issued:
    """One coupon of ours as it stands, with the uses that stand and those who made them."""

    platform: str
    coupon_id: str
    merchant: str
    order_id: str
    title: str | None
    kind: str | None
    usage: UsageRules
    term: Term
    original_amount_fen: int | None
    pay_amount_fen: int | None
    times_total: int
    times_used: int
    version: int
    refund_lock: str | None
    refunded_at: datetime | None
    claims: tuple[Claim, ...]

    @property
    def is_card(self) -> bool:
        return self.times_total > 1

    @property
    def times_left(self) -> int:
        return self.times_total - self.times_used


@dataclass(frozen=True, slots=True)
class Place:
    store_id: str
    time_zone: str


def read_slot(day: date | None, slot: str | None) -> Slot | None:
    """A slot is written as its hours, 10:00-12:00; written otherwise the whole day counts."""
    if day is None:
        return None
    start, dash, end = (slot or "").partition("-")
    try:
        hours = Hours(start=time.fromisoformat(start.strip()), end=time.fromisoformat(end.strip()))
    except ValueError:
        return Slot(day)
    return Slot(day, hours) if dash else Slot(day)


def offer_of(issued: Issued, place: Place, *, now: datetime) -> Offer:
    """What the scan shows; a use that is not possible now says why."""
    against = refusal_of_state(issued) or refusal_by_rules(issued, place, times=1, now=now)
    return Offer(
        coupon_id=issued.coupon_id,
        use_no=next(iter(free_uses(issued, 1)), issued.times_total),
        title=issued.title,
        kind=_KINDS.get(issued.kind or ""),
        original_amount_fen=issued.original_amount_fen,
        pay_amount_fen=issued.pay_amount_fen,
        valid_from=issued.term.valid_from,
        expires_at=issued.term.valid_to,
        times_left=issued.times_left if issued.is_card else None,
        reason=against.reason if against else None,
    )


def known_to_be_spent(issued: Issued) -> Claim | None:
    """Whose use it was, if it had only one."""
    if issued.is_card or issued.times_left or not issued.claims:
        return None
    return issued.claims[-1]


def refusal_of_state(issued: Issued) -> Refusal | None:
    """What has become of the coupon, whatever the hour."""
    if issued.refunded_at is not None:
        return Refusal(Reason.ALREADY_REFUNDED, "the platform reported its refund")
    if not issued.times_left:
        claim = issued.claims[-1] if issued.claims else None
        if issued.is_card:
            return Refusal(Reason.TIMES_USED_UP, "every use of this card is spent", claim)
        return Refusal(Reason.ALREADY_REDEEMED, "this coupon was redeemed before", claim)
    if issued.refund_lock is not None:
        return Refusal(Reason.REFUND_IN_PROGRESS, "a refund of it is being decided")
    return None


def refusal_by_rules(issued: Issued, place: Place, *, times: int, now: datetime) -> Refusal | None:
    if times > issued.times_left:
        return Refusal(Reason.TIMES_USED_UP, f"{issued.times_left} uses of this card are left")
    use = Use(
        moment=now,
        store_id=place.store_id,
        time_zone=place.time_zone,
        earlier=[claim.redeemed_at for claim in issued.claims if claim.redeemed_at],
        times=times,
    )
    reason = why_not(issued.usage, issued.term, use)
    return None if reason is None else Refusal(reason, "the rules of the product say so")


def free_uses(issued: Issued, times: int) -> tuple[int, ...]:
    """Which uses would be spent: the lowest numbers that nobody has; a gap is filled again."""
    taken = {claim.use_no for claim in issued.claims}
    free = (number for number in range(1, issued.times_total + 1) if number not in taken)
    return tuple(number for number, _ in zip(free, range(times), strict=False))


def share_of(amount_fen: int | None, part: int, parts: int) -> int | None:
    """The `part`th of equal shares, the first is 1; all of them add up to the amount."""
    if amount_fen is None:
        return None
    return amount_fen * part // parts - amount_fen * (part - 1) // parts


def shares_of(amount_fen: int | None, chosen: Sequence[int], parts: int) -> int | None:
    shares = [share_of(amount_fen, part, parts) for part in chosen]
    return None if amount_fen is None else sum(share or 0 for share in shares)
