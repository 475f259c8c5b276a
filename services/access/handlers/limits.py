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
        now = time.monotonic()
        level, at = self._levels.pop(caller, (self._burst, now))
        level = min(self._burst, level + (now - at) * self._per_second)
        enough = level >= 1
        self._levels[caller] = (level - 1 if enough else level, now)
        if len(self._levels) > _CALLERS_MAX:
            self._levels.popitem(last=False)
        if not enough:
            message = "too many requests from here: wait as long as Retry-After says"
            wait = math.ceil((1 - level) / self._per_second)
            raise TooManyRequests(message, retry_after_seconds=wait)

    def give_back(self, caller: str) -> None:
        if caller in self._levels:
            level, at = self._levels[caller]
            self._levels[caller] = (min(self._burst, level + 1), at)
