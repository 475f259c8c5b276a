"""A store that a platform is to find among its own, and how far that is."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.platforms.goods import StoreToMatch


class MatchStage(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    # The platform's answer, which a person confirms or not.
    MATCHED = "matched"
    UNMATCHED = "unmatched"
    REJECTED = "rejected"
    # No answer could be had.
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Match:
    """`current_poi_id` is what access has for the store now."""

    match_key: int
    merchant: str
    platform: str
    store: StoreToMatch
    stage: MatchStage
    task_id: str | None
    poi_id: str | None
    result: int | None
    attempts: int
    reason: str | None
    detail: str | None
    asked_at: datetime
    submitted_at: datetime | None
    finished_at: datetime | None
    next_at: datetime
    current_poi_id: str | None

    @property
    def confirmed(self) -> bool:
        return self.poi_id is not None and self.poi_id == self.current_poi_id
