"""Hears from platforms that something became of a product or store: then it is looked at again.

The platform's own answer counts, not the message: messages come late, twice and in any order.
"""

from collections import defaultdict
from collections.abc import Sequence

from services.catalog.queries import matching, syncs
from shared.contracts.envelope import Event
from shared.contracts.intake import PlatformDelivery
from shared.platforms.registry import PLATFORMS
from shared.postgres.connection import Connection

# Of all that platforms say, only what may be about goods.
GOODS_EVENTS = tuple(
    f"platform.{platform.name}.{event}"
    for platform in PLATFORMS.values()
    for event in platform.goods_events
)


async def on_goods_events(conn: Connection, events: Sequence[Event]) -> Sequence[Event]:
    named: defaultdict[str, set[str]] = defaultdict(set)
    found: defaultdict[str, set[str]] = defaultdict(set)
    for each in events:
        delivery = PlatformDelivery.model_validate(each.data)
        platform = PLATFORMS.get(delivery.platform)
        notice = platform.product_notice(delivery) if platform else None
        if notice is not None:
            named[delivery.platform].add(notice.product_id)
        match = platform.poi_match(delivery) if platform else None
        if match is not None:
            found[delivery.platform].add(match.ext_id)
    for name in sorted(named):
        await syncs.ask_for_looks(conn, name, sorted(named[name]))
    for name in sorted(found):
        await matching.ask_for_looks(conn, name, sorted(found[name]))
    return ()
