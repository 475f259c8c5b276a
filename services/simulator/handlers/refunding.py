"""Money back: who is asked before, who decided, and what is told of it."""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta

from services.simulator.domain import spi, trade
from services.simulator.domain.after_sales import AfterSale, AfterSaleState, Cause, DecidedBy
from services.simulator.domain.codes import Code, PlatformError
from services.simulator.domain.coupons import Channel, Coupon, CouponState, Order
from services.simulator.handlers.moment import Moment

_REFUND_SUCCESS = "refund_success"


def open_refund(
    moment: Moment,
    order: Order,
    coupons: Sequence[Coupon],
    cause: Cause,
    *,
    reason: str = "",
    at_once: bool = False,
) -> AfterSale | None:
    """Ask the merchant where he is to be asked; otherwise the money is under way already.

    None for the platform's own coupons: nobody but the buyer has a say in theirs.
    """
    moment.changes.changed(order, *coupons)
    if order.channel is Channel.LIFE and not order.is_merchant_coded:
        for coupon in coupons:
            coupon.apply_refund(due_at=moment.refund_at)
        return None
    asks = order.asks_before_refund and not at_once
    pace = moment.world.pace
    seconds = pace.audit_seconds if order.channel is Channel.LIFE else pace.mini_audit_seconds
    after_sale = AfterSale(
        after_sale_id=moment.new_id(),
        order_id=order.order_id,
        certificate_ids=[coupon.certificate_id for coupon in coupons],
        cause=cause,
        amount_fen=_amount_fen(coupons),
        state=AfterSaleState.ASKED,
        created_at=moment.now,
        reason=reason,
        decides_at=moment.now + timedelta(seconds=seconds) if asks else None,
    )
    moment.after_sales[after_sale.after_sale_id] = after_sale
    moment.changes.after_sales[after_sale.after_sale_id] = after_sale
    for coupon in coupons:
        coupon.apply_refund(
            due_at=None if asks else moment.refund_at, after_sale_id=after_sale.after_sale_id
        )
    if not asks:
        by = DecidedBy.MERCHANT if cause is Cause.MERCHANT else DecidedBy.PLATFORM
        after_sale.decide(AfterSaleState.ALLOWED, by, moment.now)
    elif order.channel is Channel.LIFE:
        moment.changes.questions.append(spi.refund_apply(order, after_sale))
    else:
        moment.changes.questions.append(trade.pre_create_refund(order, after_sale))
    return after_sale


def allow(moment: Moment, order: Order, after_sale: AfterSale, by: DecidedBy) -> None:
    after_sale.decide(AfterSaleState.ALLOWED, by, moment.now)
    moment.changes.after_sales[after_sale.after_sale_id] = after_sale
    for coupon in _coupons(order, after_sale):
        coupon.allow_refund(due_at=moment.refund_at)
        moment.changes.changed(order, coupon)


def can_reject(order: Order, after_sale: AfterSale, codes: Mapping[str, str]) -> bool:
    """Who refuses to refund a coupon that has no code yet has to give the code."""
    return all(
        coupon.third_code or codes.get(coupon.public_id) or not order.is_merchant_coded
        for coupon in _coupons(order, after_sale)
    )


def reject(
    moment: Moment,
    order: Order,
    after_sale: AfterSale,
    *,
    reason: str = "",
    codes: Mapping[str, str] | None = None,
) -> None:
    after_sale.decide(AfterSaleState.REJECTED, DecidedBy.MERCHANT, moment.now)
    after_sale.reason = reason or after_sale.reason
    moment.changes.after_sales[after_sale.after_sale_id] = after_sale
    for coupon in _coupons(order, after_sale):
        given = (codes or {}).get(coupon.public_id)
        if not coupon.third_code and given:
            coupon.issue(given, None)
        coupon.reject_refund(moment.now)
        moment.changes.changed(order, coupon)
    if order.channel is not Channel.LIFE:
        moment.changes.questions.append(trade.refund(order, after_sale, moment.now))


