"""Facts about one order, and the order in which they count."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple
from uuid import UUID

from shared.contracts.observations import ObservationKind, Source

# The platform's clock has whole seconds. What shares a second counts as if it had happened in
# this order: the way a coupon usually goes through its life.
SAME_SECOND_ORDER: tuple[ObservationKind, ...] = (
    ObservationKind.ORDER_CREATED,
    ObservationKind.ORDER_CLOSED,
    ObservationKind.ORDER_PAID,
    ObservationKind.ORDER_REFUNDING,
    ObservationKind.ORDER_REFUND_REJECTED,
    ObservationKind.ORDER_REFUNDED,
    ObservationKind.COUPON_AVAILABLE,
    ObservationKind.COUPON_REDEEMED,
    ObservationKind.COUPON_REDEMPTION_CANCELLED,
    ObservationKind.COUPON_REFUNDING,
    ObservationKind.COUPON_REFUND_REJECTED,
    ObservationKind.COUPON_REFUNDED,
    ObservationKind.COUPON_CLOSED,
    ObservationKind.ORDER_SETTLED,
)
_RANK: Mapping[ObservationKind, int] = MappingProxyType(
    {kind: rank for rank, kind in enumerate(SAME_SECOND_ORDER)}
)


class Fact(NamedTuple):
    """An observation as it is kept; None where the source does not say."""

    observation_id: UUID
    kind: ObservationKind
    source: Source
    coupon_id: str | None
    occurred_at: datetime
    account_id: str | None = None
    coupon_count: int | None = None
    title: str | None = None
    original_amount_fen: int | None = None
    pay_amount_fen: int | None = None
    refund_amount_fen: int | None = None
    created_at: datetime | None = None
    paid_at: datetime | None = None
    # From when on it held, where that is known to be earlier than when it was observed.
    since: datetime | None = None
    platform_sku_id: str | None = None
    refund_id: str | None = None

    @property
    def began_at(self) -> datetime:
        return self.since or self.occurred_at


def in_order(facts: Iterable[Fact]) -> list[Fact]:
    """Each fact once, as they happened: by time, within a second by kind, then by id.

    This is why arrival does not matter: whatever came late, twice or in another order, the same
    set of facts is the same list.
    """
    each_once = {fact.observation_id: fact for fact in facts}
    return sorted(each_once.values(), key=_when)


def _when(fact: Fact) -> tuple[datetime, int, UUID]:
    return fact.occurred_at, _RANK[fact.kind], fact.observation_id
