"""Hears of merchants and stores."""

from collections.abc import Sequence

from services.catalog.queries import world as queries
from services.catalog.queries.world import Merchant, StoreVersion
from shared.contracts.access import MerchantChanged, StoreChanged
from shared.contracts.envelope import Event
from shared.postgres.connection import Connection


async def on_merchants_changed(conn: Connection, events: Sequence[Event]) -> Sequence[Event]:
    newest: dict[tuple[str, str], Merchant] = {}
    for heard in sorted(events, key=lambda one: one.version):
        data = MerchantChanged.model_validate(heard.data)
        newest[data.merchant, data.platform] = Merchant(
            merchant=data.merchant,
            platform=data.platform,
            account_id=data.account_id,
            name=data.name,
            version=heard.version,
        )
    await queries.keep_merchants(conn, [newest[name] for name in sorted(newest)])
    return ()


async def on_stores_changed(conn: Connection, events: Sequence[Event]) -> Sequence[Event]:
    newest: dict[str, StoreVersion] = {}
    for heard in sorted(events, key=lambda one: one.version):
        data = StoreChanged.model_validate(heard.data)
        newest[data.store_id] = StoreVersion(data, heard.version)
    await queries.keep_stores(conn, [newest[name] for name in sorted(newest)])
    return ()
