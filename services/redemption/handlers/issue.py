"""Issues coupons whose codes are ours, once for every question of a platform."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import prometheus_client
import structlog

from services.redemption.domain import issuing
from services.redemption.domain.codes import new_code
from services.redemption.domain.issuing import NewCoupon, Terms
from services.redemption.handlers.desk import Desk
from services.redemption.handlers.grouping import AGAIN, Again
from services.redemption.handlers.scan_ours import hash_of
from services.redemption.queries import issuing as queries
from services.redemption.queries import locks
from services.redemption.queries.issuing import (
    IssueAsked,
    IssueLook,
    KnownIssue,
    NewIssue,
    NewIssuedCoupon,
)
from shared.clock import utc_now
from shared.contracts.asks import CodesAnswer, CodesAsk, IssuedCode
from shared.contracts.making import event
from shared.contracts.redemption import CouponIssued
from shared.errors import Rejection
from shared.ids import new_id
from shared.postgres.connection import Connection

# As long as nobody knows the product of a times card.
LOOK_AGAIN_AFTER: Final = timedelta(seconds=5)
PRODUCT_UNKNOWN: Final = "product_unknown"

ISSUED = prometheus_client.Counter("qiao_redemption_issued_total", "Coupons issued, codes ours")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class IssueRequest:
    ask: CodesAsk
    traceparent: str
    # Of one that has waited: then the platform has to be told.
    late: bool = False

    @property
    def key(self) -> tuple[str, str, str]:
        return (self.ask.platform, self.ask.order_id, issuing.sku_name(self.ask))


@dataclass(slots=True)
class _Batch:
    issues: list[NewIssue] = field(default_factory=list)
    coupons: list[NewIssuedCoupon] = field(default_factory=list)
    touched: set[tuple[str, str, str]] = field(default_factory=set)


class AskConflicted(Rejection):
    reason = "ask_conflicted"


async def issue_all(
    desk: Desk, requests: Sequence[IssueRequest]
) -> list[CodesAnswer | Exception | Again]:
    """One glance, one statement, whatever the number."""
    async with desk.database.pool.acquire() as conn:
        # Outside the transaction: it may make keys.
        await desk.keyring.load(conn, {each.ask.merchant for each in requests})
        async with conn.transaction():
            batch, told = await _decide_all(desk, conn, requests)
            written = set()
            if batch.issues:
                written = await queries.add_issues(conn, batch.issues, batch.coupons)
    if written:
        desk.database.published.ring()
        ISSUED.inc(len(batch.coupons))
        log.info(
            "coupons_issued",
            issues=len(written),
            coupons=len(batch.coupons),
            order_ids=sorted({order_id for _, order_id, _ in written})[:50],
        )
    return [
        AGAIN
        if isinstance(answer, CodesAnswer)
        and request.key in batch.touched
        and request.key not in written
        else answer
        for request, answer in zip(requests, told, strict=True)
    ]


def _asked(ask: CodesAsk) -> IssueAsked:
    return IssueAsked(
        ask.platform,
        ask.merchant,
        ask.order_id,
        issuing.sku_name(ask),
        ask.third_sku_id,
        ask.platform_sku_id,
    )


async def _decide_all(
    desk: Desk, conn: Connection, requests: Sequence[IssueRequest]
) -> tuple[_Batch, list[CodesAnswer | Exception | Again]]:
    # A refund of the whole order is locked before or after this.
    await locks.hold_orders(conn, [(each.ask.platform, each.ask.order_id) for each in requests])
    looks = await queries.look_at_issues(conn, [_asked(each.ask) for each in requests])
    sealed = [code.sealed_code for look in looks if look.known for code in look.known.codes]
    if sealed:
        await desk.keyring.load_for(conn, [base64.b64decode(each) for each in sealed])
    batch, now = _Batch(), utc_now()
    told = [
        _decide(desk, batch, request, look, now)
        for request, look in zip(requests, looks, strict=True)
    ]
    return batch, told


def _decide(
    desk: Desk, batch: _Batch, request: IssueRequest, look: IssueLook, now: datetime
) -> CodesAnswer | Exception | Again:
    ask = request.ask
    if request.key in batch.touched:
        return AGAIN
    known = look.known
    if known is not None and (known.merchant, known.coupons_asked) != (ask.merchant, ask.count):
        return AskConflicted("codes were asked for this order with other content before")
    if known is not None and not (request.late and known.state == "waiting"):
        return _answer_again(desk, ask, known)
    if issuing.has_to_wait(ask, look.sku):
        if request.late:
            return CodesAnswer(order_id=ask.order_id, refusal=None, pending=True)
        batch.touched.add(request.key)
        terms = issuing.terms_of(ask, None, now=now)
        batch.issues.append(
            _issue(request, terms, state="waiting", report_at=now + LOOK_AGAIN_AFTER)
        )
        return CodesAnswer(order_id=ask.order_id, refusal=None, pending=True)
    batch.touched.add(request.key)
    return _issue_now(desk, batch, request, look, now)


def _answer_again(desk: Desk, ask: CodesAsk, known: KnownIssue) -> CodesAnswer:
    if known.state == "waiting":
        return CodesAnswer(order_id=ask.order_id, refusal=None, pending=True)
    if known.state == "failed":
        return CodesAnswer(order_id=ask.order_id, refusal=PRODUCT_UNKNOWN)
    codes = tuple(
        IssuedCode(
            coupon_id=code.coupon_id,
            code=unseal_code(
                desk, ask.platform, code.coupon_id, base64.b64decode(code.sealed_code)
            ),
        )
        for code in known.codes
    )
    return CodesAnswer(order_id=ask.order_id, refusal=None, codes=codes)


def _issue_now(
    desk: Desk, batch: _Batch, request: IssueRequest, look: IssueLook, now: datetime
) -> CodesAnswer:
    ask = request.ask
    terms = issuing.terms_of(ask, look.sku, now=now)
    names = sorted(str(new_id()) for _ in range(ask.count))
    coupons = issuing.coupons_of(ask, names, [new_code() for _ in names])
    report_at = now if request.late else None
    batch.issues.append(_issue(request, terms, state="issued", report_at=report_at))
    batch.coupons += [
        _coupon(desk, request, terms, coupon, lock=look.locked_by, now=now) for coupon in coupons
    ]
    codes = tuple(IssuedCode(coupon_id=each.coupon_id, code=each.code.value) for each in coupons)
    return CodesAnswer(order_id=ask.order_id, refusal=None, codes=codes)


def _issue(
    request: IssueRequest, terms: Terms, *, state: str, report_at: datetime | None
) -> NewIssue:
    ask = request.ask
    return NewIssue(
        platform=ask.platform,
        order_id=ask.order_id,
        sku=issuing.sku_name(ask),
        merchant=ask.merchant,
        coupons_asked=ask.count,
        state=state,
        ask=ask.model_dump_json(),
        product_id=terms.product_id,
        sku_id=terms.sku_id,
        title=terms.title,
        kind=terms.kind,
        usage=terms.usage.model_dump_json(),
        bought_at=terms.bought_at,
        valid_from=ask.valid_from,
        valid_to=ask.valid_to,
        day=ask.day,
        slot=ask.slot,
        next_report_at=report_at,
        traceparent=request.traceparent,
    )


def _coupon(
    desk: Desk,
    request: IssueRequest,
    terms: Terms,
    coupon: NewCoupon,
    *,
    lock: str | None,
    now: datetime,
) -> NewIssuedCoupon:
    ask = request.ask
    said = event(
        CouponIssued(
            coupon_id=coupon.coupon_id,
            platform=ask.platform,
            order_id=ask.order_id,
            product_id=terms.product_id,
            sku_id=terms.sku_id,
            title=terms.title,
            times_total=terms.times,
            original_amount_fen=coupon.original_amount_fen,
            pay_amount_fen=coupon.pay_amount_fen,
            valid_from=ask.valid_from,
            valid_to=ask.valid_to,
            issued_at=now,
        ),
        subject=coupon.coupon_id,
        merchant=ask.merchant,
        traceparent=request.traceparent,
    )
    return NewIssuedCoupon(
        platform=ask.platform,
        coupon_id=coupon.coupon_id,
        merchant=ask.merchant,
        order_id=ask.order_id,
        sku=issuing.sku_name(ask),
        code_hash=hash_of(desk, platform=ask.platform, merchant=ask.merchant, code=coupon.code),
        sealed_code=desk.keyring.seal(
            ask.merchant,
            coupon.code.value.encode(),
            context=_context(ask.platform, coupon.coupon_id),
        ),
        original_amount_fen=coupon.original_amount_fen,
        pay_amount_fen=coupon.pay_amount_fen,
        times_total=terms.times,
        refund_lock=lock,
        event_id=said.id,
        subject=said.nats_subject,
        payload=queries.payload_of(said),
    )


def unseal_code(desk: Desk, platform: str, coupon_id: str, sealed: bytes) -> str:
    """Its key must have been loaded. Raises CannotOpen once the merchant's key is destroyed."""
    return desk.keyring.open(sealed, context=_context(platform, coupon_id)).decode()


def _context(platform: str, coupon_id: str) -> str:
    return f"code of {platform} {coupon_id}"
