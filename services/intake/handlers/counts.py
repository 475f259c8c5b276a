"""Counts by application and hour: kept in memory, written about once a second."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

import structlog

from services.intake.handlers.metrics import REFUSED, SILENCE_SECONDS
from services.intake.queries import counts as queries
from services.intake.queries.counts import Counted
from shared.clock import utc_now
from shared.postgres.connection import Pool

log = structlog.get_logger()


@dataclass(slots=True)
class _Tally:
    accepted: int = 0
    duplicates: int = 0
    conflicts: int = 0
    refused: int = 0
    last_accepted_at: datetime | None = None


class Counts:
    """A crash loses what was counted in the last second, and no delivery."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._tallies: dict[tuple[str, datetime], _Tally] = {}
        self._refusals: Counter[str] = Counter()

    def count(
        self,
        client_key: str,
        *,
        accepted: int = 0,
        duplicates: int = 0,
        conflicts: int = 0,
    ) -> None:
        self._add(client_key, accepted, duplicates, conflicts, 0)

    def refuse(self, client_key: str | None, reason: str) -> None:
        """`client_key` None: no application of ours, so no row of its own."""
        REFUSED.labels(reason).inc()
        self._refusals[reason] += 1
        if client_key is not None:
            self._add(client_key, 0, 0, 0, 1)

    def _add(
        self, client_key: str, accepted: int, duplicates: int, conflicts: int, refused: int
    ) -> None:
        now = utc_now()
        hour = now.replace(minute=0, second=0, microsecond=0)
        tally = self._tallies.setdefault((client_key, hour), _Tally())
        tally.accepted += accepted
        tally.duplicates += duplicates
        tally.conflicts += conflicts
        tally.refused += refused
        if accepted:
            tally.last_accepted_at = now

    async def write(self) -> None:
        """Add what was counted to the table; after a failure it is added with the next."""
        refusals, self._refusals = self._refusals, Counter()
        if refusals:
            # One line for all: whoever floods us must not flood the log too.
            log.warning("deliveries_refused", **refusals)
        tallies, self._tallies = self._tallies, {}
        if not tallies:
            return
        counted = [
            Counted(
                client_key,
                hour,
                tally.accepted,
                tally.duplicates,
                tally.conflicts,
                tally.refused,
                tally.last_accepted_at,
            )
            for (client_key, hour), tally in sorted(tallies.items())
        ]
        try:
            async with self._pool.acquire() as conn:
                await queries.add_counts(conn, counted)
        except BaseException:
            self._put_back(counted)
            raise

    def _put_back(self, counted: list[Counted]) -> None:
        for each in counted:
            tally = self._tallies.setdefault((each.client_key, each.hour), _Tally())
            tally.accepted += each.accepted
            tally.duplicates += each.duplicates
            tally.conflicts += each.conflicts
            tally.refused += each.refused
            tally.last_accepted_at = tally.last_accepted_at or each.last_accepted_at

    async def measure_silence(self) -> None:
        async with self._pool.acquire() as conn:
            last = await queries.list_last_accepted(conn)
        now = utc_now()
        for client_key, last_at in last:
            SILENCE_SECONDS.labels(client_key).set((now - last_at).total_seconds())
