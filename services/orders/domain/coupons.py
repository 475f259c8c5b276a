"""The life of one coupon: a table, and the walk of its facts through it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from services.orders.domain.facts import Fact
from shared.contracts.observations import ObservationKind
from shared.contracts.orders import CouponState


class CouponPhase(StrEnum):
    """A coupon's state, and what must be remembered to take the next step."""

    UNHEARD = "unheard"
    AVAILABLE = "available"
    REDEEMED = "redeemed"
    REFUNDING = "refunding"
    REFUNDING_THOUGH_REDEEMED = "refunding_though_redeemed"
    REFUNDED = "refunded"
    REFUNDED_THOUGH_REDEEMED = "refunded_though_redeemed"
    CLOSED = "closed"


class Why(StrEnum):
    """Why one fact decides over the others about the same coupon."""

    ONLY = "only"
    LATEST = "latest"
    CONFIRMED = "confirmed"
    SAME_SECOND = "same_second"
    REFUND_STANDS = "refund_stands"
    USE_OUTLIVES_CLOSING = "use_outlives_closing"


_P, _K = CouponPhase, ObservationKind

# (phase, what is observed next) -> phase. Every pair is named: nothing that a platform says is
# an error, and a test holds the table complete.
COUPON_TRANSITIONS: Mapping[tuple[CouponPhase, ObservationKind], CouponPhase] = MappingProxyType(
    {
        # Whatever is heard first: a cancellation says that there was a use.
        (_P.UNHEARD, _K.COUPON_AVAILABLE): _P.AVAILABLE,
        (_P.UNHEARD, _K.COUPON_REDEEMED): _P.REDEEMED,
        (_P.UNHEARD, _K.COUPON_REDEMPTION_CANCELLED): _P.AVAILABLE,
        (_P.UNHEARD, _K.COUPON_REFUNDING): _P.REFUNDING,
        (_P.UNHEARD, _K.COUPON_REFUND_REJECTED): _P.AVAILABLE,
        (_P.UNHEARD, _K.COUPON_REFUNDED): _P.REFUNDED,
        (_P.UNHEARD, _K.COUPON_CLOSED): _P.CLOSED,
        # Issued and unused.
        (_P.AVAILABLE, _K.COUPON_AVAILABLE): _P.AVAILABLE,
        (_P.AVAILABLE, _K.COUPON_REDEEMED): _P.REDEEMED,
        (_P.AVAILABLE, _K.COUPON_REDEMPTION_CANCELLED): _P.AVAILABLE,
        (_P.AVAILABLE, _K.COUPON_REFUNDING): _P.REFUNDING,
        (_P.AVAILABLE, _K.COUPON_REFUND_REJECTED): _P.AVAILABLE,
        (_P.AVAILABLE, _K.COUPON_REFUNDED): _P.REFUNDED,
        (_P.AVAILABLE, _K.COUPON_CLOSED): _P.CLOSED,
        # A reading of "available" after a use: the use was taken back, whether we heard or not.
        (_P.REDEEMED, _K.COUPON_AVAILABLE): _P.AVAILABLE,
        (_P.REDEEMED, _K.COUPON_REDEEMED): _P.REDEEMED,
        (_P.REDEEMED, _K.COUPON_REDEMPTION_CANCELLED): _P.AVAILABLE,
        (_P.REDEEMED, _K.COUPON_REFUNDING): _P.REFUNDING_THOUGH_REDEEMED,
        (_P.REDEEMED, _K.COUPON_REFUND_REJECTED): _P.REDEEMED,
        (_P.REDEEMED, _K.COUPON_REFUNDED): _P.REFUNDED_THOUGH_REDEEMED,
        # What was eaten stays eaten.
        (_P.REDEEMED, _K.COUPON_CLOSED): _P.REDEEMED,
        # Used or available again: the refund was withdrawn.
        (_P.REFUNDING, _K.COUPON_AVAILABLE): _P.AVAILABLE,
        (_P.REFUNDING, _K.COUPON_REDEEMED): _P.REDEEMED,
        (_P.REFUNDING, _K.COUPON_REDEMPTION_CANCELLED): _P.REFUNDING,
        (_P.REFUNDING, _K.COUPON_REFUNDING): _P.REFUNDING,
        (_P.REFUNDING, _K.COUPON_REFUND_REJECTED): _P.AVAILABLE,
        (_P.REFUNDING, _K.COUPON_REFUNDED): _P.REFUNDED,
        (_P.REFUNDING, _K.COUPON_CLOSED): _P.CLOSED,
        # Not yet a contradiction: after-sales may refund what was used.
        (_P.REFUNDING_THOUGH_REDEEMED, _K.COUPON_AVAILABLE): _P.AVAILABLE,
        (_P.REFUNDING_THOUGH_REDEEMED, _K.COUPON_REDEEMED): _P.REDEEMED,
        (_P.REFUNDING_THOUGH_REDEEMED, _K.COUPON_REDEMPTION_CANCELLED): _P.REFUNDING,
        (_P.REFUNDING_THOUGH_REDEEMED, _K.COUPON_REFUNDING): _P.REFUNDING_THOUGH_REDEEMED,
        (_P.REFUNDING_THOUGH_REDEEMED, _K.COUPON_REFUND_REJECTED): _P.REDEEMED,
        (_P.REFUNDING_THOUGH_REDEEMED, _K.COUPON_REFUNDED): _P.REFUNDED_THOUGH_REDEEMED,
        (_P.REFUNDING_THOUGH_REDEEMED, _K.COUPON_CLOSED): _P.REDEEMED,
        # The money went back: that stands, whatever is said later.
        (_P.REFUNDED, _K.COUPON_AVAILABLE): _P.REFUNDED,
        (_P.REFUNDED, _K.COUPON_REDEEMED): _P.REFUNDED_THOUGH_REDEEMED,
        (_P.REFUNDED, _K.COUPON_REDEMPTION_CANCELLED): _P.REFUNDED,
        (_P.REFUNDED, _K.COUPON_REFUNDING): _P.REFUNDED,
        (_P.REFUNDED, _K.COUPON_REFUND_REJECTED): _P.REFUNDED,
        (_P.REFUNDED, _K.COUPON_REFUNDED): _P.REFUNDED,
        (_P.REFUNDED, _K.COUPON_CLOSED): _P.REFUNDED,
        # Contradicted until somebody says that the use was taken back.
        (_P.REFUNDED_THOUGH_REDEEMED, _K.COUPON_AVAILABLE): _P.REFUNDED,
        (_P.REFUNDED_THOUGH_REDEEMED, _K.COUPON_REDEEMED): _P.REFUNDED_THOUGH_REDEEMED,
        (_P.REFUNDED_THOUGH_REDEEMED, _K.COUPON_REDEMPTION_CANCELLED): _P.REFUNDED,
        (_P.REFUNDED_THOUGH_REDEEMED, _K.COUPON_REFUNDING): _P.REFUNDED_THOUGH_REDEEMED,
        (_P.REFUNDED_THOUGH_REDEEMED, _K.COUPON_REFUND_REJECTED): _P.REFUNDED_THOUGH_REDEEMED,
        (_P.REFUNDED_THOUGH_REDEEMED, _K.COUPON_REFUNDED): _P.REFUNDED_THOUGH_REDEEMED,
        (_P.REFUNDED_THOUGH_REDEEMED, _K.COUPON_CLOSED): _P.REFUNDED_THOUGH_REDEEMED,
        # Open again, or used all the same: what happened later counts.
        (_P.CLOSED, _K.COUPON_AVAILABLE): _P.AVAILABLE,
        (_P.CLOSED, _K.COUPON_REDEEMED): _P.REDEEMED,
        (_P.CLOSED, _K.COUPON_REDEMPTION_CANCELLED): _P.AVAILABLE,
        (_P.CLOSED, _K.COUPON_REFUNDING): _P.REFUNDING,
        (_P.CLOSED, _K.COUPON_REFUND_REJECTED): _P.CLOSED,
        (_P.CLOSED, _K.COUPON_REFUNDED): _P.REFUNDED,
        (_P.CLOSED, _K.COUPON_CLOSED): _P.CLOSED,
    }
)

