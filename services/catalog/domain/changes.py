"""What a merchant may change of a product, and what publishing makes of its state."""

from typing import Final

from services.catalog.domain.contradictions import Contradiction
from services.catalog.domain.products import Content
from shared.contracts.products import ProductState

# What is said of it until its platform says something else.
PUBLISHED: Final = {
    ProductState.DRAFT: ProductState.ON_SALE,
    ProductState.IN_AUDIT: ProductState.IN_AUDIT,
    ProductState.REJECTED: ProductState.ON_SALE,
    ProductState.ON_SALE: ProductState.ON_SALE,
    ProductState.OFF_SHELF: ProductState.ON_SALE,
}
# At once, whatever the platform still shows: from then on its orders are refused.
WITHDRAWN: Final = {
    ProductState.DRAFT: ProductState.DRAFT,
    ProductState.IN_AUDIT: ProductState.OFF_SHELF,
    ProductState.REJECTED: ProductState.REJECTED,
    ProductState.ON_SALE: ProductState.OFF_SHELF,
    ProductState.OFF_SHELF: ProductState.OFF_SHELF,
    ProductState.BANNED: ProductState.BANNED,
}


def forbidden_changes(before: Content, after: Content) -> tuple[Contradiction, ...]:
    """What would make sold coupons or counted stock mean something else."""
    found = []
    if before.kind is not after.kind:
        found.append(Contradiction("kind", f"it is a {before.kind}: make another product"))
    if before.platform != after.platform:
        found.append(Contradiction("platform", "make another product for another platform"))
    known = {sku.sku_id: sku for sku in before.skus}
    found += [
        Contradiction(f"skus.{place}.stock_by", "its stock is counted already: make another SKU")
        for place, sku in enumerate(after.skus)
        if sku.sku_id in known and known[sku.sku_id].stock_by is not sku.stock_by
    ]
    return tuple(found)
