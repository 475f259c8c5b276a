"""Who calls, and what the token allows. Checked offline from a short-lived EdDSA JWT."""

from dataclasses import dataclass
from datetime import datetime

from shared.errors import Forbidden

ISSUER = "qiao/access"
AUDIENCE = "qiao"
EVERY_MERCHANT = "*"


@dataclass(frozen=True, slots=True)
class Principal:
    """`subject` is `terminal:<id>`, `staff:<id>`, `client:<id>` or `service:<name>`."""

    subject: str
    merchant: str
    # None means every store of the merchant.
    stores: tuple[str, ...] | None
    actions: frozenset[str]
    issued_at: datetime
    expires_at: datetime

    @property
    def identity(self) -> str:
        return self.subject.partition(":")[2]

    def require(self, action: str) -> None:
        if action not in self.actions:
            message = f"this token does not allow {action}"
            raise Forbidden(message)

    def require_merchant(self, merchant: str) -> None:
        if self.merchant not in (EVERY_MERCHANT, merchant):
            message = "this token is for another merchant"
            raise Forbidden(message, reason="wrong_merchant")

    def narrowed(self, merchant: str | None) -> str | None:
        """The merchant to look for: the one asked for, or the token's own; None means all."""
        if self.merchant == EVERY_MERCHANT:
            return merchant
        if merchant is not None:
            self.require_merchant(merchant)
        return self.merchant
