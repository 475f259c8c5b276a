"""What one transaction that moves orders works with."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from services.simulator.domain import numbers
from services.simulator.domain.after_sales import AfterSale
from services.simulator.domain.coupons import Order
from services.simulator.handlers.saving import Changes
from services.simulator.handlers.world import World
from services.simulator.queries import after_sales as queries
from shared.postgres.connection import Connection

# A refund and a settlement of each order.
_IDS_AN_ORDER = 2


@dataclass(slots=True)
class Moment:
    world: World
    now: datetime
    numbers: Iterator[int]
    # Those that the coupons of the orders at hand belong to.
    after_sales: dict[int, AfterSale]
    changes: Changes = field(default_factory=Changes)

    def new_id(self) -> int:
        return numbers.entity_id(next(self.numbers), self.now)

    @property
    def refund_at(self) -> datetime:
        return self.now + timedelta(seconds=self.world.pace.refund_seconds)


async def moment(world: World, conn: Connection, orders: Iterable[Order], now: datetime) -> Moment:
    """Of orders that are locked."""
    listed = list(orders)
    after_sale_ids = {
        coupon.after_sale_id
        for order in listed
        for coupon in order.coupons
        if coupon.after_sale_id is not None
    }
    found = await queries.find_after_sales(conn, sorted(after_sale_ids)) if after_sale_ids else {}
    supply = iter(await world.numbers.take(conn, _IDS_AN_ORDER * len(listed)))
    return Moment(world, now, supply, found)
