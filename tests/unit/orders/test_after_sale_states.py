"""The life of an after-sale: the table is whole, ends, and never lets go of a coupon too soon."""

from services.orders.domain.after_sales import (
    FINAL,
    LOCKS,
    RULED_AGAIN,
    TOLD_AGAIN,
    TRANSITIONS,
    UNANSWERED,
    LockDuty,
    Move,
    after,
    lock_duty,
)
from shared.contracts.after_sales import AfterSaleState

_S, _M = AfterSaleState, Move


def moves_of(state: AfterSaleState) -> set[Move]:
    return {move for known, move in TRANSITIONS if known is state}


def reachable(start: AfterSaleState) -> set[AfterSaleState]:
    found, waiting = {start}, [start]
    while waiting:
        state = waiting.pop()
        new = {to for (origin, _), to in TRANSITIONS.items() if origin is state} - found
        found |= new
        waiting.extend(new)
    return found


def test_every_state_is_reached_and_every_one_comes_to_an_end() -> None:
    assert reachable(_S.ASKED) == set(_S)
    for state in set(_S) - FINAL:
        assert reachable(state) & FINAL, state
    for state in FINAL:
        assert moves_of(state) == set()


def test_the_platforms_clock_runs_until_it_has_an_answer() -> None:
    for state in _S:
        assert (_M.TIME_IS_UP in moves_of(state)) == (state in UNANSWERED)


def test_a_refund_that_came_about_closes_whatever_is_open() -> None:
    for state in set(_S) - FINAL:
        assert after(state, _M.REFUNDED) is _S.CLOSED


def test_who_was_told_to_wait_is_called_with_the_answer() -> None:
    for move, told in ((_M.RULED_ALLOW, _S.APPROVING), (_M.RULED_REFUSE, _S.REJECTING)):
        assert after(_S.WAITING, move) is told
        assert told in TOLD_AGAIN
    assert {_S.ASKED, _S.WAITING} == RULED_AGAIN


def test_locks_are_given_back_only_once_no_refund_can_come() -> None:
    assert set(LOCKS) == set(_S)
    released = {state for state in _S if LOCKS[state] is LockDuty.RELEASE}
    assert released == {_S.REJECTED}
    for (_, move), state in TRANSITIONS.items():
        if lock_duty(state, move) is LockDuty.RELEASE:
            assert state in FINAL


def test_a_decision_that_was_made_is_never_made_again() -> None:
    persons = {_M.PERSON_ALLOWS, _M.PERSON_REFUSES}
    rules = {_M.RULED_ALLOW, _M.RULED_ASK, _M.RULED_REFUSE}
    for state in _S:
        assert not (persons & moves_of(state)) or state is _S.PENDING
        assert not (rules & moves_of(state)) or state in RULED_AGAIN
