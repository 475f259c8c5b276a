"""Token buckets: how often one caller may ask, with bounded memory."""

import math
import time
from collections import OrderedDict

from shared.errors import TooManyRequests

_CALLERS_MAX = 20_000
_SECONDS_PER_MINUTE = 60.0


class Buckets:
    """One bucket a caller. The callers unseen for longest are forgotten first."""

    def __init__(self, *, burst: int, per_minute: int) -> None:
        self._burst = float(burst)
        self._per_second = per_minute / _SECONDS_PER_MINUTE
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, caller: str) -> None:
        """Raises TooManyRequests if the caller's bucket is empty."""
        self.check(caller)
        self.charge(caller)

    def check(self, caller: str) -> None:
        """Like take, and leaves the bucket as it is."""
        level = self._level(caller)
        if level < 1:
            message = "too many requests from here: wait as long as Retry-After says"
            wait = math.ceil((1 - level) / self._per_second)
            raise TooManyRequests(message, retry_after_seconds=wait)

    def charge(self, caller: str) -> None:
        """Take without asking: many at once may owe up to a second burst."""
        self._levels[caller] = (max(-self._burst, self._level(caller) - 1), time.monotonic())
        self._levels.move_to_end(caller)
        if len(self._levels) > _CALLERS_MAX:
            self._levels.popitem(last=False)

    def _level(self, caller: str) -> float:
        now = time.monotonic()
        level, at = self._levels.get(caller, (self._burst, now))
        return min(self._burst, level + (now - at) * self._per_second)
