"""The life of an order as a whole, its coupons aside: a table, and the walk through it."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType

from services.orders.domain.facts import Fact
from shared.contracts.observations import ObservationKind, Source


class OrderPhase(StrEnum):
    """How far the order as a whole has come."""

    UNHEARD = "unheard"
    CREATED = "created"
    PAID = "paid"
    CLOSED = "closed"
    PAID_THOUGH_CLOSED = "paid_though_closed"
    SETTLED = "settled"
    SETTLED_THOUGH_TAKEN_BACK = "settled_though_taken_back"


class Evidence(StrEnum):
    """What a fact, of the order or of a coupon, says about the order as a whole."""

    CREATED = "created"
    PAID = "paid"
    # The platform, asked, calls the order paid: at that moment it was not settled.
    READ_AS_PAID = "read_as_paid"
    CLOSED = "closed"
    SETTLED = "settled"
    # Only paid orders have coupons that can be used, refunded or offered, and money to give back.
    COUPON_HEARD_OF = "coupon_heard_of"
    USE_TAKEN_BACK = "use_taken_back"
    NOTHING = "nothing"


_P, _E = OrderPhase, Evidence

EVIDENCE: Mapping[ObservationKind, Evidence] = MappingProxyType(
    {
        ObservationKind.ORDER_CREATED: _E.CREATED,
        ObservationKind.ORDER_PAID: _E.PAID,
        ObservationKind.ORDER_CLOSED: _E.CLOSED,
        ObservationKind.ORDER_SETTLED: _E.SETTLED,
        ObservationKind.ORDER_REFUNDING: _E.COUPON_HEARD_OF,
        ObservationKind.ORDER_REFUND_REJECTED: _E.COUPON_HEARD_OF,
        ObservationKind.ORDER_REFUNDED: _E.COUPON_HEARD_OF,
        ObservationKind.COUPON_AVAILABLE: _E.COUPON_HEARD_OF,
        ObservationKind.COUPON_REDEEMED: _E.COUPON_HEARD_OF,
        ObservationKind.COUPON_REDEMPTION_CANCELLED: _E.USE_TAKEN_BACK,
        ObservationKind.COUPON_REFUNDING: _E.COUPON_HEARD_OF,
        ObservationKind.COUPON_REFUND_REJECTED: _E.COUPON_HEARD_OF,
        ObservationKind.COUPON_REFUNDED: _E.COUPON_HEARD_OF,
        # Orders that were never paid have their coupons closed too.
        ObservationKind.COUPON_CLOSED: _E.NOTHING,
    }
)

# (phase, evidence) -> phase. Every pair is named.
ORDER_TRANSITIONS: Mapping[tuple[OrderPhase, Evidence], OrderPhase] = MappingProxyType(
    {
        # Whatever is heard first.
        (_P.UNHEARD, _E.CREATED): _P.CREATED,
        (_P.UNHEARD, _E.PAID): _P.PAID,
        (_P.UNHEARD, _E.READ_AS_PAID): _P.PAID,
        (_P.UNHEARD, _E.CLOSED): _P.CLOSED,
        (_P.UNHEARD, _E.SETTLED): _P.SETTLED,
        (_P.UNHEARD, _E.COUPON_HEARD_OF): _P.PAID,
        (_P.UNHEARD, _E.USE_TAKEN_BACK): _P.PAID,
        # A coupon's fact says that its order was paid, also where the payment was not heard of.
        (_P.CREATED, _E.CREATED): _P.CREATED,
        (_P.CREATED, _E.PAID): _P.PAID,
        (_P.CREATED, _E.READ_AS_PAID): _P.PAID,
        (_P.CREATED, _E.CLOSED): _P.CLOSED,
        (_P.CREATED, _E.SETTLED): _P.SETTLED,
        (_P.CREATED, _E.COUPON_HEARD_OF): _P.PAID,
        (_P.CREATED, _E.USE_TAKEN_BACK): _P.PAID,
        # A reading of "created" after the payment comes from a replica that lags behind.
        (_P.PAID, _E.CREATED): _P.PAID,
        (_P.PAID, _E.PAID): _P.PAID,
        (_P.PAID, _E.READ_AS_PAID): _P.PAID,
        (_P.PAID, _E.CLOSED): _P.PAID_THOUGH_CLOSED,
        (_P.PAID, _E.SETTLED): _P.SETTLED,
        (_P.PAID, _E.COUPON_HEARD_OF): _P.PAID,
        (_P.PAID, _E.USE_TAKEN_BACK): _P.PAID,
        # Paid after all.
        (_P.CLOSED, _E.CREATED): _P.CLOSED,
        (_P.CLOSED, _E.PAID): _P.PAID_THOUGH_CLOSED,
        (_P.CLOSED, _E.READ_AS_PAID): _P.PAID_THOUGH_CLOSED,
        (_P.CLOSED, _E.CLOSED): _P.CLOSED,
        (_P.CLOSED, _E.SETTLED): _P.PAID_THOUGH_CLOSED,
        (_P.CLOSED, _E.COUPON_HEARD_OF): _P.PAID_THOUGH_CLOSED,
        (_P.CLOSED, _E.USE_TAKEN_BACK): _P.PAID_THOUGH_CLOSED,
        # Contradicted for good: a person looks where the money is. It counts as paid.
        (_P.PAID_THOUGH_CLOSED, _E.CREATED): _P.PAID_THOUGH_CLOSED,
        (_P.PAID_THOUGH_CLOSED, _E.PAID): _P.PAID_THOUGH_CLOSED,
        (_P.PAID_THOUGH_CLOSED, _E.READ_AS_PAID): _P.PAID_THOUGH_CLOSED,
        (_P.PAID_THOUGH_CLOSED, _E.CLOSED): _P.PAID_THOUGH_CLOSED,
        (_P.PAID_THOUGH_CLOSED, _E.SETTLED): _P.PAID_THOUGH_CLOSED,
        (_P.PAID_THOUGH_CLOSED, _E.COUPON_HEARD_OF): _P.PAID_THOUGH_CLOSED,
        (_P.PAID_THOUGH_CLOSED, _E.USE_TAKEN_BACK): _P.PAID_THOUGH_CLOSED,
        # Only the platform itself, asked later, can say that it is not settled after all.
        (_P.SETTLED, _E.CREATED): _P.SETTLED,
        (_P.SETTLED, _E.PAID): _P.SETTLED,
        (_P.SETTLED, _E.READ_AS_PAID): _P.PAID,
        (_P.SETTLED, _E.CLOSED): _P.PAID_THOUGH_CLOSED,
        (_P.SETTLED, _E.SETTLED): _P.SETTLED,
        (_P.SETTLED, _E.COUPON_HEARD_OF): _P.SETTLED,
        (_P.SETTLED, _E.USE_TAKEN_BACK): _P.SETTLED_THOUGH_TAKEN_BACK,
        # The platform lets nothing be taken back after settlement: one of the two is wrong.
        (_P.SETTLED_THOUGH_TAKEN_BACK, _E.CREATED): _P.SETTLED_THOUGH_TAKEN_BACK,
        (_P.SETTLED_THOUGH_TAKEN_BACK, _E.PAID): _P.SETTLED_THOUGH_TAKEN_BACK,
        (_P.SETTLED_THOUGH_TAKEN_BACK, _E.READ_AS_PAID): _P.PAID,
        (_P.SETTLED_THOUGH_TAKEN_BACK, _E.CLOSED): _P.PAID_THOUGH_CLOSED,
        (_P.SETTLED_THOUGH_TAKEN_BACK, _E.SETTLED): _P.SETTLED_THOUGH_TAKEN_BACK,
        (_P.SETTLED_THOUGH_TAKEN_BACK, _E.COUPON_HEARD_OF): _P.SETTLED_THOUGH_TAKEN_BACK,
        (_P.SETTLED_THOUGH_TAKEN_BACK, _E.USE_TAKEN_BACK): _P.SETTLED_THOUGH_TAKEN_BACK,
    }
)

UNPAID = frozenset({_P.UNHEARD, _P.CREATED, _P.CLOSED})
CONTRADICTED_ORDER = frozenset({_P.PAID_THOUGH_CLOSED, _P.SETTLED_THOUGH_TAKEN_BACK})


def evidence_of(fact: Fact) -> Evidence:
    if fact.kind is ObservationKind.ORDER_PAID and fact.source is Source.QUERY:
        return Evidence.READ_AS_PAID
    return EVIDENCE[fact.kind]


def walk_order(facts: Iterable[Fact]) -> OrderPhase:
    """Walk all facts of an order, which are in order, through the table."""
    phase = OrderPhase.UNHEARD
    for fact in facts:
        evidence = evidence_of(fact)
        if evidence is not Evidence.NOTHING:
            phase = ORDER_TRANSITIONS[phase, evidence]
    return phase
