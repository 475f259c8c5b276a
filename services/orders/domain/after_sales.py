"""The life of an after-sale: a table, complete, and what each state is owed.

A state is written down before anything is done about it, and everything that is done can be done
again: whoever dies between two statements leaves a row from which the next one goes on.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from shared.contracts.after_sales import AfterSaleState


class Move(StrEnum):
    """What can happen to an after-sale."""

    RULED_ALLOW = "ruled_allow"
    RULED_ASK = "ruled_ask"
    RULED_REFUSE = "ruled_refuse"
    # The rules cannot say yet: a redemption is under way. The platform was told to wait.
    TOLD_TO_WAIT = "told_to_wait"
    PERSON_ALLOWS = "person_allows"
    PERSON_REFUSES = "person_refuses"
    # The platform took our answer, or says that it needs it no more.
    ANSWER_TAKEN = "answer_taken"
    ANSWER_DECLINED = "answer_declined"
    # The platform's own time limit: it passes what nobody has answered.
    TIME_IS_UP = "time_is_up"
    REFUNDED = "refunded"
    # The platform turned the refund down, or the buyer withdrew it.
    WITHDRAWN = "withdrawn"


class LockDuty(StrEnum):
    """What the locks of an after-sale in this state are owed."""

    TAKE = "take"
    KEEP = "keep"
    RELEASE = "release"


_S, _M = AfterSaleState, Move

# (state, move) -> state. What is not named here cannot happen in that state, and changes nothing.
TRANSITIONS: Mapping[tuple[AfterSaleState, Move], AfterSaleState] = MappingProxyType(
    {
        # Recorded; the platform has no answer yet and will ask again.
        (_S.ASKED, _M.RULED_ALLOW): _S.APPROVED,
        (_S.ASKED, _M.RULED_ASK): _S.PENDING,
        (_S.ASKED, _M.RULED_REFUSE): _S.REJECTED,
        (_S.ASKED, _M.TOLD_TO_WAIT): _S.WAITING,
        (_S.ASKED, _M.TIME_IS_UP): _S.PASSED,
        (_S.ASKED, _M.REFUNDED): _S.CLOSED,
        (_S.ASKED, _M.WITHDRAWN): _S.CLOSED,
        # The platform was told "pending": from here on it must be called with the answer.
        (_S.WAITING, _M.RULED_ALLOW): _S.APPROVING,
        (_S.WAITING, _M.RULED_ASK): _S.PENDING,
        (_S.WAITING, _M.RULED_REFUSE): _S.REJECTING,
        (_S.WAITING, _M.TIME_IS_UP): _S.PASSED,
        (_S.WAITING, _M.REFUNDED): _S.CLOSED,
        (_S.WAITING, _M.WITHDRAWN): _S.CLOSED,
        # A person decides.
        (_S.PENDING, _M.PERSON_ALLOWS): _S.APPROVING,
        (_S.PENDING, _M.PERSON_REFUSES): _S.REJECTING,
        (_S.PENDING, _M.TIME_IS_UP): _S.PASSED,
        (_S.PENDING, _M.REFUNDED): _S.CLOSED,
        (_S.PENDING, _M.WITHDRAWN): _S.CLOSED,
        # Decided; the platform is called until it has taken the answer.
        (_S.APPROVING, _M.ANSWER_TAKEN): _S.APPROVED,
        (_S.APPROVING, _M.ANSWER_DECLINED): _S.PASSED,
        (_S.APPROVING, _M.TIME_IS_UP): _S.PASSED,
        (_S.APPROVING, _M.REFUNDED): _S.CLOSED,
        (_S.APPROVING, _M.WITHDRAWN): _S.CLOSED,
        (_S.REJECTING, _M.ANSWER_TAKEN): _S.REJECTED,
        (_S.REJECTING, _M.ANSWER_DECLINED): _S.PASSED,
        (_S.REJECTING, _M.TIME_IS_UP): _S.PASSED,
        (_S.REJECTING, _M.REFUNDED): _S.CLOSED,
        (_S.REJECTING, _M.WITHDRAWN): _S.REJECTED,
        # The money is on its way.
        (_S.APPROVED, _M.REFUNDED): _S.CLOSED,
        (_S.APPROVED, _M.WITHDRAWN): _S.CLOSED,
        # Nobody answered in time, or too late: most likely the money is on its way.
        (_S.PASSED, _M.REFUNDED): _S.CLOSED,
        (_S.PASSED, _M.WITHDRAWN): _S.CLOSED,
    }
)
FINAL = frozenset({_S.REJECTED, _S.CLOSED})
# The platform's clock runs on these.
UNANSWERED = frozenset({_S.ASKED, _S.WAITING, _S.PENDING, _S.APPROVING, _S.REJECTING})
# To be gone on with by ourselves, again and again, until the state is another.
RULED_AGAIN = frozenset({_S.ASKED, _S.WAITING})
TOLD_AGAIN = frozenset({_S.APPROVING, _S.REJECTING})

# A lock outlives every doubt: it is given back only once no refund can come of the matter. What
# was refunded stays locked for ever, since a fact of the refund may never reach redemption.
LOCKS: Mapping[AfterSaleState, LockDuty] = MappingProxyType(
    {
        _S.ASKED: LockDuty.TAKE,
        _S.WAITING: LockDuty.TAKE,
        _S.PENDING: LockDuty.KEEP,
        _S.APPROVING: LockDuty.KEEP,
        _S.REJECTING: LockDuty.KEEP,
        _S.APPROVED: LockDuty.KEEP,
        _S.PASSED: LockDuty.KEEP,
        _S.CLOSED: LockDuty.KEEP,
        _S.REJECTED: LockDuty.RELEASE,
    }
)


def after(state: AfterSaleState, move: Move) -> AfterSaleState | None:
    """The state it moves to; None if this cannot happen to it any more."""
    return TRANSITIONS.get((state, move))


def lock_duty(state: AfterSaleState, move: Move) -> LockDuty:
    """Withdrawn: no money went back, so the coupons are the buyer's again."""
    return LockDuty.RELEASE if move is Move.WITHDRAWN else LOCKS[state]
