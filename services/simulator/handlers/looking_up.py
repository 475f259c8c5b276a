"""Get, query, verify records and the order query: what the platform shows of itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.simulator.domain import shapes
from services.simulator.domain.codes import Code, PlatformError
from services.simulator.domain.coupons import Coupon, Order
from services.simulator.domain.paging import Position, Window
from services.simulator.handlers.saving import find_orders
from services.simulator.handlers.world import World
from services.simulator.queries import apps, orders, pages
from shared.clock import from_unix_seconds, utc_now
from shared.postgres.connection import Connection

_PAGED_ORDERS_MAX = 10_000
_EVERYTHING = Window(from_unix_seconds(0), from_unix_seconds(4_102_444_800))


async def certificate_get(
    world: World, conn: Connection, *, client_key: str, certificate_id: int
) -> shapes.Json:
    """One coupon; the times are in milliseconds in this call alone."""
    order, coupon = await _coupon(conn, client_key, certificate_id)
    shown = _certificate(world, order, coupon, utc_now(), in_milliseconds=True)
    return {"certificate": shown, "certificate_v_2": shown}


async def certificate_query(
    world: World,
    conn: Connection,
    *,
    client_key: str,
    certificate_id: int | None,
    order_id: int | None,
) -> shapes.Json:
    """The coupon behind a code, or all of an order."""
    now = utc_now()
    if certificate_id is not None:
        order, coupon = await _coupon(conn, client_key, certificate_id)
        shown = [_certificate(world, order, coupon, now)]
    else:
        order = await _order(conn, client_key, order_id or 0)
        shown = [_certificate(world, order, coupon, now) for coupon in order.coupons]
    return {"certificates": shown, "certificates_v_2": shown}


async def _coupon(conn: Connection, client_key: str, certificate_id: int) -> tuple[Order, Coupon]:
    order_of = await orders.find_orders_of_coupons(conn, [certificate_id])
    if certificate_id not in order_of:
        raise PlatformError(Code.UNKNOWN_COUPON)
    order = await _order(conn, client_key, order_of[certificate_id])
    return order, next(one for one in order.coupons if one.certificate_id == certificate_id)


async def _order(conn: Connection, client_key: str, order_id: int) -> Order:
    order = (await find_orders(conn, [order_id])).get(order_id)
    if order is None:
        raise PlatformError(Code.UNKNOWN_ORDER)
    if order.client_key != client_key:
        raise PlatformError(Code.MERCHANT_NOT_AUTHORISED)
    return order


def _certificate(
    world: World, order: Order, coupon: Coupon, now: datetime, *, in_milliseconds: bool = False
) -> shapes.Json:
    return shapes.certificate(
        order,
        coupon,
        encrypted_code=world.cipher.verify_code(coupon.certificate_id),
        now=now,
        cancel_window=world.cancel_window,
        in_milliseconds=in_milliseconds,
    )


@dataclass(frozen=True, slots=True)
class RecordQuery:
    account_id: str
    size: int
    before: Position | None
    window: Window | None
    poi_ids: Sequence[str]


async def verify_records(
    world: World, conn: Connection, *, client_key: str, query: RecordQuery
) -> shapes.Json:
    """Newest first; each record carries the cursor of what comes after it."""
    now = utc_now()
    await _require_grant(conn, client_key, query.account_id)
    window = query.window or _EVERYTHING
    poi_ids = list(query.poi_ids) or None
    found = await pages.find_verifications(
        conn, query.account_id, window, poi_ids=poi_ids, before=query.before, limit=query.size
    )
    total = await pages.count_verifications(conn, query.account_id, window, poi_ids=poi_ids)
    by_id = await find_orders(conn, [one.order_id for one in found])
    records = []
    for one in found:
        order = by_id[one.order_id]
        coupon = next(each for each in order.coupons if each.certificate_id == one.certificate_id)
        records.append(
            shapes.record(order, coupon, one, now=now, cancel_window=world.cancel_window)
        )
    return {"total": total, "records": records, "records_v2": records}


@dataclass(frozen=True, slots=True)
class OrderQuery:
    account_id: str
    order_id: int | None
    created: Window | None
    updated: Window | None
    open_id: str | None
    page_num: int
    page_size: int
    after: Position | None


async def order_query(conn: Connection, *, client_key: str, query: OrderQuery) -> shapes.Json:
    await _require_grant(conn, client_key, query.account_id)
    if query.after is None and query.page_num * query.page_size > _PAGED_ORDERS_MAX:
        raise PlatformError(Code.USE_CURSOR)
    if query.order_id is not None:
        found = await find_orders(conn, [query.order_id])
        shown = [one for one in found.values() if one.account_id == query.account_id]
        return shapes.orders_page(
            shown, total=len(shown), page_num=1, page_size=query.page_size, after=()
        )
    return await _orders_page(conn, query)


async def _orders_page(conn: Connection, query: OrderQuery) -> shapes.Json:
    asked = pages.Asked(
        account_id=query.account_id,
        created=query.created or _EVERYTHING,
        updated=query.updated or _EVERYTHING,
        open_id=query.open_id,
        by_update=query.updated is not None,
    )
    skip = 0 if query.after else (query.page_num - 1) * query.page_size
    places = await pages.find_order_places(
        conn, asked, after=query.after, skip=skip, limit=query.page_size
    )
    total = await pages.count_orders(conn, asked)
    by_id = await find_orders(conn, [place.entity_id for place in places])
    return shapes.orders_page(
        [by_id[place.entity_id] for place in places],
        total=total,
        page_num=query.page_num,
        page_size=query.page_size,
        after=places[-1].as_strings() if places else (),
    )


async def _require_grant(conn: Connection, client_key: str, account_id: str) -> None:
    granted = await apps.find_client_keys(conn, [account_id])
    if granted.get(account_id) != client_key:
        raise PlatformError(Code.MERCHANT_NOT_AUTHORISED)