def decide_part(
    moment: Moment, order: Order, after_sale: AfterSale, named: Collection[str], *, allow: bool
) -> None:
    """Some of its coupons: those refused leave the refund, those allowed go on in it."""
    coupons = [coupon for coupon in order.coupons if coupon.public_id in named]
    if len(coupons) < len(set(named)):
        raise PlatformError(Code.BAD_PARAMETER, "券不存在")
    for coupon in coupons:
        inside = coupon.certificate_id in after_sale.certificate_ids
        allowed = inside and (coupon.refund_due_at is not None or coupon.refunded_at is not None)
        if not inside or allowed:
            if allowed != allow:
                raise PlatformError(Code.BAD_PARAMETER, "售后单已完结")
        elif allow:
            coupon.allow_refund(due_at=moment.refund_at)
        else:
            coupon.reject_refund(moment.now)
        moment.changes.changed(order, coupon)
    if not allow:
        refused = {coupon.certificate_id for coupon in coupons}
        after_sale.certificate_ids = [
            one for one in after_sale.certificate_ids if one not in refused
        ]
        after_sale.amount_fen = _amount_fen(_coupons(order, after_sale))
    if after_sale.is_open and all(
        coupon.refund_due_at is not None for coupon in _coupons(order, after_sale)
    ):
        after_sale.decide(AfterSaleState.ALLOWED, DecidedBy.MERCHANT, moment.now)
    moment.changes.after_sales[after_sale.after_sale_id] = after_sale


def finish(moment: Moment, order: Order) -> None:
    """The money of what is due has arrived."""
    done = [
        coupon
        for coupon in order.coupons
        if coupon.state is CouponState.REFUNDING
        and coupon.refund_due_at is not None
        and coupon.refund_due_at <= moment.now
    ]
    for coupon in done:
        coupon.refund(moment.now)
        moment.changes.changed(order, coupon)
        if order.channel is Channel.LIFE:
            moment.changes.told(order, coupon, _REFUND_SUCCESS, moment.now)
    order.complete_if_final()
    for after_sale_id in dict.fromkeys(one.after_sale_id for one in done if one.after_sale_id):
        _announce(moment, order, moment.after_sales[after_sale_id])


def _announce(moment: Moment, order: Order, after_sale: AfterSale) -> None:
    after_sale.state = AfterSaleState.REFUNDED
    after_sale.refunded_at = moment.now
    moment.changes.after_sales[after_sale.after_sale_id] = after_sale
    if order.channel is Channel.LIFE:
        moment.changes.questions.append(spi.refund_notice(order, after_sale))
    else:
        moment.changes.questions.append(trade.refund(order, after_sale, moment.now))


def pass_undecided(moment: Moment, order: Order) -> None:
    """Time is over for the merchant."""
    for after_sale_id in {coupon.after_sale_id for coupon in order.coupons}:
        after_sale = moment.after_sales.get(after_sale_id or 0)
        if after_sale is None or not after_sale.is_open or after_sale.decides_at is None:
            continue
        if after_sale.decides_at <= moment.now:
            allow(moment, order, after_sale, DecidedBy.TIME)


def open_unissued(moment: Moment, order: Order) -> None:
    """The merchant still owes the codes: the buyer gets his money unless the merchant objects."""
    order.issue_until = None
    moment.changes.changed(order)
    owed = [coupon for coupon in order.coupons if coupon.state is CouponState.ISSUING]
    if owed:
        open_refund(moment, order, owed, Cause.NOT_ISSUED, reason="发券超时")


def _coupons(order: Order, after_sale: AfterSale) -> list[Coupon]:
    return [order.coupon(certificate_id) for certificate_id in after_sale.certificate_ids]


def _amount_fen(coupons: Sequence[Coupon]) -> int:
    return sum(one.pay_amount_fen - one.share_fen(one.times_used) for one in coupons)
