"""What a platform is to show of a product, what it shows, and what is to be done about it.

A product is looked at before anything is sent whenever a push may have taken effect without our
knowing, whenever the platform says that something changed, and from time to time. One push is
made at a time: content first, then the shelf, then stock.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import orjson
from pydantic import BaseModel
from typing_extensions import TypedDict

from services.catalog.domain.products import Wanted
from shared.platforms.goods import AuditState, ProductContent, ProductFacts, Shelf


class SyncState(StrEnum):
    PENDING = "pending"
    IN_AUDIT = "in_audit"
    SYNCED = "synced"
    FAILED = "failed"
    DRIFTED = "drifted"


class Push(StrEnum):
    CONTENT = "content"
    SHELF = "shelf"
    STOCK = "stock"


class Step(StrEnum):
    LOOK = "look"
    PUSH_CONTENT = "push_content"
    PUSH_SHELF = "push_shelf"
    PUSH_STOCK = "push_stock"
    WAIT_FOR_STOCK = "wait_for_stock"
    REST = "rest"


class Difference(TypedDict):
    """One thing that the platform shows otherwise than it took it."""

    field: str
    ours: Any
    theirs: Any


# By SKU, what of it can be seen: {"title": …, "skus": {"<sku_id>": {"price_fen": …}}, …}.
View = Mapping[str, Any]
Stocks = Mapping[str, int | None]


@dataclass(frozen=True, slots=True)
class Sync:
    """What is known of one product at its platform."""

    product_key: int
    product_id: str
    merchant: str
    platform: str
    wanted: Wanted
    platform_product_id: str | None
    accepted_digest: bytes | None
    accepted_view: View | None
    pushing: Push | None
    pushing_digest: bytes | None
    pushing_view: View | None
    audit: AuditState | None
    audit_reason: str
    shelf: Shelf | None
    stock: Stocks | None
    looked_at: datetime | None
    look_at: datetime
    look_asked_at: datetime | None
    drift: Sequence[Difference] | None
    stock_pushed_at: datetime | None
    attempts: int
    reason: str | None
    detail: str | None


def digest_of(content: ProductContent) -> bytes:
    """Names the content; stock changes by itself and is no part of it."""
    still = replace(content, skus=tuple(replace(sku, stock=None) for sku in content.skus))
    text = orjson.dumps(asdict(still), default=_plain, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(text).digest()


def _plain(value: object) -> object:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    raise TypeError(type(value).__name__)


def wanted_view(content: ProductContent) -> View:
    return {
        "title": content.title,
        "sale_from": _time(content.sale_from),
        "sale_to": _time(content.sale_to),
        "poi_ids": sorted(content.poi_ids),
        "skus": {
            sku.out_sku_id: {
                "title": sku.title,
                "price_fen": sku.price_fen,
                "original_price_fen": sku.original_price_fen,
            }
            for sku in content.skus
        },
    }


def seen_view(facts: ProductFacts, *, alone: str | None) -> View:
    """`alone` is our only SKU, for platforms that do not repeat our id of it."""
    return {
        "title": facts.title,
        "sale_from": _time(facts.sale_from),
        "sale_to": _time(facts.sale_to),
        "poi_ids": sorted(facts.poi_ids),
        "skus": {
            sku.out_sku_id or alone or "": {
                "title": sku.title,
                "price_fen": sku.price_fen,
                "original_price_fen": sku.original_price_fen,
            }
            for sku in facts.skus
        },
    }


def seen_stock(facts: ProductFacts, *, alone: str | None) -> Stocks:
    """What is left of each SKU there; None sells without end. What is not said is left out."""
    return {
        sku.out_sku_id or alone or "": None if sku.unlimited else sku.stock_available
        for sku in facts.skus
        if sku.unlimited or sku.stock_available is not None
    }


def wanted_stock(content: ProductContent) -> Stocks:
    return {sku.out_sku_id: sku.stock for sku in content.skus}


def differences(ours: View, theirs: View) -> list[Difference]:
    """What the platform does not say, or shows as nothing, is no difference."""
    found = [
        Difference(field=name, ours=ours[name], theirs=theirs[name])
        for name in ("title", "sale_from", "sale_to", "poi_ids")
        if theirs[name] and theirs[name] != ours[name]
    ]
    for sku_id, sku in ours["skus"].items():
        shown = theirs["skus"].get(sku_id)
        if shown is None:
            if theirs["skus"]:
                found.append(Difference(field=f"skus.{sku_id}", ours=sku["title"], theirs=None))
            continue
        found += [
            Difference(field=f"skus.{sku_id}.{name}", ours=sku[name], theirs=value)
            for name, value in shown.items()
            if value is not None and value != sku[name]
        ]
    return found


def next_step(
    sync: Sync, content: ProductContent, *, now: datetime, stock_pause: timedelta
) -> Step:
    if is_look_due(sync, now):
        return Step.LOOK
    withdrawn_unseen = sync.accepted_digest is None and sync.wanted is Wanted.OFF_SHELF
    if not withdrawn_unseen and digest_of(content) != sync.accepted_digest:
        return Step.PUSH_CONTENT
    if withdrawn_unseen or sync.drift or sync.shelf in {None, Shelf.BANNED, Shelf.DELETED}:
        return Step.REST
    if sync.shelf is not shelf_of(sync.wanted):
        return Step.PUSH_SHELF
    if sync.stock is None or wanted_stock(content) == sync.stock:
        return Step.REST
    early = sync.stock_pushed_at is not None and now - sync.stock_pushed_at < stock_pause
    return Step.WAIT_FOR_STOCK if early else Step.PUSH_STOCK


def is_look_due(sync: Sync, now: datetime) -> bool:
    if sync.pushing is not None:
        return True
    if sync.accepted_digest is None:
        return False
    if sync.platform_product_id is None:
        # Whoever changed the product since left out what the platform calls it.
        return True
    asked = sync.look_asked_at is not None and (
        sync.looked_at is None or sync.look_asked_at > sync.looked_at
    )
    return asked or sync.look_at <= now


def shelf_of(wanted: Wanted) -> Shelf:
    return Shelf.ON if wanted is Wanted.ON_SHELF else Shelf.OFF


def state_of(sync: Sync) -> SyncState:
    if sync.drift:
        return SyncState.DRIFTED
    if sync.reason is not None:
        return SyncState.FAILED
    if sync.pushing is not None or sync.accepted_digest is None:
        return SyncState.PENDING
    if sync.audit is AuditState.RUNNING:
        return SyncState.IN_AUDIT
    return SyncState.SYNCED if sync.shelf is shelf_of(sync.wanted) else SyncState.PENDING


def back_off(attempts: int, *, first: timedelta, most: timedelta) -> timedelta:
    """Twice as long each time."""
    return min(most, first * (1 << min(attempts, 20)))


def _time(moment: datetime | None) -> str | None:
    """Whole seconds: platforms keep no more."""
    return None if moment is None else moment.replace(microsecond=0).isoformat()
