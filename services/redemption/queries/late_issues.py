"""Statements about issues that had to wait."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from services.redemption.domain.issuing import sku_name
from shared.contracts.asks import CodesAsk
from shared.postgres.connection import Connection


@dataclass(frozen=True, slots=True)
class LateIssue:
    ask: CodesAsk
    state: str
    attempts: int
    traceparent: str
    created_at: datetime

    @property
    def key(self) -> tuple[str, str, str]:
        return (self.ask.platform, self.ask.order_id, sku_name(self.ask))


async def claim_due(conn: Connection, *, lease: timedelta, limit: int) -> list[LateIssue]:
    """Those whose time has come, for this worker alone until the lease ends."""
    rows = await conn.fetch(
        """
        WITH due AS (
            SELECT platform, order_id, sku FROM issues
             WHERE next_report_at <= now()
             ORDER BY next_report_at LIMIT $2 FOR UPDATE SKIP LOCKED
        )
        UPDATE issues i
           SET report_attempts = i.report_attempts + 1, next_report_at = now() + $1::interval
          FROM due
         WHERE i.platform = due.platform AND i.order_id = due.order_id AND i.sku = due.sku
        RETURNING i.ask, i.state, i.report_attempts, i.traceparent, i.created_at
        """,
        lease,
        limit,
    )
    return [
        LateIssue(CodesAsk.model_validate_json(row["ask"]), *list(row.values())[1:]) for row in rows
    ]


async def put_off(conn: Connection, late: LateIssue, *, wait: timedelta) -> None:
    await conn.execute(
        """
        UPDATE issues SET next_report_at = now() + $4::interval
         WHERE platform = $1 AND order_id = $2 AND sku = $3 AND next_report_at IS NOT NULL
        """,
        *late.key,
        wait,
    )


async def fail(conn: Connection, late: LateIssue) -> None:
    """Nobody knows the product: the platform hears that there are no codes."""
    await conn.execute(
        """
        UPDATE issues SET state = 'failed', next_report_at = now()
         WHERE platform = $1 AND order_id = $2 AND sku = $3 AND state = 'waiting'
        """,
        *late.key,
    )


async def reported(conn: Connection, late: LateIssue) -> None:
    await conn.execute(
        """
        UPDATE issues SET next_report_at = NULL
         WHERE platform = $1 AND order_id = $2 AND sku = $3
        """,
        *late.key,
    )
