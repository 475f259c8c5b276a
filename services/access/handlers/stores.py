"""Adds and changes stores."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from services.access.domain.codes import ALPHABET
from services.access.domain.grants import missing, require_every_store, unless_hidden
from services.access.domain.records import Store
from services.access.handlers.act import Act
from services.access.queries import stores as queries
from services.access.queries.merchants import find_merchant
from shared.contracts.access import StoreChanged
from shared.errors import NotFound, Rejection
from shared.postgres.connection import Connection
from shared.web.principal import Principal

_ID_CHARACTERS = 8


class StoreDiffers(Rejection):
    reason = "store_exists"


class PlaceTaken(Rejection):
    reason = "poi_taken"


class StoreUnknown(NotFound):
    reason = "store_unknown"


@dataclass(frozen=True, slots=True)
class NewStore:
    """Without an id it gets one; without a platform it is on the merchant's."""

    store_id: str | None
    merchant: str
    name: str
    platform: str | None
    poi_id: str
    time_zone: str
    is_open: bool


async def add_store(act: Act, principal: Principal, new: NewStore) -> tuple[Store, bool]:
    """The store, and whether it is new. The same content again is no second store."""
    principal.require_merchant(new.merchant)
    require_every_store(principal)
    merchant = await find_merchant(act.conn, new.merchant)
    if merchant is None:
        raise missing("merchant")
    platform = new.platform or merchant.platform
    added = await queries.add_store(
        act.conn,
        store_id=new.store_id or _new_store_id(),
        merchant=new.merchant,
        name=new.name,
        platform=platform,
        poi_id=new.poi_id,
        time_zone=new.time_zone,
        is_open=new.is_open,
    )
    if added is None:
        return await _same(act.conn, new, platform), False
    _say(act, added, "store.created")
    _record(act, added, "store.added")
    return added, True


def _new_store_id() -> str:
    """Short enough to read out: 31^8 of them, and a clash is refused by the table."""
    return "s-" + "".join(secrets.choice(ALPHABET) for _ in range(_ID_CHARACTERS)).lower()


async def _same(conn: Connection, new: NewStore, platform: str) -> Store:
    """The store that is in the way, if it is the one that was meant."""
    found = None
    if new.store_id is not None:
        found = await queries.find_store(conn, new.store_id)
        if found is not None and found.merchant != new.merchant:
            message = f"the id {new.store_id} is taken"
            raise StoreDiffers(message)
    if found is None:
        found = await queries.find_store_by_poi(
            conn, merchant=new.merchant, platform=platform, poi_id=new.poi_id
        )
        if found is None or new.store_id is not None:
            other = found.store_id if found else "another store"
            message = f"{other} has the place {new.poi_id} already"
            raise PlaceTaken(message)
    wanted = (new.name, platform, new.poi_id, new.time_zone, new.is_open)
    if (found.name, found.platform, found.poi_id, found.time_zone, found.open) != wanted:
        message = f"store {found.store_id} exists with other content: change it"
        raise StoreDiffers(message)
    return found


async def find_store(conn: Connection, principal: Principal, store_id: str) -> Store:
    """Raises NotFound for stores out of the principal's reach as for those that are not."""
    found = await queries.find_store(conn, store_id)
    if found is None:
        raise missing("store")
    unless_hidden(principal, what="store", merchant=found.merchant, stores=[store_id])
    return found


async def change_store(
    act: Act,
    principal: Principal,
    store_id: str,
    *,
    name: str | None,
    poi_id: str | None,
    time_zone: str | None,
    is_open: bool | None,
) -> Store:
    found = await find_store(act.conn, principal, store_id)
    if poi_id is not None and poi_id != found.poi_id:
        # The place decides whose coupons may be spent here.
        require_every_store(principal)
    try:
        changed = await queries.update_store(
            act.conn, store_id, name=name, poi_id=poi_id, time_zone=time_zone, is_open=is_open
        )
    except asyncpg.UniqueViolationError:
        message = f"another store has the place {poi_id} already"
        raise PlaceTaken(message) from None
    if changed is None:
        return found
    _say(act, changed, "store.updated")
    _record(act, changed, "store.changed")
    return changed


async def require_stores(conn: Connection, merchant: str, store_ids: Sequence[str] | None) -> None:
    unknown = await queries.find_unknown_stores(
        conn, merchant=merchant, store_ids=list(store_ids or ())
    )
    if unknown:
        message = f"no stores of this merchant: {', '.join(unknown[:10])}"
        raise StoreUnknown(message)


def _say(act: Act, store: Store, event_type: str) -> None:
    act.say(
        StoreChanged(
            store_id=store.store_id,
            merchant=store.merchant,
            name=store.name,
            platform=store.platform,
            poi_id=store.poi_id,
            time_zone=store.time_zone,
            open=store.open,
        ),
        subject=store.store_id,
        merchant=store.merchant,
        version=store.version,
        event_type=event_type,
    )


def _record(act: Act, store: Store, action: str) -> None:
    act.record(
        action,
        subject=f"store:{store.store_id}",
        merchant=store.merchant,
        name=store.name,
        poi_id=store.poi_id,
        time_zone=store.time_zone,
        open=store.open,
    )
