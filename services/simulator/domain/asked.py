"""What callers ask of coupons."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.simulator.domain.codes import Code


@dataclass(frozen=True, slots=True)
class AskedCode:
    """A code as it was sent, and the coupon it hides, if it is a code of ours."""

    given: str
    certificate_id: int | None
    # Which use of a times card, where the caller says so.
    serial: int | None = None


@dataclass(frozen=True, slots=True)
class VerifyPart:
    """Coupons of one order under one token. A times card may be named once for each use."""

    verify_token: str
    codes: Sequence[AskedCode]
    order_id: str | None
    # Codes that the merchant issued: the token is his own, and nothing was prepared.
    is_merchant_coded: bool = False
    # All uses that are left of the times cards.
    is_total: bool = False
    # What speaks against it before any coupon is looked at.
    problem: Code | None = None


@dataclass(frozen=True, slots=True)
class VerifyRequest:
    """A batch_verify has several parts and spends all of them or none."""

    client_key: str
    poi_id: str
    parts: Sequence[VerifyPart]
