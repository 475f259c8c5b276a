"""Prepare: what a scan stands for, and a token that one verify may spend."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from services.simulator.domain import shapes
from services.simulator.domain.codes import Code, PlatformError
from services.simulator.domain.coupons import Order
from services.simulator.handlers.saving import find_orders
from services.simulator.handlers.world import World
from services.simulator.queries import apps, orders, redemptions
from services.simulator.queries.redemptions import Preparation
from shared.clock import utc_now
from shared.postgres.connection import Connection


@dataclass(frozen=True, slots=True)
class PrepareRequest:
    """Either the coupon that the scanned code hides, or the digits that were typed."""

    client_key: str
    # None where a mini-program's server prepares: it names the store when it verifies.
    poi_id: str | None
    certificate_id: int | None
    code: str | None


async def prepare(
    world: World, conn: Connection, requests: Sequence[PrepareRequest]
) -> list[shapes.Json | Exception]:
    now = utc_now()
    by_code = await orders.find_certificate_ids(conn, [one.code for one in requests if one.code])
    scanned = [one.certificate_id or by_code.get(one.code or "", 0) for one in requests]
    order_of = await orders.find_orders_of_coupons(conn, scanned)
    found = await find_orders(conn, order_of.values())
    owners = await apps.find_poi_owners(conn, [one.poi_id for one in requests if one.poi_id])
    preparations: list[Preparation] = []
    answers: list[shapes.Json | Exception] = []
    for request, certificate_id in zip(requests, scanned, strict=True):
        try:
            order = found.get(order_of.get(certificate_id, 0))
            preparation = _prepare(request, certificate_id, order, owners, world, now)
        except PlatformError as error:
            answers.append(error)
        else:
            preparations.append(preparation)
            answers.append(_show(preparation, found[preparation.order_id], world, now))
    if preparations:
        await redemptions.add_preparations(conn, preparations)
    return answers


def _prepare(
    request: PrepareRequest,
    certificate_id: int,
    order: Order | None,
    poi_owners: Mapping[str, str],
    world: World,
    now: datetime,
) -> Preparation:
    """The coupons of the order that can be redeemed, if the scanned one can."""
    if order is None:
        raise PlatformError(Code.UNKNOWN_COUPON)
    if order.client_key != request.client_key:
        raise PlatformError(Code.MERCHANT_NOT_AUTHORISED)
    if request.poi_id is not None and not order.accepts(request.poi_id, poi_owners):
        raise PlatformError(Code.WRONG_STORE)
    scanned = next(one for one in order.coupons if one.certificate_id == certificate_id)
    refusal = scanned.refusal(now)
    if refusal is not None:
        raise PlatformError(refusal)
    return Preparation(
        verify_token=str(uuid4()),
        client_key=request.client_key,
        order_id=order.order_id,
        poi_id=request.poi_id or "",
        certificate_ids=[coupon.certificate_id for coupon in order.usable(now)],
        created_at=now,
        expires_at=now + timedelta(seconds=world.pace.preparation_seconds),
    )


def _show(preparation: Preparation, order: Order, world: World, now: datetime) -> shapes.Json:
    certificates = [
        shapes.certificate(
            order,
            coupon,
            encrypted_code=world.cipher.verify_code(coupon.certificate_id),
            now=now,
            cancel_window=world.cancel_window,
        )
        for coupon in order.coupons
        if coupon.certificate_id in preparation.certificate_ids
    ]
    return {
        "verify_token": preparation.verify_token,
        "order_id": str(order.order_id),
        "certificates": certificates,
        "certificates_v2": certificates,
    }
