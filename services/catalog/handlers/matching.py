"""Asks platforms to find our stores among their own, and follows the tasks to their end."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import structlog

from services.catalog.domain.matching import Match, MatchStage
from services.catalog.domain.syncing import back_off
from services.catalog.gateway import Gateway, Turn
from services.catalog.queries import matching as queries
from services.catalog.settings import Settings
from shared.clock import utc_now
from shared.errors import Rejection, Unavailable
from shared.messaging.outbox import Database
from shared.platforms.goods import MatchState, PoiMatch
from shared.platforms.outcomes import OutcomeUnknown

AT_ONCE: Final = 100
# The platform says a day; after two it has forgotten.
_GIVE_UP: Final = timedelta(hours=48)
_RETRY_MOST: Final = timedelta(minutes=10)
_REFUSED_MAX: Final = 5
_DETAIL_MAX: Final = 500
_STAGES: Final = {
    MatchState.MATCHED: MatchStage.MATCHED,
    MatchState.UNMATCHED: MatchStage.UNMATCHED,
    MatchState.REJECTED: MatchStage.REJECTED,
}

log = structlog.get_logger()


class Matcher:
    def __init__(self, database: Database, gateway: Gateway, settings: Settings) -> None:
        self._database = database
        self._gateway = gateway
        self._settings = settings
        self._poll = timedelta(seconds=settings.catalog_match_poll_seconds)

    async def round(self) -> int:
        """Bring one merchant's open matches further; how many there were."""
        now = utc_now()
        until = now + timedelta(seconds=self._settings.catalog_sync_lease_seconds)
        async with self._database.transaction() as tx:
            taken = await queries.take_due(tx.conn, now=now, until=until, limit=AT_ONCE)
        if not taken:
            return 0
        try:
            turn = await self._gateway.turn(taken[0].merchant, taken[0].platform)
        except (Rejection, Unavailable) as failure:
            await self._fail(taken, failure)
            return len(taken)
        waiting = [match for match in taken if match.stage is MatchStage.WAITING]
        if waiting:
            await self._submit(turn, waiting)
        by_task: defaultdict[str, list[Match]] = defaultdict(list)
        for match in taken:
            if match.task_id is not None:
                by_task[match.task_id].append(match)
        for task_id, matches in by_task.items():
            await self._follow(turn, task_id, matches)
        return len(taken)

    async def _submit(self, turn: Turn, matches: Sequence[Match]) -> None:
        """A task whose answer was lost is submitted once more: what it found is tied already."""
        try:
            task_id = await turn.client.poi_match_submit(
                [match.store for match in matches], account_id=turn.account_id
            )
        except (Rejection, Unavailable, OutcomeUnknown) as failure:
            await self._fail(matches, failure)
            return
        now = utc_now()
        keys = [match.match_key for match in matches]
        async with self._database.transaction() as tx:
            await queries.mark_submitted(tx.conn, keys, task_id, now=now, next_at=now + self._poll)

    async def _follow(self, turn: Turn, task_id: str, matches: Sequence[Match]) -> None:
        try:
            results = await turn.client.poi_match_query(task_id, account_id=turn.account_id)
            found = {result.ext_id: result for result in results}
            # Sent twice, or taken: perhaps by ourselves, and then the relation is there.
            unclear = [ext_id for ext_id, one in found.items() if one.state is MatchState.REJECTED]
            if unclear:
                relations = await turn.client.poi_relation_query(
                    unclear, account_id=turn.account_id
                )
                found |= {one.ext_id: one for one in relations if one.state is MatchState.MATCHED}
        except (Rejection, Unavailable) as failure:
            await self._fail(matches, failure)
            return
        await self._settle(matches, found)

    async def _settle(self, matches: Sequence[Match], found: dict[str, PoiMatch]) -> None:
        now = utc_now()
        later = []
        async with self._database.transaction() as tx:
            for match in matches:
                result = found.get(match.store.ext_id)
                stage = _STAGES.get(result.state) if result else None
                if stage is None and now - match.asked_at < _GIVE_UP:
                    later.append(match.match_key)
                    continue
                await queries.finish(
                    tx.conn,
                    match.match_key,
                    stage or MatchStage.FAILED,
                    poi_id=result.poi_id if result else None,
                    result=result.result if result else None,
                    reason=None if stage else "no_answer_in_time",
                    now=now,
                )
            if later:
                await queries.look_later(tx.conn, later, now + self._poll)

    async def _fail(self, matches: Sequence[Match], failure: Exception) -> None:
        """Refused again and again, it has failed; what may pass is tried again."""
        now = utc_now()
        reason = str(getattr(failure, "reason", "outcome_unknown"))
        detail = str(failure).replace("\x00", "")[:_DETAIL_MAX]
        attempts = max(match.attempts for match in matches)
        log.warning("poi_match_failed", stores=len(matches), reason=reason, attempt=attempts)
        lasting = isinstance(failure, Rejection) and attempts >= _REFUSED_MAX
        pause = back_off(
            attempts,
            first=timedelta(seconds=self._settings.catalog_retry_seconds),
            most=_RETRY_MOST,
        )
        async with self._database.transaction() as tx:
            if not lasting:
                keys = [match.match_key for match in matches]
                await queries.mark_failing(
                    tx.conn, keys, reason=reason, detail=detail, next_at=now + pause
                )
                return
            for match in matches:
                await queries.finish(
                    tx.conn,
                    match.match_key,
                    MatchStage.FAILED,
                    poi_id=None,
                    result=None,
                    reason=reason,
                    now=now,
                )