STATE_OF: Mapping[CouponPhase, CouponState] = MappingProxyType(
    {
        _P.AVAILABLE: CouponState.AVAILABLE,
        _P.REDEEMED: CouponState.REDEEMED,
        _P.REFUNDING: CouponState.REFUNDING,
        _P.REFUNDING_THOUGH_REDEEMED: CouponState.REFUNDING,
        _P.REFUNDED: CouponState.REFUNDED,
        _P.REFUNDED_THOUGH_REDEEMED: CouponState.REFUNDED,
        _P.CLOSED: CouponState.CLOSED,
    }
)
COUPON_KINDS: frozenset[ObservationKind] = frozenset(kind for _, kind in COUPON_TRANSITIONS)
CONTRADICTED_COUPON = CouponPhase.REFUNDED_THOUGH_REDEEMED
# Which of the two came last within one second cannot be told: the platform is asked.
UNDECIDABLE = frozenset({_K.COUPON_REDEEMED, _K.COUPON_REDEMPTION_CANCELLED})


@dataclass(frozen=True, slots=True)
class CouponView:
    """One coupon as its facts make it."""

    coupon_id: str
    state: CouponState
    changed_at: datetime
    phase: CouponPhase
    decided_by: Fact
    why: Why
    # Redeemed and taken back in the same second, and nothing later says which came last.
    undecidable: bool
    refund_amount_fen: int | None


