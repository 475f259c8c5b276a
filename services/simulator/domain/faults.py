"""Failures by switch: per mille, and the same ones again for the same seed and the same entity."""

import hashlib
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

PerMille = Annotated[int, Field(ge=0, le=1000)]
Seconds = Annotated[float, Field(ge=0, le=3600)]


class CallKind(StrEnum):
    TOKEN = "token"  # noqa: S105 - the name of a call
    PREPARE = "prepare"
    VERIFY = "verify"
    BATCH_VERIFY = "batch_verify"
    CANCEL = "cancel"
    GET = "get"
    QUERY = "query"
    VERIFY_RECORD = "verify_record"
    ORDER_QUERY = "order_query"
    EVENT_STATUS = "event_status"
    GOODS_WRITE = "goods_write"
    GOODS_READ = "goods_read"
    POI = "poi"
    SHORT_LINK = "short_link"
    CREATE_CALLBACK = "create_callback"
    REFUND_AUDIT = "refund_audit"
    TRADE = "trade"


class CallFault(StrEnum):
    SLOW = "slow"
    ERROR = "error"
    DROPPED_BEFORE = "dropped_before"
    DROPPED_AFTER = "dropped_after"


class _Switches(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class WebhookFaults(_Switches):
    lost: PerMille = 0
    late: PerMille = 0
    late_seconds: Seconds = 20
    doubled: PerMille = 0
    # Held back a little at random, so that what happened later may arrive earlier.
    reordered: PerMille = 0
    reordered_seconds: Seconds = 3
    # A second copy with the same Msg-Id and another body, half of them before the true one.
    conflicting: PerMille = 0
    # A copy that somebody altered without knowing the secret: it must be turned away.
    forged: PerMille = 0


class CallFaults(_Switches):
    slow: PerMille = 0
    slow_seconds: Seconds = 2
    error: PerMille = 0
    dropped_before: PerMille = 0
    dropped_after: PerMille = 0


class QuestionFaults(_Switches):
    # Asked a second time at once, as where an answer was lost on its way; only the first counts,
    # and a second one that says something else is counted as a contradiction.
    doubled: PerMille = 0


class RefundFaults(_Switches):
    # The buyer asks for his money in the moment before his coupon is redeemed.
    at_verify: PerMille = 0


class Faults(_Switches):
    seed: int = 1
    webhooks: WebhookFaults = WebhookFaults()
    questions: QuestionFaults = QuestionFaults()
    refunds: RefundFaults = RefundFaults()
    # By call; "*" is for those not named.
    calls: Mapping[CallKind | Literal["*"], CallFaults] = Field(default_factory=dict)

    def of_call(self, call: CallKind) -> CallFaults | None:
        return self.calls.get(call) or self.calls.get("*")


NO_FAULTS = Faults()
ALL_FAULTS = Faults(
    webhooks=WebhookFaults(
        lost=5, late=10, late_seconds=10, doubled=30, reordered=50, conflicting=5, forged=5
    ),
    questions=QuestionFaults(doubled=30),
    calls={
        "*": CallFaults(slow=5, slow_seconds=1, error=5, dropped_before=5, dropped_after=5),
        CallKind.VERIFY: CallFaults(
            slow=10, slow_seconds=4, error=10, dropped_before=10, dropped_after=20
        ),
        CallKind.CANCEL: CallFaults(error=10, dropped_before=10, dropped_after=20),
    },
)
PRESETS: Mapping[str, Faults] = {"none": NO_FAULTS, "all": ALL_FAULTS}


def fraction(seed: int, fault: str, entity: str) -> float:
    """A number in [0, 1) that only these three decide."""
    digest = hashlib.blake2b(f"{seed}:{fault}:{entity}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64


def strikes(per_mille: int, *, seed: int, fault: str, entity: str) -> bool:
    return per_mille > 0 and fraction(seed, fault, entity) * 1000 < per_mille


def call_faults(faults: Faults, call: CallKind, entity: str) -> list[CallFault]:
    """What is to happen to this call, were it the first of its kind for this entity."""
    switches = faults.of_call(call)
    if switches is None:
        return []
    return [
        fault
        for fault in CallFault
        if strikes(
            getattr(switches, fault), seed=faults.seed, fault=f"{call}:{fault}", entity=entity
        )
    ]
