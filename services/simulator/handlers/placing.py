"""Customers order: they pay at once, later, or never."""

import zlib
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from services.simulator.domain import numbers
from services.simulator.domain.coupons import (
    Channel,
    CodeOrigin,
    Coupon,
    CouponState,
    Order,
    OrderState,
    Sku,
    split,
)
from services.simulator.domain.fields import Identifier, OwnId, Text, TextOrEmpty
from services.simulator.handlers.saving import Changes, find_orders, lock_orders, save
from services.simulator.handlers.world import World
from services.simulator.queries import apps
from services.simulator.queries import orders as queries
from shared.clock import utc_now
from shared.errors import NotFound
from shared.ids import new_id
from shared.postgres.connection import Connection

ORDERS_MAX = 1000


class SkuRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    title: Text
    price_fen: int = Field(ge=0, le=10**9)
    sku_id: Text | None = None
    # 1 group meal, 2 voucher, 3 times card.
    groupon_type: int = Field(default=1, ge=1, le=3)
    # How often each coupon may be used.
    times_count: int = Field(default=1, ge=1, le=1000)
    # What the merchant calls it.
    third_sku_id: TextOrEmpty = ""
    # Whose codes its coupons have.
    code_origin: CodeOrigin = CodeOrigin.PLATFORM


class OrderRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    account_id: Identifier
    sku: SkuRequest
    # How many coupons.
    count: int = Field(default=1, ge=1, le=20)
    # Placing a reference twice gives the first order again. Faults are decided by it.
    reference: Text | None = None
    pay_amount_fen: int | None = Field(default=None, ge=0, le=10**10)
    paid: bool = True
    expires_in_seconds: float | None = Field(default=None, ge=0, le=10**9)
    poi_ids: list[Identifier] | None = Field(default=None, min_length=1, max_length=1000)
    open_id: Text | None = None
    # Of the life services, or of a mini-program's trade by one of its protocols.
    channel: Channel = Channel.LIFE
    # The merchant's own number of a mini-program's order.
    out_order_no: Text | None = None
    cp_extra: Annotated[str, Field(max_length=2048, pattern=r"^[^\x00]*$")] = ""


class OrdersRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    orders: list[OrderRequest] = Field(min_length=1, max_length=ORDERS_MAX)


class OrderIdsRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    order_ids: list[OwnId] = Field(min_length=1, max_length=ORDERS_MAX)


async def place_orders(world: World, requests: Sequence[OrderRequest]) -> list[Order]:
    """All or none; the orders come back in the order asked for."""
    now = utc_now()
    async with world.pool.acquire() as conn, conn.transaction():
        client_keys = await find_client_keys(conn, requests)
        supply = await number_supply(world, conn, requests)
        placed = [
            new_order(request, client_keys[request.account_id], supply, world, now)
            for request in requests
        ]
        known = await add_orders(world, conn, placed, now)
    world.ring()
    return known


async def add_orders(
    world: World, conn: Connection, placed: Sequence[Order], now: datetime
) -> list[Order]:
    """Those whose reference is new; for the others the order that has it."""
    new_ids = await queries.add_orders(conn, placed)
    new = [order for order in placed if order.order_id in new_ids]
    await queries.add_coupons(conn, [coupon for order in new for coupon in order.coupons], now)
    changes = Changes()
    for order in new:
        if order.paid_at is not None:
            changes.paid(order, now)
    await save(conn, changes, faults=world.faults, now=now)
    known = {(order.account_id, order.reference): order for order in new}
    known |= await _placed_before(conn, [one for one in placed if one.order_id not in new_ids])
    return [known[order.account_id, order.reference] for order in placed]


async def number_supply(
    world: World, conn: Connection, requests: Sequence[OrderRequest]
) -> Iterator[int]:
    needed = sum(1 + 3 * request.count for request in requests)
    return iter(await world.numbers.take(conn, needed))


async def find_client_keys(conn: Connection, requests: Sequence[OrderRequest]) -> dict[str, str]:
    account_ids = sorted({request.account_id for request in requests})
    client_keys = await apps.find_client_keys(conn, account_ids)
    for account_id in account_ids:
        if account_id not in client_keys:
            message = f"no merchant {account_id}: register it with an app first"
            raise NotFound(message)
    return client_keys