def walk_coupon(coupon_id: str, facts: Sequence[Fact]) -> CouponView:
    """Walk the facts of one coupon, which are in order, through the table."""
    phase = CouponPhase.UNHEARD
    decided_by = before = facts[0]
    changed_at = before.began_at
    refund_amount_fen: int | None = None
    for fact in facts:
        reached = COUPON_TRANSITIONS[phase, fact.kind]
        if STATE_OF.get(phase) is not STATE_OF[reached]:
            decided_by = fact
            # What is read now may have held before, but not before what it replaces.
            changed_at = max(fact.began_at, before.began_at)
        phase, before = reached, fact
        if fact.refund_amount_fen is not None:
            refund_amount_fen = max(fact.refund_amount_fen, refund_amount_fen or 0)
    return CouponView(
        coupon_id=coupon_id,
        state=STATE_OF[phase],
        changed_at=changed_at,
        phase=phase,
        decided_by=decided_by,
        why=_why(facts, decided_by, phase),
        undecidable=_last_second(facts) >= UNDECIDABLE,
        refund_amount_fen=refund_amount_fen,
    )


def _why(facts: Sequence[Fact], decided_by: Fact, phase: CouponPhase) -> Why:
    if len(facts) == 1:
        return Why.ONLY
    after = {fact.kind for fact in facts[facts.index(decided_by) + 1 :]} - {decided_by.kind}
    if after and STATE_OF[phase] is CouponState.REFUNDED:
        return Why.REFUND_STANDS
    if ObservationKind.COUPON_CLOSED in after and phase is CouponPhase.REDEEMED:
        return Why.USE_OUTLIVES_CLOSING
    rivals = {fact.kind for fact in facts if fact.occurred_at == decided_by.occurred_at}
    if rivals - {decided_by.kind}:
        return Why.SAME_SECOND
    return Why.LATEST if facts[-1] is decided_by else Why.CONFIRMED


def _last_second(facts: Sequence[Fact]) -> set[ObservationKind]:
    last = facts[-1].occurred_at
    return {fact.kind for fact in facts if fact.occurred_at == last}
