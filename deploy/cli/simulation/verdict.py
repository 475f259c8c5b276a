"""What a run came to: counts for people, and every claim that must hold."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

# Any: JSON.
Json = dict[str, Any]


@dataclass(slots=True)
class Verdict:
    """All must be zero or empty under `must_be_zero`; the rest tells what happened."""

    scenario: str
    faults: str
    seed: int
    orders_placed: int
    seconds: float = 0.0
    catching_up_seconds: float = 0.0
    webhooks: Json = field(default_factory=dict)
    deliveries: Json = field(default_factory=dict)
    orders_by_state: Json = field(default_factory=dict)
    books_by_state: Json = field(default_factory=dict)
    redeemed: int = 0
    cancelled: int = 0
    refunds: Json = field(default_factory=dict)
    refused: Json = field(default_factory=dict)
    repeats: int = 0
    events_heard: Json = field(default_factory=dict)
    faults_injected: Json = field(default_factory=dict)
    # What must not be.
    lost: list[str] = field(default_factory=list)
    forgeries_accepted: int = 0
    differing_orders: dict[str, list[str]] = field(default_factory=dict)
    unheard_orders: list[str] = field(default_factory=list)
    spent_twice: list[str] = field(default_factory=list)
    ledger_differences: list[str] = field(default_factory=list)
    changed_answers: list[str] = field(default_factory=list)
    pending: list[str] = field(default_factory=list)
    dead_letters: list[Json] = field(default_factory=list)
    foreign_events: Json = field(default_factory=dict)
    still_waiting_for: list[str] = field(default_factory=list)

    @property
    def must_be_zero(self) -> Mapping[str, int]:
        return {
            "lost": len(self.lost),
            "forgeries_accepted": self.forgeries_accepted,
            "differing_orders": len(self.differing_orders),
            "unheard_orders": len(self.unheard_orders),
            "spent_twice": len(self.spent_twice),
            "ledger_differences": len(self.ledger_differences),
            "changed_answers": len(self.changed_answers),
            "pending": len(self.pending),
            "dead_letters": len(self.dead_letters),
            "foreign_events": sum(self.foreign_events.values()),
            "still_waiting_for": len(self.still_waiting_for),
        }

    @property
    def good(self) -> bool:
        return not any(self.must_be_zero.values())

    def as_json(self) -> Json:
        return {"good": self.good, "must_be_zero": dict(self.must_be_zero), **asdict(self)}


def difference(after: Mapping[str, int], before: Mapping[str, int]) -> Counter[str]:
    """What was added meanwhile."""
    return Counter({name: count - before.get(name, 0) for name, count in after.items()})


def by_state(states: Sequence[str]) -> dict[str, int]:
    return dict(sorted(Counter(states).items()))
