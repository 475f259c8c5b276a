"""Spends coupons whose codes are ours: decided here, written at once, reported afterwards."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import structlog

from services.redemption.domain import answers, issued
from services.redemption.domain.issued import Place
from services.redemption.domain.records import Caller, Redemption, Refusal, Visitor
from services.redemption.domain.settling import Ending, Verdict
from services.redemption.domain.states import RedemptionState
from services.redemption.handlers.desk import OUTCOMES, REFUSALS, Answer, Desk, as_json
from services.redemption.handlers.grouping import AGAIN, Again
from services.redemption.handlers.requests import RedeemRequest
from services.redemption.handlers.settle import refused_event
from services.redemption.queries import spends as queries
from services.redemption.queries.spends import OursLook, Spend, TurnedDown, UseOf
from shared.clock import utc_now
from shared.contracts.making import event
from shared.contracts.redemption import CouponRedeemed
from shared.ids import new_id
from shared.platforms.reasons import Reason
from shared.platforms.registry import platform_named

_IDS_PER_LINE = 50

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class SpendOfOurs:
    visitor: Visitor
    asked: RedeemRequest


@dataclass(slots=True)
class _Batch:
    """What the requests of one batch come to; one request of a coupon or an id goes first."""

    spends: list[Spend] = field(default_factory=list)
    refused: list[TurnedDown] = field(default_factory=list)
    # What is being written in this batch.
    touched: set[object] = field(default_factory=set)


async def spend_all(
    desk: Desk, requests: Sequence[SpendOfOurs]
) -> list[Answer | Exception | Again | None]:
    """One glance, one statement that spends, one that keeps refusals, whatever the number.

    None: it is no scan of ours, or this id has its answer already.
    """
    async with desk.database.pool.acquire() as conn:
        looks = await queries.look_at_ours(
            conn,
            redemption_ids=[each.asked.redemption_id for each in requests],
            preparation_ids=[each.asked.preparation_id for each in requests],
        )
    places = await _places(desk, looks)
    batch, now = _Batch(), utc_now()
    told: list[Answer | Exception | Again | None] = [
        _decide(batch, request, look, places, now)
        for request, look in zip(requests, looks, strict=True)
    ]
    written = await _write(desk, batch)
    _tell(batch, written)
    return [
        AGAIN
        if isinstance(answer, Answer) and request.asked.redemption_id not in written
        else answer
        for request, answer in zip(requests, told, strict=True)
    ]


async def _places(desk: Desk, looks: Sequence[OursLook | None]) -> dict[str, Place]:
    places = {}
    for store_id in {look.preparation.store_id for look in looks if look is not None}:
        store = await desk.stores.find(store_id)
        if store is not None:
            places[store_id] = Place(store_id, store.time_zone)
    return places


def _decide(
    batch: _Batch,
    request: SpendOfOurs,
    look: OursLook | None,
    places: dict[str, Place],
    now: datetime,
) -> Answer | Again | None:
    visitor, asked = request.visitor, request.asked
    if look is None or not visitor.may_enter(
        merchant=look.preparation.merchant, store_id=look.preparation.store_id
    ):
        return None
    names = {asked.redemption_id, asked.preparation_id, look.issued.coupon_id}
    if names & batch.touched:
        return AGAIN
    refusal = _refusal(look, asked, places[look.preparation.store_id], now)
    caller = visitor.at(merchant=look.preparation.merchant, store_id=look.preparation.store_id)
    if refusal is not None:
        # Others may be refused the same coupon in the same batch.
        batch.touched.add(asked.redemption_id)
        return _turn_down(batch, caller, asked, look, refusal)
    batch.touched |= names
    return _spend(batch, caller, asked, look, now)


def _refusal(look: OursLook, asked: RedeemRequest, place: Place, now: datetime) -> Refusal | None:
    found = look.issued
    if list(asked.coupon_ids) != [found.coupon_id]:
        return Refusal(Reason.COUPON_NOT_IN_PREPARATION, "a coupon is not among those of this scan")
    if not found.is_card and not found.times_left:
        return issued.refusal_of_state(found)
    if look.claimed_by is not None:
        return Refusal(Reason.PREPARATION_USED, "another redemption has used this scan")
    if look.preparation.expires_at <= now:
        return Refusal(Reason.PREPARATION_EXPIRED, "the scan is too long ago")
    return issued.refusal_of_state(found) or issued.refusal_by_rules(
        found, place, times=asked.times, now=now
    )


def _spend(
    batch: _Batch, caller: Caller, asked: RedeemRequest, look: OursLook, now: datetime
) -> Answer:
    found = look.issued
    cancel_until = now + platform_named(found.platform).cancel_window
    uses = [
        UseOf(
            number,
            issued.share_of(found.original_amount_fen, number, found.times_total),
            issued.share_of(found.pay_amount_fen, number, found.times_total),
            new_id(),
        )
        for number in issued.free_uses(found, asked.times)
    ]
    redemption = _redemption(caller, asked, look, now)
    body = as_json(
        answers.redeemed(
            redemption,
            look.preparation.offers,
            [Verdict(found.coupon_id, Ending.SPENT, at=now)],
            redeemed_at=now,
            cancel_until=cancel_until,
            times=asked.times,
        )
    )
    said = event(
        CouponRedeemed(
            redemption_id=asked.redemption_id,
            platform=found.platform,
            order_id=found.order_id,
            store_id=caller.store_id,
            terminal_id=caller.terminal_id,
            coupon_id=found.coupon_id,
            verify_id=None,
            title=found.title,
            pay_amount_fen=_total([use.pay_amount_fen for use in uses]),
            redeemed_at=now,
            cancel_until=cancel_until,
            times=asked.times,
            times_left=found.times_left - asked.times,
        ),
        subject=found.coupon_id,
        merchant=caller.merchant,
        version=found.version + 1,
        traceparent=caller.traceparent,
    )
    batch.spends.append(
        Spend(
            redemption_id=asked.redemption_id,
            digest=redemption.request_digest,
            caller=caller,
            preparation=look.preparation,
            issued=found,
            uses=uses,
            redeemed_at=now,
            cancel_until=cancel_until,
            answer=body,
            said=said,
        )
    )
    return Answer(200, body, order_id=found.order_id, coupon_ids=asked.coupon_ids)


def _total(amounts: Sequence[int | None]) -> int | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known) if known else None


def _redemption(caller: Caller, asked: RedeemRequest, look: OursLook, now: datetime) -> Redemption:
    return Redemption(
        redemption_id=asked.redemption_id,
        request_digest=asked.digest(caller.store_id),
        merchant=caller.merchant,
        store_id=caller.store_id,
        terminal_id=caller.terminal_id,
        platform=look.issued.platform,
        order_id=look.issued.order_id,
        preparation_id=asked.preparation_id,
        coupon_ids=asked.coupon_ids,
        coupon_versions=[look.issued.version + 1],
        state=RedemptionState.REDEEMED,
        reason=None,
        attempts=0,
        answer=None,
        traceparent=caller.traceparent,
        created_at=now,
    )


def _turn_down(
    batch: _Batch, caller: Caller, asked: RedeemRequest, look: OursLook, refusal: Refusal
) -> Answer:
    order_id = look.preparation.order_id
    body = as_json(
        answers.refused(
            refusal,
            redemption_id=str(asked.redemption_id),
            order_id=order_id,
            store_id=caller.store_id,
            terminal_id=caller.terminal_id,
            coupon_ids=asked.coupon_ids,
        )
    )
    batch.refused.append(
        TurnedDown(
            redemption_id=asked.redemption_id,
            digest=asked.digest(caller.store_id),
            caller=caller,
            preparation=look.preparation,
            coupon_ids=asked.coupon_ids,
            reason=refusal.reason,
            answer=body,
            said=refused_event(
                caller,
                redemption_id=asked.redemption_id,
                platform=look.preparation.platform,
                order_id=order_id,
                coupon_ids=asked.coupon_ids,
                reason=refusal.reason,
            ),
        )
    )
    return Answer(409, body, reason=refusal.reason, order_id=order_id, coupon_ids=asked.coupon_ids)


async def _write(desk: Desk, batch: _Batch) -> set[UUID]:
    """The redemptions that have their answer now; the others met a rival and look again."""
    written: set[UUID] = set()
    async with desk.database.pool.acquire() as conn:
        if batch.spends:
            written |= await queries.spend(conn, batch.spends)
        if batch.refused:
            written |= await queries.record_turned_down(conn, batch.refused)
    if written:
        desk.database.published.ring()
    return written


def _tell(batch: _Batch, written: set[UUID]) -> None:
    spent = [each for each in batch.spends if each.redemption_id in written]
    refused = [each for each in batch.refused if each.redemption_id in written]
    if spent:
        OUTCOMES.labels("redeem", "redeemed").inc(len(spent))
        log.info(
            "redemptions_committed",
            count=len(spent),
            redemption_ids=[str(each.redemption_id) for each in spent[:_IDS_PER_LINE]],
            order_ids=[each.issued.order_id for each in spent[:_IDS_PER_LINE]],
            coupon_ids=[each.issued.coupon_id for each in spent[:_IDS_PER_LINE]],
        )
    if refused:
        OUTCOMES.labels("redeem", "refused").inc(len(refused))
    for each in refused:
        REFUSALS.labels("redeem", each.reason).inc()
