"""How many calls a second the platform lets an app make."""

from dataclasses import dataclass


@dataclass(slots=True)
class TokenBucket:
    """Holds one second's worth of calls."""

    per_second: float
    _level: float | None = None
    _at_seconds: float = 0.0

    def take(self, now_seconds: float) -> bool:
        level = self.per_second if self._level is None else self._level
        level += (now_seconds - self._at_seconds) * self.per_second
        self._at_seconds = now_seconds
        self._level = min(level, self.per_second)
        if self._level < 1:
            return False
        self._level -= 1
        return True
