"""Refunds of which the platform names the order and the amount, and no coupon."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from services.orders.domain.facts import Fact
from shared.contracts.observations import ObservationKind


class RefundPhase(StrEnum):
    UNHEARD = "unheard"
    OPEN = "open"
    REJECTED = "rejected"
    DONE = "done"


_P, _K = RefundPhase, ObservationKind

# (phase, what is observed next) -> phase. Money that went back stays back; a refund that was
# turned down may be asked for again under the same id.
REFUND_TRANSITIONS: Mapping[tuple[RefundPhase, ObservationKind], RefundPhase] = MappingProxyType(
    {
        (_P.UNHEARD, _K.ORDER_REFUNDING): _P.OPEN,
        (_P.UNHEARD, _K.ORDER_REFUND_REJECTED): _P.REJECTED,
        (_P.UNHEARD, _K.ORDER_REFUNDED): _P.DONE,
        (_P.OPEN, _K.ORDER_REFUNDING): _P.OPEN,
        (_P.OPEN, _K.ORDER_REFUND_REJECTED): _P.REJECTED,
        (_P.OPEN, _K.ORDER_REFUNDED): _P.DONE,
        (_P.REJECTED, _K.ORDER_REFUNDING): _P.OPEN,
        (_P.REJECTED, _K.ORDER_REFUND_REJECTED): _P.REJECTED,
        (_P.REJECTED, _K.ORDER_REFUNDED): _P.DONE,
        (_P.DONE, _K.ORDER_REFUNDING): _P.DONE,
        (_P.DONE, _K.ORDER_REFUND_REJECTED): _P.DONE,
        (_P.DONE, _K.ORDER_REFUNDED): _P.DONE,
    }
)
REFUND_KINDS: frozenset[ObservationKind] = frozenset(kind for _, kind in REFUND_TRANSITIONS)


class MoneyBack(NamedTuple):
    """What the refunds of an order come to. `whole`: all that was paid went back."""

    is_open: bool = False
    some: bool = False
    whole: bool = False
    amount_fen: int = 0


NO_MONEY_BACK = MoneyBack()


def walk_refunds(ordered: Iterable[Fact], *, pay_amount_fen: int | None) -> MoneyBack:
    """Walk each refund's facts, which are in order; facts without an id are of one refund."""
    phases: defaultdict[str | None, RefundPhase] = defaultdict(lambda: RefundPhase.UNHEARD)
    amounts: defaultdict[str | None, int] = defaultdict(int)
    for fact in ordered:
        if fact.kind not in REFUND_KINDS:
            continue
        phases[fact.refund_id] = REFUND_TRANSITIONS[phases[fact.refund_id], fact.kind]
        amounts[fact.refund_id] = max(amounts[fact.refund_id], fact.refund_amount_fen or 0)
    done = [refund for refund, phase in phases.items() if phase is RefundPhase.DONE]
    amount_fen = sum(amounts[refund] for refund in done)
    return MoneyBack(
        is_open=RefundPhase.OPEN in phases.values(),
        some=bool(done),
        whole=bool(done) and pay_amount_fen is not None and 0 < pay_amount_fen <= amount_fen,
        amount_fen=amount_fen,
    )
