"""What the answers of apps do: codes are issued, refunds decided, or the question comes again."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import NamedTuple

from services.simulator.domain import spi
from services.simulator.domain.after_sales import AfterSaleState, DecidedBy
from services.simulator.domain.coupons import Order
from services.simulator.domain.questions import (
    Action,
    Form,
    QuestionState,
    Reply,
    SpiReply,
    read_spi,
    read_trade,
    retry_delay,
)
from services.simulator.handlers import issuing, refunding
from services.simulator.handlers.moment import Moment, moment
from services.simulator.handlers.saving import lock_orders, save
from services.simulator.handlers.world import World
from services.simulator.queries import questions
from services.simulator.queries.questions import DueQuestion, QuestionAttempt
from shared.clock import utc_now
from shared.postgres.connection import Connection

_REASON_MAX = 200


@dataclass(frozen=True, slots=True)
class Answered:
    due: DueQuestion
    reply: Reply
    sent_at: datetime
    milliseconds: int


class Outcome(NamedTuple):
    word: str
    state: QuestionState = QuestionState.ANSWERED
    again: bool = False


async def hear(world: World, conn: Connection, answered: Sequence[Answered]) -> None:
    """Do what they mean, and write down what came of each question."""
    now = utc_now()
    open_ids = await questions.find_open(conn, [one.due.question_id for one in answered])
    orders = await lock_orders(conn, {one.due.order_id for one in answered if one.due.order_id})
    at = await moment(world, conn, orders.values(), now)
    attempts = []
    for one in answered:
        if one.due.question_id not in open_ids:
            continue
        order = orders.get(one.due.order_id or 0)
        attempts.append(_attempt(one, _outcome(at, order, one), world, now))
    await save(conn, at.changes, faults=world.faults, now=now)
    if attempts:
        await questions.add_attempts(conn, attempts)
        await questions.save_outcomes(conn, attempts, now)


def _outcome(at: Moment, order: Order | None, one: Answered) -> Outcome:
    if one.due.form is Form.SPI:
        answer = read_spi(one.reply)
        if one.due.action in _SPI_EFFECTS and order is not None:
            return _SPI_EFFECTS[one.due.action](at, order, one, answer)
        return _again(answer) if answer.error_code != 0 else Outcome("answered")
    answer = read_trade(one.reply)
    if answer.error_code != 0:
        return _again(answer)
    if one.due.action is Action.PRE_CREATE_REFUND and order is not None:
        return _refund_acknowledged(at, order, one, answer)
    return Outcome("acknowledged")


def _again(answer: SpiReply) -> Outcome:
    word = "no_answer" if answer.error_code is None else f"error_{answer.error_code}"
    return Outcome(word, QuestionState.FAILED, again=True)


def _codes(at: Moment, order: Order, _one: Answered, answer: SpiReply) -> Outcome:
    if answer.error_code != 0:
        return _again(answer)
    if not issuing.owed(order):
        return Outcome("too_late")
    result = answer.data.get("result")
    if result == spi.ISSUING:
        return Outcome("issuing")
    if result == spi.NOT_ISSUED:
        issuing.fail(at, order)
        return Outcome("not_issued")
    issued = issuing.read_certificates(answer.data.get("certificates"))
    if result == spi.ISSUED and issued is not None and issuing.issue(at, order, issued):
        return Outcome("issued")
    return Outcome("unusable_codes", QuestionState.FAILED, again=True)


def _refund(at: Moment, order: Order, one: Answered, answer: SpiReply) -> Outcome:
    after_sale = at.after_sales.get(one.due.after_sale_id or 0)
    if after_sale is None or not after_sale.is_open:
        return Outcome("too_late")
    if answer.error_code != 0:
        return _again(answer)
    result = answer.data.get("result")
    if result == spi.REFUND_ALLOWED:
        refunding.allow(at, order, after_sale, DecidedBy.MERCHANT)
        return Outcome("allowed")
    codes = {
        name or "": code
        for code, name in issuing.read_certificates(answer.data.get("certificates")) or ()
    }
    if result == spi.REFUND_REJECTED and refunding.can_reject(order, after_sale, codes):
        reason = str(answer.data.get("reason") or "")[:_REASON_MAX]
        refunding.reject(at, order, after_sale, reason=reason, codes=codes)
        return Outcome("rejected")
    if type(result) is not int or result not in {spi.REFUND_PENDING, spi.REFUND_REJECTED}:
        return Outcome("unknown_result", QuestionState.FAILED, again=True)
    after_sale.state = AfterSaleState.AUDITING
    at.changes.after_sales[after_sale.after_sale_id] = after_sale
    return Outcome("pending" if result == spi.REFUND_PENDING else "rejected_without_code")


def _notice(_at: Moment, _order: Order, one: Answered, answer: SpiReply) -> Outcome:
    """Repeated only where nothing came back at all."""
    if answer.error_code == 0:
        return Outcome("noted")
    return _again(answer)._replace(again=one.reply.timed_out)


def _refund_acknowledged(at: Moment, order: Order, one: Answered, answer: SpiReply) -> Outcome:
    after_sale = at.after_sales.get(one.due.after_sale_id or 0)
    if after_sale is None or not after_sale.is_open:
        return Outcome("too_late")
    number = answer.data.get("out_refund_no")
    if not isinstance(number, str) or not number:
        return Outcome("no_out_refund_no", QuestionState.FAILED, again=True)
    after_sale.out_refund_no = number
    after_sale.state = AfterSaleState.AUDITING
    at.changes.after_sales[after_sale.after_sale_id] = after_sale
    at.changes.changed(order)
    return Outcome("acknowledged")


Effect = Callable[[Moment, Order, Answered, SpiReply], Outcome]
_SPI_EFFECTS: Mapping[Action, Effect] = MappingProxyType(
    {
        Action.ISSUE_CODES: _codes,
        Action.REFUND_APPLY: _refund,
        Action.REFUND_NOTICE: _notice,
    }
)


def _attempt(one: Answered, outcome: Outcome, world: World, now: datetime) -> QuestionAttempt:
    number = one.due.attempts + 1
    delay = retry_delay(
        one.due.form,
        one.due.action,
        one.due.version,
        attempts=number,
        scale=world.pace.retry_scale,
    )
    again = outcome.again and delay is not None
    return QuestionAttempt(
        question_id=one.due.question_id,
        number=number,
        sent_at=one.sent_at,
        milliseconds=one.milliseconds,
        status=one.reply.status,
        error=one.reply.error,
        answer=one.reply.body.decode("utf-8", "replace").replace("\x00", ""),
        state=QuestionState.QUEUED if again else outcome.state,
        outcome=outcome.word,
        due_at=now + timedelta(seconds=delay or 0) if again else None,
    )
