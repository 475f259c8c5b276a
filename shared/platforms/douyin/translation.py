"""From the platform's answers about coupons to words no platform owns."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType

from shared.platforms.answers import (
    Cancellation,
    CancelledCoupon,
    Coupon,
    CouponKind,
    CouponToVerify,
    Outcome,
    Preparation,
    Verification,
    VerifiedCoupon,
)
from shared.platforms.douyin import responses
from shared.platforms.douyin.errors import (
    ALREADY_REDEEMED_RESULTS,
    Disposition,
    Meaning,
    meaning_of_result,
)
from shared.platforms.douyin.statuses import CERTIFICATE_STATUSES
from shared.platforms.reasons import Reason

COUPON_KINDS: Mapping[int, CouponKind] = MappingProxyType(
    {1: CouponKind.GROUP_MEAL, 2: CouponKind.VOUCHER, 3: CouponKind.TIMES_CARD}
)

_OUTCOMES: Mapping[Disposition, Outcome] = MappingProxyType(
    {
        Disposition.OK: Outcome.DONE,
        Disposition.REFUSED: Outcome.REFUSED,
        # About one coupon the platform cannot say "not now" and mean "nothing was done".
        Disposition.RETRY: Outcome.UNKNOWN,
        Disposition.TOKEN: Outcome.UNKNOWN,
        Disposition.UNKNOWN_OUTCOME: Outcome.UNKNOWN,
    }
)


def preparation(data: responses.PrepareData, *, now: datetime) -> Preparation:
    return Preparation(
        verify_token=data.verify_token,
        order_id=data.order_id,
        coupons=tuple(
            coupon(certificate, now=now)
            for certificate in data.certificates
            # Without both it can be neither named nor spent.
            if certificate.id and certificate.encrypted_code
        ),
        now=now,
    )


def coupon(certificate: responses.Certificate, *, now: datetime) -> Coupon:
    status = CERTIFICATE_STATUSES.get(certificate.status)
    sku, amount = certificate.sku, certificate.amount
    card, verify = certificate.time_card, certificate.verify
    return Coupon(
        coupon_id=certificate.id or "",
        encrypted_code=certificate.encrypted_code,
        state=status.state if status else None,
        reason=_why_unusable(certificate, now=now),
        title=sku.title if sku else None,
        kind=COUPON_KINDS.get(sku.groupon_type or 0) if sku else None,
        account_id=sku.account_id if sku else None,
        original_amount_fen=amount.original_amount if amount else None,
        pay_amount_fen=amount.pay_amount if amount else None,
        valid_from=certificate.start_time,
        expires_at=certificate.expire_time,
        times_total=card.times_count if card else None,
        times_used=card.times_used if card else None,
        verify_id=verify.verify_id if verify else None,
        verified_at=verify.verify_time if verify else None,
        verified_poi_id=verify.poi_id if verify else None,
        can_cancel=verify.can_cancel if verify else None,
    )


def _why_unusable(certificate: responses.Certificate, *, now: datetime) -> Reason | None:
    """The first thing that speaks against the coupon, the most final one first."""
    status = CERTIFICATE_STATUSES.get(certificate.status)
    card, times = certificate.time_card, certificate.not_available_time_info
    # A platform that sends no expiry, or a status we do not know, is left to decide itself.
    checks: tuple[tuple[bool, Reason | None], ...] = (
        (status is not None and status.reason is not None, status.reason if status else None),
        (card is not None and card.is_used_up, Reason.TIMES_USED_UP),
        (
            certificate.expire_time is not None and certificate.expire_time < now,
            Reason.EXPIRED,
        ),
        (
            certificate.start_time is not None and certificate.start_time > now,
            Reason.NOT_YET_VALID,
        ),
        (times is not None and times.fulfil_enable is False, Reason.NOT_TODAY),
    )
    return next((reason for against, reason in checks if against), None)


def verification(
    data: responses.VerifyData,
    *,
    coupons: Sequence[CouponToVerify],
    repeated: bool,
    now: datetime,
) -> Verification:
    """One answer per coupon asked for; a coupon that the platform does not mention is UNKNOWN."""
    by_id = {result.certificate_id: result for result in data.verify_results}
    by_code = {result.code: result for result in data.verify_results}
    # The platform may write a code otherwise than we sent it, so the id goes first; a refused
    # coupon may come without id. Only equally many answers can be told apart by their place.
    by_place = data.verify_results if len(data.verify_results) == len(coupons) else ()
    return Verification(
        coupons=tuple(
            _verified(
                asked.coupon_id,
                by_id.get(asked.coupon_id)
                or by_code.get(asked.encrypted_code)
                or _nameless(by_place, place),
                repeated=repeated,
            )
            for place, asked in enumerate(coupons)
        ),
        now=now,
    )


def _nameless(
    results: Sequence[responses.VerifyResult], place: int
) -> responses.VerifyResult | None:
    found = results[place] if results else None
    return found if found is not None and found.certificate_id is None else None


def _verified(
    coupon_id: str, result: responses.VerifyResult | None, *, repeated: bool
) -> VerifiedCoupon:
    if result is None:
        return VerifiedCoupon(
            coupon_id=coupon_id,
            outcome=Outcome.UNKNOWN,
            already=False,
            reason=Reason.UNKNOWN_PLATFORM_ERROR,
            verify_id=None,
            order_id=None,
            code=None,
            description="the answer does not mention this coupon",
        )
    meaning = meaning_of_result(result.result)
    already = result.result in ALREADY_REDEEMED_RESULTS
    done = already and repeated
    return VerifiedCoupon(
        coupon_id=coupon_id,
        outcome=Outcome.DONE if done else _OUTCOMES[meaning.disposition],
        already=already,
        reason=None if done else _reason(meaning),
        verify_id=result.verify_id,
        order_id=result.order_id,
        code=result.result,
        description=result.msg or meaning.note,
    )


def undecided(verification: Verification) -> Verification:
    """Take every refusal as unknown: the platform goes on trying."""
    return replace(
        verification,
        coupons=tuple(
            replace(coupon, outcome=Outcome.UNKNOWN)
            if coupon.outcome is Outcome.REFUSED
            else coupon
            for coupon in verification.coupons
        ),
    )


def cancellation(
    data: responses.CancelData, *, verify_ids: Sequence[str], now: datetime
) -> Cancellation:
    """The envelope said success; results one by one, where they come, say it more closely."""
    by_id = {result.verify_id: result for result in data.cancel_results}
    return Cancellation(
        coupons=tuple(_cancelled(verify_id, by_id.get(verify_id)) for verify_id in verify_ids),
        now=now,
    )


def _cancelled(verify_id: str, result: responses.CancelResult | None) -> CancelledCoupon:
    meaning = meaning_of_result(result.result_code if result else 0)
    return CancelledCoupon(
        verify_id=verify_id,
        outcome=_OUTCOMES[meaning.disposition],
        reason=_reason(meaning),
        code=result.result_code if result else None,
        description=result.result_msg if result else "",
    )


def _reason(meaning: Meaning) -> Reason | None:
    return None if meaning.disposition is Disposition.OK else meaning.reason
