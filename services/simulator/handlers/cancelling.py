"""Cancel: redemptions are taken back within their window, all that one call names or none."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import orjson

from services.simulator.domain import shapes
from services.simulator.domain.codes import WORDS, Code, PlatformError
from services.simulator.domain.coupons import Coupon, Order, Verification
from services.simulator.handlers.saving import Changes, lock_orders, save
from services.simulator.handlers.world import World
from services.simulator.queries import orders as order_queries
from services.simulator.queries import redemptions
from services.simulator.queries.redemptions import KeptCancellation
from shared.clock import utc_now
from shared.postgres.connection import Connection

# How long the same cancel_token gets the same answer.
_TOKEN_LIFE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class AskedCancel:
    """The redemption, and what the caller believes it belongs to, where it says so."""

    verify_id: int
    certificate_id: str | None = None
    order_id: int | None = None


@dataclass(frozen=True, slots=True)
class AskedUses:
    """The latest so many uses of a times card."""

    certificate_id: str
    count: int


@dataclass(frozen=True, slots=True)
class CancelRequest:
    client_key: str
    cancel_token: str | None
    asked: Sequence[AskedCancel]
    uses: AskedUses | None = None

    @property
    def verify_ids(self) -> list[int]:
        return [one.verify_id for one in self.asked]

    @property
    def named(self) -> list[int]:
        """What a repeated call must name again."""
        if self.uses is not None:
            return [-zlib.crc32(self.uses.certificate_id.encode()), self.uses.count]
        return self.verify_ids


async def cancel(world: World, conn: Connection, request: CancelRequest) -> shapes.Json:
    """Raises PlatformError, with a result for each redemption, if one of them cannot be."""
    now = utc_now()
    if request.uses is not None:
        order_ids = await order_queries.find_orders_of_card(conn, request.uses.certificate_id)
        await lock_orders(conn, order_ids)
        kept = await _kept(conn, request, now)
        if kept is not None:
            return kept
        request = replace(request, asked=await _latest_uses(conn, request.uses))
    found = await redemptions.find_verifications(conn, request.verify_ids)
    # Locked before the token is looked up: of two equal calls the second sees the first's answer.
    orders = await lock_orders(conn, [one.order_id for one in found.values()])
    kept = await _kept(conn, request, now)
    if kept is not None:
        return kept
    targets = [_target(one, found, orders, request, world, now) for one in request.asked]
    errors = [target for target in targets if isinstance(target, PlatformError)]
    if errors:
        results = [_result(one, target) for one, target in zip(request.asked, targets, strict=True)]
        raise PlatformError(errors[0].code, errors[0].description, data={"cancel_results": results})
    changes = Changes()
    for one, target in zip(request.asked, targets, strict=True):
        if not isinstance(target, PlatformError):
            order, coupon = target
            coupon.verify_cancel(one.verify_id)
            changes.taken_back(order, coupon, one.verify_id, now)
    await save(conn, changes, faults=world.faults, now=now)
    return await _answer(conn, world, request, targets, now)


async def _latest_uses(conn: Connection, uses: AskedUses) -> list[AskedCancel]:
    """Raises PlatformError unless there are so many."""
    found = await redemptions.find_latest_uses(conn, uses.certificate_id, uses.count)
    if len(found) < uses.count:
        raise PlatformError(Code.ALREADY_CANCELLED)
    return [AskedCancel(verify_id) for verify_id in found]


async def _kept(conn: Connection, request: CancelRequest, now: datetime) -> shapes.Json | None:
    if not request.cancel_token:
        return None
    kept = await redemptions.find_kept_cancellation(
        conn, request.client_key, request.cancel_token, since=now - _TOKEN_LIFE
    )
    if kept is None:
        return None
    if list(kept.verify_ids) != request.named:
        raise PlatformError(Code.BAD_PARAMETER, "cancel_token已用于其他撤销")
    answer: shapes.Json = orjson.loads(kept.answer)
    return answer


Target = tuple[Order, Coupon]


def _target(
    asked: AskedCancel,
    found: dict[int, Verification],
    orders: dict[int, Order],
    request: CancelRequest,
    world: World,
    now: datetime,
) -> Target | PlatformError:
    verification = found.get(asked.verify_id)
    if verification is None:
        return PlatformError(Code.UNKNOWN_COUPON)
    order = orders[verification.order_id]
    if order.client_key != request.client_key:
        return PlatformError(Code.MERCHANT_NOT_AUTHORISED)
    coupon = order.coupon(verification.certificate_id)
    if asked.certificate_id not in {None, coupon.public_id, str(coupon.certificate_id)}:
        return PlatformError(Code.BAD_PARAMETER, "verify_id与certificate_id不符")
    if asked.order_id not in {None, order.order_id}:
        return PlatformError(Code.BAD_PARAMETER, "verify_id与order_id不符")
    refusal = coupon.cancel_refusal(asked.verify_id, now=now, window=world.cancel_window)
    return refusal or (order, coupon)


async def _answer(
    conn: Connection,
    world: World,
    request: CancelRequest,
    targets: Sequence[Target | PlatformError],
    now: datetime,
) -> shapes.Json:
    transaction = next(iter(await world.numbers.take(conn, 1)))
    answer = {
        "cancel_results": [
            _result(one, target) for one, target in zip(request.asked, targets, strict=True)
        ],
        "transaction_id": str(transaction),
    }
    if request.cancel_token:
        kept = KeptCancellation(request.named, orjson.dumps(answer).decode())
        await redemptions.keep_cancellation(
            conn, request.client_key, request.cancel_token, kept=kept, now=now
        )
    return answer


def _result(asked: AskedCancel, target: Target | PlatformError) -> shapes.Json:
    if isinstance(target, PlatformError):
        order_id, code, words = "", target.code, target.description
    else:
        order_id, code, words = str(target[0].order_id), Code.OK, WORDS[Code.OK]
    return {
        "verify_id": str(asked.verify_id),
        "order_id": order_id,
        "result_code": int(code),
        "result_msg": words,
    }
