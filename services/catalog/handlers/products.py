"""Adds, replaces, publishes and withdraws products, and says so."""

import asyncpg

from services.catalog.domain.changes import PUBLISHED, WITHDRAWN, forbidden_changes
from services.catalog.domain.contradictions import Contradiction, contradictions
from services.catalog.domain.products import (
    Content,
    Product,
    ProductDraft,
    Wanted,
    content_of,
    keep_platform_ids,
    said_of,
)
from services.catalog.queries import products as queries
from services.catalog.queries import world
from shared.contracts.envelope import Event
from shared.contracts.making import event
from shared.errors import NotFound, Rejection, Unreadable
from shared.ids import new_id
from shared.messaging.outbox import Transaction
from shared.postgres.connection import Connection

CREATED = "product.created"
UPDATED = "product.updated"
_TOLD_MAX = 20


class Contradictory(Unreadable):
    """The rules of a product cannot all be meant."""

    reason = "product_contradictory"

    def __init__(self, found: tuple[Contradiction, ...]) -> None:
        told = [f"{each.member}: {each.detail}" for each in found[:_TOLD_MAX]]
        super().__init__("; ".join(told))


async def add_product(
    transaction: Transaction, draft: ProductDraft, *, merchant: str, product_id: str | None
) -> tuple[Product, bool]:
    """The product and whether it is new: the same again under its id changes nothing.

    Raises Contradictory, NotFound (the merchant), or Rejection where an id is taken.
    """
    conn = transaction.conn
    named = product_id or str(new_id())
    content = await _content(conn, draft, merchant=merchant, product_id=named)
    key = await queries.insert_product(conn, content)
    if key is None:
        return await _same_again(conn, content), False
    await _store_skus(conn, key, content)
    product = await read_product(conn, named)
    transaction.emit([_said(product, CREATED)])
    return product, True


async def replace_product(
    transaction: Transaction,
    product_id: str,
    draft: ProductDraft,
    *,
    only: str | None,
    version: int,
) -> Product:
    """`only`: the one merchant whose products may be changed, None for all of them.

    Raises Rejection `version_conflict` if it has changed since that version.
    """
    conn = transaction.conn
    before = await lock_product(conn, product_id, only=only)
    if before.version != version:
        message = f"it is at version {before.version}: read it again"
        raise Rejection(message, reason="version_conflict")
    content = await _content(
        conn, draft, merchant=before.content.merchant, product_id=product_id, before=before
    )
    content = keep_platform_ids(content, before.content)
    forbidden = forbidden_changes(before.content, content)
    if forbidden:
        raise Contradictory(forbidden)
    if content == before.content:
        return before
    try:
        async with conn.transaction():
            await queries.update_product(conn, before.product_key, content)
    except asyncpg.UniqueViolationError:
        raise _taken("platform_product_id") from None
    kept = [sku.sku_id for sku in content.skus]
    await queries.retire_skus(conn, before.product_key, but=kept)
    await _store_skus(conn, before.product_key, content)
    product = await read_product(conn, product_id)
    transaction.emit([_said(product, UPDATED)])
    return product


async def set_wanted(
    transaction: Transaction, product_id: str, wanted: Wanted, *, only: str | None
) -> Product:
    """Publish or withdraw: what the merchant wants, and what that makes of its state."""
    conn = transaction.conn
    before = await lock_product(conn, product_id, only=only)
    states = PUBLISHED if wanted is Wanted.ON_SHELF else WITHDRAWN
    state = states.get(before.state)
    if state is None:
        message = "its platform has banned it: it cannot be sold there"
        raise Rejection(message, reason="product_banned")
    if not await queries.set_state(conn, before.product_key, state=state, wanted=wanted):
        return before
    product = await read_product(conn, product_id)
    transaction.emit([_said(product, UPDATED)])
    return product


async def lock_product(conn: Connection, product_id: str, *, only: str | None) -> Product:
    """As it is, and nobody else changes it meanwhile. Another merchant's is not found."""
    if await queries.lock_product(conn, product_id) is None:
        raise _missing()
    product = await read_product(conn, product_id)
    if only not in (None, product.content.merchant):
        raise _missing()
    return product


async def read_product(conn: Connection, product_id: str) -> Product:
    product = await queries.find_product(conn, product_id)
    if product is None:
        raise _missing()
    return product


async def _content(
    conn: Connection,
    draft: ProductDraft,
    *,
    merchant: str,
    product_id: str,
    before: Product | None = None,
) -> Content:
    """Raises Contradictory. SKUs without an id keep the one that stood in their place."""
    known = await world.find_merchant(conn, merchant, draft.platform)
    if known is None:
        message = f"no merchant {merchant} at {draft.platform}, or not known here yet"
        raise NotFound(message, reason="merchant_unknown")
    content = content_of(
        draft,
        product_id=product_id,
        merchant=merchant,
        account_id=known.account_id,
        sku_ids=_sku_ids(draft, product_id, before),
    )
    found = contradictions(content) or await _unknown_stores(conn, content)
    if found:
        raise Contradictory(found)
    return content


def _sku_ids(draft: ProductDraft, product_id: str, before: Product | None) -> list[str]:
    """By place: of a new product the same each time, of a changed one those that stood there.

    An id that was ever given is not given again: stock and reservations belong to it.
    """
    named = {sku.sku_id for sku in draft.skus}
    if before is None:
        made = [f"{product_id[:60]}-{place}" for place in range(1, len(draft.skus) + 1)]
    else:
        held = [sku.sku_id for sku in before.content.skus]
        made = [*held, *(str(new_id()) for _ in draft.skus[len(held) :])]
    return [
        str(new_id()) if sku.sku_id is None and sku_id in named else sku_id
        for sku, sku_id in zip(draft.skus, made, strict=False)
    ]


async def _unknown_stores(conn: Connection, content: Content) -> tuple[Contradiction, ...]:
    usages = [content.usage, *(sku.usage for sku in content.skus if sku.usage is not None)]
    named = {store_id for usage in usages for store_id in usage.store_ids or ()}
    if not named:
        return ()
    unknown = await world.find_unknown_stores(conn, content.merchant, sorted(named))
    return tuple(
        Contradiction("usage.store_ids", f"{store_id} is no store of {content.merchant}")
        for store_id in unknown
    )


async def _same_again(conn: Connection, content: Content) -> Product:
    found = await queries.find_product(conn, content.product_id)
    if found is None or found.content.merchant != content.merchant:
        raise _taken("product_id" if found else "platform_product_id")
    if found.content != keep_platform_ids(content, found.content):
        message = f"{content.product_id} is there with other content: replace it instead"
        raise Rejection(message, reason="product_exists")
    return found


async def _store_skus(conn: Connection, product_key: int, content: Content) -> None:
    try:
        async with conn.transaction():
            kept = await queries.upsert_skus(conn, product_key, content)
    except asyncpg.UniqueViolationError:
        raise _taken("third_sku_id or platform_sku_id") from None
    if kept < len(content.skus):
        raise _taken("sku_id")


def _taken(what: str) -> Rejection:
    return Rejection(f"another product has this {what}", reason="id_taken")


def _missing() -> NotFound:
    return NotFound("no such product", reason="product_unknown")


def _said(product: Product, event_type: str) -> Event:
    return event(
        said_of(product),
        subject=product.content.product_id,
        merchant=product.content.merchant,
        version=product.version,
        event_type=event_type,
    )
