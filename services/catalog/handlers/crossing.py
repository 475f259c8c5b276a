"""Says that stock was sold out, or is there again."""

from collections.abc import Mapping

from services.catalog.domain.settling import Count
from services.catalog.queries import stock as queries
from shared.contracts.envelope import Event
from shared.contracts.making import event
from shared.postgres.connection import Connection

SOLD_OUT = "stock.sold_out"
REPLENISHED = "stock.replenished"


async def say_crossings(
    conn: Connection, *, sold_out: list[int], replenished: list[int]
) -> list[Event]:
    """One event for each stock key; nothing is asked where nothing happened."""
    if not sold_out and not replenished:
        return []
    rows = await queries.say_changed(conn, sorted({*sold_out, *replenished}))
    gone = set(sold_out)
    return [
        event(
            row.now,
            subject=row.now.stock_id,
            merchant=row.merchant,
            version=row.version,
            event_type=SOLD_OUT if row.stock_key in gone else REPLENISHED,
        )
        for row in rows
    ]


async def say_changes(
    conn: Connection, before: Mapping[int, Count], after: Mapping[int, Count]
) -> list[Event]:
    """The same, of counts that were changed under lock."""
    return await say_crossings(
        conn,
        sold_out=[key for key, count in after.items() if before[key].has(1) > count.has(1)],
        replenished=[key for key, count in after.items() if before[key].has(1) < count.has(1)],
    )
