"""A person says whose version of a drifted product holds, or wants a push again now."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from services.catalog.domain.contradictions import contradictions
from services.catalog.domain.products import Content, Wanted, said_of
from services.catalog.domain.syncing import Difference
from services.catalog.handlers.products import UPDATED, Contradictory, lock_product, read_product
from services.catalog.queries import products, syncs
from services.catalog.queries.syncs import Listing, Shown
from shared.contracts.making import event
from shared.errors import NotFound, Rejection
from shared.messaging.outbox import Transaction
from shared.platforms.goods import Shelf


async def push_again(tx: Transaction, product_id: str, *, only: str | None) -> Shown:
    """Ours holds: push at once whatever differs, and whatever failed."""
    product = await lock_product(tx.conn, product_id, only=only)
    await _sync_of(tx, product_id)
    await syncs.start_over(tx.conn, product.product_key)
    return await _sync_of(tx, product_id)


async def accept_theirs(tx: Transaction, product_id: str, *, only: str | None) -> Shown:
    """The platform's version becomes the catalog's, as far as the catalog knows such things."""
    product = await lock_product(tx.conn, product_id, only=only)
    found = await _sync_of(tx, product_id)
    drift = found.sync.drift
    if not drift:
        message = "the platform shows what the catalog wants: there is nothing to accept"
        raise Rejection(message, reason="not_drifted")
    content = _with_theirs(product.content, drift)
    clashing = contradictions(content)
    if clashing:
        raise Contradictory(clashing)
    if content != product.content:
        await products.update_product(tx.conn, product.product_key, content)
        await products.upsert_skus(tx.conn, product.product_key, content)
    shelves = [one["theirs"] for one in drift if one["field"] == "shelf"]
    if shelves:
        wanted = Wanted.ON_SHELF if shelves[0] == Shelf.ON else Wanted.OFF_SHELF
        await products.set_state(tx.conn, product.product_key, state=product.state, wanted=wanted)
    # What is there already is saved once more: the audit that follows is the platform's rule.
    await syncs.start_over(tx.conn, product.product_key)
    changed = await read_product(tx.conn, product_id)
    if changed.version != product.version:
        tx.emit(
            [
                event(
                    said_of(changed),
                    subject=product_id,
                    merchant=changed.content.merchant,
                    version=changed.version,
                    event_type=UPDATED,
                )
            ]
        )
    return await _sync_of(tx, product_id)


def _with_theirs(content: Content, drift: Sequence[Difference]) -> Content:
    for one in drift:
        name, theirs = one["field"], one["theirs"]
        if name == "title":
            content = replace(content, title=theirs)
        elif name == "sale_from":
            content = replace(content, sale_from=datetime.fromisoformat(theirs))
        elif name == "sale_to":
            content = replace(content, sale_to=datetime.fromisoformat(theirs))
        elif name.startswith("skus.") and theirs is not None:
            sku_id, _, member = name.removeprefix("skus.").rpartition(".")
            content = replace(
                content,
                skus=tuple(
                    sku.model_copy(update={member: theirs}) if sku.sku_id == sku_id else sku
                    for sku in content.skus
                ),
            )
        elif name != "shelf":
            message = f"{name} cannot be taken over: change it in the catalog, or push ours"
            raise Rejection(message, reason="drift_not_acceptable")
    return content


async def keep_listing(
    tx: Transaction, product_id: str, listing: Listing, *, only: str | None
) -> Listing:
    product = await lock_product(tx.conn, product_id, only=only)
    await syncs.keep_listing(tx.conn, product.product_key, listing)
    await syncs.nudge(tx.conn, product.product_key)
    return listing


async def _sync_of(tx: Transaction, product_id: str) -> Shown:
    found = await syncs.find(tx.conn, product_id)
    if found is None:
        message = "it was never published, or it is kept at its platform"
        raise NotFound(message, reason="not_synced")
    return found
