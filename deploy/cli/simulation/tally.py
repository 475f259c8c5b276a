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
    # The last refusals since anything was redeemed, while all have the same reason.
    _refused_alike: list[str] = field(default_factory=list)

    def note_redeemed(self, coupon_id: str, redemption_id: UUID) -> None:
        self.redeemed += 1
        self._refused_alike.clear()
        held = self._held[coupon_id]
        held.add(redemption_id)
        if len(held) > 1:
            self.spent_twice.add(coupon_id)

    def note_cancelled(self, coupon_id: str, redemption_id: UUID) -> None:
        self.cancelled += 1
        self._held[coupon_id].discard(redemption_id)

    def note_refused(self, reason: str) -> None:
        self.refused[reason] += 1
        if self._refused_alike[-1:] != [reason]:
            self._refused_alike.clear()
        self._refused_alike.append(reason)

    def always_refused_because(self, *, times: int) -> str | None:
        """The reason, once so many attempts in a row were refused for it and none was redeemed."""
        return self._refused_alike[-1] if len(self._refused_alike) >= times else None

    def held(self) -> dict[str, UUID]:
        """The coupons that customers have used, each with the redemption that tills know of."""
        return {
            coupon_id: next(iter(redemptions))
            for coupon_id, redemptions in self._held.items()
            if redemptions
        }
