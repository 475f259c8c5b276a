"""What the platform asks an app or tells it in its trade, and how often it tries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import orjson


class Form(StrEnum):
    """How a question travels and is signed."""

    SPI = "spi"
    TRADE = "trade"
    ECPAY = "ecpay"


class Action(StrEnum):
    """By the platform's own names."""

    PRE_CREATE = "trade.order.pre_create_order"
    ISSUE_CODES = "fulfilment.order.tripartite_code"
    REFUND_APPLY = "fulfilment.order.refund_apply"
    REFUND_NOTICE = "fulfilment.order.refund_notice"
    ORDER_STATUS = "fulfilment.order.query"
    # Callbacks of mini-programs.
    MINI_PRE_CREATE = "pre_create_order"
    PAYMENT = "payment"
    PRE_CREATE_REFUND = "pre_create_refund"
    REFUND = "refund"
    SETTLE = "settle"
    COUPON_VERIFY = "coupon_verify"
    COUPON_VERIFY_CANCEL = "coupon_verify_cancel"


class QuestionState(StrEnum):
    QUEUED = "queued"
    ANSWERED = "answered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Question:
    client_key: str
    form: Form
    action: Action
    body: str
    order_id: int | None = None
    after_sale_id: int | None = None
    # Of a trade callback: which header and schedule it has.
    version: str = ""
    state: QuestionState = QuestionState.QUEUED
    outcome: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back to one try; `status` is None where nothing did."""

    status: int | None
    body: bytes
    error: str | None

    def read(self) -> dict[str, Any] | None:
        """The JSON object of an answer with status 200; None for anything else."""
        if self.status != 200:  # noqa: PLR2004 - the one status that answers
            return None
        try:
            found = orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return None
        return found if isinstance(found, dict) else None

    @property
    def timed_out(self) -> bool:
        return self.status is None


@dataclass(frozen=True, slots=True)
class SpiReply:
    """`error_code` None: no answer that the platform can read."""

    error_code: int | None
    data: Mapping[str, Any]


def read_spi(reply: Reply) -> SpiReply:
    found = reply.read()
    data = found.get("data") if found else None
    code = data.get("error_code") if isinstance(data, dict) else None
    if not isinstance(data, dict) or type(code) is not int or not 0 <= code <= _CODE_MAX:
        return SpiReply(None, {})
    return SpiReply(code, data)


def read_trade(reply: Reply) -> SpiReply:
    """`err_no` of the mini-programs' acknowledgement."""
    found = reply.read()
    code = found.get("err_no") if found else None
    if found is None or type(code) is not int:
        return SpiReply(None, {})
    data = found.get("data")
    return SpiReply(code, data if isinstance(data, dict) else {})


_CODE_MAX = 999_999
_MINUTE, _HOUR = 60, 3600
_V3 = tuple(15 * 2**number for number in range(10))
_V2 = (*(2**number for number in range(1, 14)), *(5 * _HOUR,) * 7)
_ECPAY = (
    *(15, 15, 30, 3 * _MINUTE, 10 * _MINUTE, 20 * _MINUTE),
    *(30 * _MINUTE, 30 * _MINUTE, 30 * _MINUTE, _HOUR),
    *(3 * _HOUR, 3 * _HOUR, 3 * _HOUR, 6 * _HOUR, 6 * _HOUR),
)
# Every 10 minutes for the 72 hours after which the platform decides by itself.
_PRE_CREATE_REFUND = (10 * _MINUTE,) * 432
_SPI_RETRIES: Mapping[Action, Sequence[int]] = MappingProxyType(
    {
        Action.ISSUE_CODES: (10, 30, 60, 120, 120, 240),
        Action.REFUND_APPLY: (_HOUR,) * 72,
        Action.REFUND_NOTICE: (_MINUTE,) * 3,
    }
)
_TRADE_RETRIES: Mapping[str, Sequence[int]] = MappingProxyType(
    {"3.0": _V3, "2.0": _V2, "1.0": _V2, "ecpay": _ECPAY}
)


def retries(form: Form, action: Action, version: str) -> Sequence[int]:
    """Seconds before each further try, as documented."""
    if form is Form.SPI:
        return _SPI_RETRIES.get(action, ())
    if action is Action.PRE_CREATE_REFUND:
        return _PRE_CREATE_REFUND
    return _TRADE_RETRIES.get(version, ())


def retry_delay(
    form: Form, action: Action, version: str, *, attempts: int, scale: float
) -> float | None:
    """After so many tries; None if that was the last."""
    schedule = retries(form, action, version)
    return schedule[attempts - 1] * scale if attempts <= len(schedule) else None