def new_order(
    request: OrderRequest, client_key: str, supply: Iterator[int], world: World, now: datetime
) -> Order:
    original = request.sku.price_fen * request.count
    pay_amount = original if request.pay_amount_fen is None else request.pay_amount_fen
    order = Order(
        order_id=numbers.entity_id(next(supply), now),
        account_id=request.account_id,
        client_key=client_key,
        reference=request.reference or str(new_id()),
        open_id=request.open_id or numbers.open_id(),
        sku=Sku(
            request.sku.sku_id or _sku_id(request.sku),
            request.sku.title,
            request.sku.groupon_type,
            request.sku.third_sku_id,
        ),
        poi_ids=None if request.poi_ids is None else tuple(request.poi_ids),
        original_amount_fen=original,
        pay_amount_fen=pay_amount,
        state=OrderState.OPEN if request.paid else OrderState.UNPAID,
        created_at=now,
        paid_at=now if request.paid else None,
        closes_at=now + timedelta(seconds=world.pace.unpaid_seconds),
        updated_at=now,
        channel=request.channel,
        code_origin=request.sku.code_origin,
        out_order_id=request.out_order_no,
        cp_extra=request.cp_extra,
        issue_until=issue_until(request.sku.code_origin, request.channel, world, now)
        if request.paid
        else None,
    )
    order.coupons = list(_new_coupons(order, request, supply, world, now))
    return order


def _new_coupons(
    order: Order, request: OrderRequest, supply: Iterator[int], world: World, now: datetime
) -> Iterator[Coupon]:
    given = request.expires_in_seconds
    valid_seconds = world.settings.simulator_coupon_seconds if given is None else given
    pay_shares = split(order.pay_amount_fen, request.count)
    for place in range(request.count):
        number, code, link = islice(supply, 3)
        yield Coupon(
            certificate_id=numbers.entity_id(number, now),
            order_id=order.order_id,
            place=place,
            code=numbers.coupon_code(code),
            short_id=numbers.short_link_id(link),
            state=_first_state(order),
            original_amount_fen=request.sku.price_fen,
            pay_amount_fen=pay_shares[place],
            starts_at=now,
            expires_at=now + timedelta(seconds=valid_seconds),
            times_count=request.sku.times_count,
        )


def _first_state(order: Order) -> CouponState:
    if order.paid_at is None:
        return CouponState.UNPAID
    return CouponState.AVAILABLE if order.issue_until is None else CouponState.ISSUING


def issue_until(
    code_origin: CodeOrigin, channel: Channel, world: World, now: datetime
) -> datetime | None:
    """Only the life services ask for codes; mini-programs tell theirs to nobody."""
    if code_origin is CodeOrigin.PLATFORM or channel is not Channel.LIFE:
        return None
    return now + timedelta(seconds=world.pace.issue_seconds)


def _sku_id(sku: SkuRequest) -> str:
    """One product keeps its id from order to order."""
    return str(1_700_000_000_000_000 + zlib.crc32(f"{sku.title}:{sku.price_fen}".encode()))


async def _placed_before(conn: Connection, orders: Sequence[Order]) -> dict[tuple[str, str], Order]:
    if not orders:
        return {}
    order_ids = await queries.find_orders_by_reference(
        conn, [order.account_id for order in orders], [order.reference for order in orders]
    )
    found = await find_orders(conn, order_ids)
    return {(order.account_id, order.reference): order for order in found.values()}


async def pay_orders(world: World, order_ids: Sequence[int]) -> list[Order]:
    """Customers pay after all; those who paid or gave up before are left as they are."""
    now = utc_now()
    changes = Changes()
    async with world.pool.acquire() as conn, conn.transaction():
        for order in (await lock_orders(conn, order_ids)).values():
            if order.state is OrderState.UNPAID:
                until = issue_until(order.code_origin, order.channel, world, now)
                order.pay(now, issue_until=until)
                changes.changed(order, *order.coupons)
                changes.paid(order, now)
        await save(conn, changes, faults=world.faults, now=now)
    world.ring()
    return list(changes.orders.values())
