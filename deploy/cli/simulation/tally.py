"""What the people of the simulation saw: every count is of answers, not of intentions."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from uuid import UUID


@dataclass(slots=True)
class Tally:
    """Shared by all tills of one run."""

    orders_planned: int
    visits_planned: int
    placed: dict[str, str] = field(default_factory=dict)
    visits_done: int = 0
    redeemed: int = 0
    cancelled: int = 0
    refunds: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    # Repeated questions, and those whose answer was another one than before.
    repeats: int = 0
    changed_answers: list[str] = field(default_factory=list)
    # Which redemptions hold a coupon, as far as tills were told.
    _held: defaultdict[str, set[UUID]] = field(default_factory=lambda: defaultdict(set))
    spent_twice: set[str] = field(default_factory=set)

    def note_redeemed(self, coupon_id: str, redemption_id: UUID) -> None:
        self.redeemed += 1
        held = self._held[coupon_id]
        held.add(redemption_id)
        if len(held) > 1:
            self.spent_twice.add(coupon_id)

    def note_cancelled(self, coupon_id: str, redemption_id: UUID) -> None:
        self.cancelled += 1
        self._held[coupon_id].discard(redemption_id)

    def note_refused(self, reason: str) -> None:
        self.refused[reason] += 1

    def held(self) -> dict[str, UUID]:
        """The coupons that customers have used, each with the redemption that tills know of."""
        return {
            coupon_id: next(iter(redemptions))
            for coupon_id, redemptions in self._held.items()
            if redemptions
        }
