"""States and the only moves between them; the tables' CHECKs name the same ones."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class RedemptionState(StrEnum):
    PENDING = "pending"
    REDEEMED = "redeemed"
    REFUSED = "refused"


class LedgerState(StrEnum):
    HELD = "held"
    SPENT = "spent"
    RELEASED = "released"


class CancellationState(StrEnum):
    PENDING = "pending"
    CANCELLED = "cancelled"
    REFUSED = "refused"


# From a state, by what happens, to the next one. What is not here does not happen.
REDEMPTION_MOVES: Final[Mapping[tuple[RedemptionState, str], RedemptionState]] = MappingProxyType(
    {
        (RedemptionState.PENDING, "the platform spent a coupon"): RedemptionState.REDEEMED,
        (RedemptionState.PENDING, "the platform spent none"): RedemptionState.REFUSED,
        (RedemptionState.PENDING, "the platform did not answer"): RedemptionState.PENDING,
    }
)

LEDGER_MOVES: Final[Mapping[tuple[LedgerState, str], LedgerState]] = MappingProxyType(
    {
        (LedgerState.HELD, "the platform spent it"): LedgerState.SPENT,
        (LedgerState.HELD, "the platform did not spend it"): LedgerState.RELEASED,
        (LedgerState.SPENT, "taken back at the counter"): LedgerState.RELEASED,
        (LedgerState.SPENT, "taken back at the platform"): LedgerState.RELEASED,
        (LedgerState.SPENT, "the platform did not accept our code"): LedgerState.RELEASED,
    }
)

CANCELLATION_MOVES: Final[Mapping[tuple[CancellationState, str], CancellationState]] = (
    MappingProxyType(
        {
            (CancellationState.PENDING, "the platform took a coupon back"): (
                CancellationState.CANCELLED
            ),
            (CancellationState.PENDING, "the platform took none back"): CancellationState.REFUSED,
            (CancellationState.PENDING, "the platform did not answer"): CancellationState.PENDING,
        }
    )
)
