"""What terminals ask for."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.redemption.domain import spending


@dataclass(frozen=True, slots=True)
class RedeemRequest:
    redemption_id: UUID
    preparation_id: UUID
    # Sorted, each once.
    coupon_ids: Sequence[str]
    # How many uses of a card of ours.
    times: int = 1

    def digest(self, store_id: str) -> bytes:
        return spending.digest_of_request(
            store_id, self.preparation_id, self.coupon_ids, times=self.times
        )
