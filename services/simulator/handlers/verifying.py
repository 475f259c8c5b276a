"""Verify: coupons are spent, once, and one token always gets the same answer."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import orjson

from services.simulator.domain import numbers, shapes
from services.simulator.domain.after_sales import Cause
from services.simulator.domain.asked import AskedCode, VerifyPart, VerifyRequest
from services.simulator.domain.codes import Code, PlatformError
from services.simulator.domain.coupons import Channel, Coupon, CouponState, Order, Verification
from services.simulator.domain.faults import strikes
from services.simulator.handlers import merchant_codes, refunding
from services.simulator.handlers.moment import moment
from services.simulator.handlers.saving import Changes, lock_orders, save
from services.simulator.handlers.world import World
from services.simulator.queries import apps, redemptions
from services.simulator.queries.redemptions import Preparation
from shared.clock import utc_now
from shared.postgres.connection import Connection


@dataclass(slots=True)
class _Batch:
    """What the calls of one transaction share."""

    world: World
    now: datetime
    preparations: dict[str, Preparation]
    orders: Mapping[int, Order]
    poi_owners: Mapping[str, str]
    numbers: Iterator[int]
    changes: Changes = field(default_factory=Changes)


async def verify(
    world: World, conn: Connection, requests: Sequence[VerifyRequest]
) -> list[shapes.Json | Exception]:
    now = utc_now()
    requests = await merchant_codes.resolved(conn, requests, now)
    parts = [part for request in requests for part in request.parts]
    preparations = await redemptions.lock_preparations(
        conn, sorted({part.verify_token for part in parts})
    )
    batch = _Batch(
        world=world,
        now=now,
        preparations=dict(preparations),
        orders=await lock_orders(conn, [one.order_id for one in preparations.values()]),
        poi_owners=await apps.find_poi_owners(conn, [request.poi_id for request in requests]),
        numbers=iter(()),
    )
    if world.faults.refunds.at_verify:
        await _refund_some(conn, parts, batch)
    requests = [_expanded(request, batch) for request in requests]
    uses = sum(len(part.codes) for request in requests for part in request.parts)
    batch.numbers = iter(await world.numbers.take(conn, uses))
    answers = [_answer(request, batch) for request in requests]
    await save(conn, batch.changes, faults=world.faults, now=now)
    answered = [
        preparation
        for token, preparation in batch.preparations.items()
        if preparation is not preparations[token]
    ]
    if answered:
        await redemptions.keep_answers(conn, answered)
    return answers


async def _refund_some(conn: Connection, parts: Sequence[VerifyPart], batch: _Batch) -> None:
    """Buyers who change their minds at the till, where that fault is on: once for each coupon."""
    faults = batch.world.faults
    at = await moment(batch.world, conn, batch.orders.values(), batch.now)
    for part in parts:
        preparation = batch.preparations.get(part.verify_token)
        if preparation is None or preparation.answer is not None:
            continue
        order = batch.orders[preparation.order_id]
        asked = {code.certificate_id for code in part.codes}
        struck = [
            coupon
            for coupon in order.coupons
            if coupon.certificate_id in asked
            and coupon.state is CouponState.AVAILABLE
            and coupon.refund_rejected_at is None
            and strikes(
                faults.refunds.at_verify,
                seed=faults.seed,
                fault="refund:at_verify",
                entity=f"{order.reference}:{coupon.place}",
            )
        ]
        if struck:
            refunding.open_refund(at, order, struck, Cause.BUYER, reason="核销时退款")
    batch.changes = at.changes


def _expanded(request: VerifyRequest, batch: _Batch) -> VerifyRequest:
    """Who wants all uses of a card names it once; from here on it is named for each of them."""
    if not any(part.is_total for part in request.parts):
        return request
    parts = []
    for part in request.parts:
        preparation = batch.preparations.get(part.verify_token)
        if part.is_total and preparation is not None and preparation.answer is None:
            coupons = {
                one.certificate_id: one for one in batch.orders[preparation.order_id].coupons
            }
            codes = [
                asked
                for asked in part.codes
                for _ in range(_uses_left(coupons.get(asked.certificate_id or 0)))
            ]
            parts.append(replace(part, codes=codes))
        else:
            parts.append(part)
    return replace(request, parts=parts)


def _uses_left(coupon: Coupon | None) -> int:
    return 1 if coupon is None else max(1, coupon.times_left)


def _answer(request: VerifyRequest, batch: _Batch) -> shapes.Json | Exception:
    try:
        preparations = [_preparation(request, part, batch) for part in request.parts]
    except PlatformError as error:
        return error
    pairs = list(zip(request.parts, preparations, strict=True))
    judged = [one for pair in pairs for one in _judged(*pair, batch)]
    if len(pairs) > 1 and any(code is not None for _, code in judged):
        # All or none: those that could be spent are told to come again.
        results = [
            shapes.verify_result(code or Code.BUSY, given=asked.given) for asked, code in judged
        ]
        return {"verify_results": results}
    results = [
        result
        for part, preparation in pairs
        for result in _verify_part(request, part, preparation, batch)
    ]
    return {"verify_results": results}


def _preparation(request: VerifyRequest, part: VerifyPart, batch: _Batch) -> Preparation:
    """The preparation that the token names. Raises PlatformError if it cannot be spent here."""
    if part.problem is not None:
        raise PlatformError(part.problem)
    preparation = batch.preparations.get(part.verify_token)
    if preparation is None or preparation.client_key != request.client_key:
        raise PlatformError(Code.BAD_PARAMETER, "verify_token无效")
    asked = [code.certificate_id for code in part.codes]
    coupons = batch.orders[preparation.order_id].coupons
    once = {coupon.certificate_id for coupon in coupons if coupon.times_count == 1}
    if any(count > 1 and one in once for one, count in Counter(asked).items()):
        raise PlatformError(Code.BAD_PARAMETER, "券码重复")
    if preparation.answer is not None:
        answered = _answered_coupons(preparation.answer)
        if answered != asked and not (part.is_total and {*answered} == {*asked}):
            raise PlatformError(Code.BAD_PARAMETER, "verify_token已使用")
        return preparation
    if batch.now >= preparation.expires_at:
        raise PlatformError(Code.BAD_PARAMETER, "verify_token已过期")
    order = batch.orders[preparation.order_id]
    needs_store = order.channel is Channel.LIFE or request.poi_id
    if needs_store and not order.accepts(request.poi_id, batch.poi_owners):
        raise PlatformError(Code.WRONG_STORE)
    if part.order_id and part.order_id != str(order.order_id):
        raise PlatformError(Code.BAD_PARAMETER, "order_id与券码不符")
    return preparation


def _answered_coupons(answer: str) -> list[int | None]:
    kept = orjson.loads(answer)
    return [one and int(one) for one in kept["certificate_ids"]]


def _judged(
    part: VerifyPart, preparation: Preparation, batch: _Batch
) -> Iterator[tuple[AskedCode, Code | None]]:
    """Each code with what speaks against redeeming it; nothing if it was answered before."""
    if preparation.answer is not None:
        return
    coupons = {one.certificate_id: one for one in batch.orders[preparation.order_id].coupons}
    uses: Counter[int] = Counter()
    for asked in part.codes:
        if asked.certificate_id is None:
            missing = Code.UNKNOWN_COUPON if part.is_merchant_coded else Code.UNREADABLE_CODE
            yield asked, missing
        elif asked.certificate_id not in preparation.certificate_ids:
            yield asked, Code.UNKNOWN_COUPON
        else:
            uses[asked.certificate_id] += 1
            coupon = coupons[asked.certificate_id]
            yield asked, _refusal(coupon, asked, uses[asked.certificate_id], batch.now)


def _refusal(coupon: Coupon, asked: AskedCode, use: int, now: datetime) -> Code | None:
    """`use` counts how often this call has named the coupon so far."""
    refusal = coupon.refusal(now)
    if refusal is None and use > coupon.times_left:
        return Code.TIMES_USED_UP
    if refusal is None and asked.serial is not None and asked.serial not in coupon.free_serials():
        return Code.ALREADY_VERIFIED
    return refusal


def _verify_part(
    request: VerifyRequest, part: VerifyPart, preparation: Preparation, batch: _Batch
) -> list[shapes.Json]:
    if preparation.answer is not None:
        kept: list[shapes.Json] = orjson.loads(preparation.answer)["verify_results"]
        return kept
    order = batch.orders[preparation.order_id]
    judged = list(_judged(part, preparation, batch))
    results = [
        _spend(order, asked, request.poi_id, part.verify_token, batch)
        if code is None
        else shapes.verify_result(code, given=asked.given)
        for asked, code in judged
    ]
    if any(code is Code.BUSY for _, code in judged):
        # To be asked again with the same token: no answer to keep.
        return results
    answer = {
        "certificate_ids": [
            asked.certificate_id and str(asked.certificate_id) for asked in part.codes
        ],
        "verify_results": results,
    }
    batch.preparations[part.verify_token] = replace(
        preparation, answer=orjson.dumps(answer).decode()
    )
    return results


def _spend(
    order: Order, asked: AskedCode, poi_id: str, verify_token: str, batch: _Batch
) -> shapes.Json:
    coupon = _coupon(order, asked)
    free = coupon.free_serials()
    found = Verification(
        verify_id=numbers.entity_id(next(batch.numbers), batch.now),
        certificate_id=coupon.certificate_id,
        order_id=order.order_id,
        account_id=order.account_id,
        poi_id=poi_id,
        verify_token=verify_token,
        verified_at=batch.now,
        serial=free[0] if asked.serial not in free else asked.serial or free[0],
    )
    settles_at = batch.now + timedelta(seconds=batch.world.pace.settle_seconds)
    coupon.verify(found, settles_at=settles_at)
    batch.changes.verified(order, coupon, found)
    return shapes.verified(order, coupon, found, given=asked.given)


def _coupon(order: Order, asked: AskedCode) -> Coupon:
    return next(one for one in order.coupons if one.certificate_id == asked.certificate_id)
