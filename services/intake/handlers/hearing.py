"""What intake does with events: merchants and their accounts, and deliveries to publish again."""

from collections.abc import Sequence
from uuid import UUID

from services.intake.queries import apps as queries
from services.intake.queries import pending
from services.intake.queries.apps import MerchantRow
from shared.contracts.access import MerchantChanged
from shared.contracts.envelope import Event
from shared.postgres.connection import Connection


async def on_merchants_changed(conn: Connection, events: Sequence[Event]) -> Sequence[Event]:
    """Remember whose account is whose; late and repeated events change nothing."""
    newest: dict[str, MerchantRow] = {}
    for event in sorted(events, key=lambda event: event.version):
        changed = MerchantChanged.model_validate(event.data)
        newest[changed.merchant] = MerchantRow(
            changed.merchant, changed.platform, changed.account_id, event.version
        )
    await queries.store_merchants(conn, [newest[merchant] for merchant in sorted(newest)])
    await queries.advance_version(conn)
    return []


async def on_retry(conn: Connection, events: Sequence[Event]) -> Sequence[Event]:
    """Queue deliveries once more that the relay had given up."""
    await pending.queue_again(conn, sorted(UUID(event.data["delivery_id"]) for event in events))
    return []
