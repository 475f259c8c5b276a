"""What catalog says of products: the rules that coupons of theirs are issued with."""

from collections.abc import Iterator, Sequence

from services.redemption.queries.products import SkuVersion, keep_skus
from shared.contracts.envelope import Event
from shared.contracts.products import ProductChanged
from shared.postgres.connection import Connection


async def on_product_changed(conn: Connection, events: Sequence[Event]) -> Sequence[Event]:
    latest: dict[tuple[str, str, str], SkuVersion] = {}
    for heard in events:
        for sku in _skus(heard):
            key = (sku.merchant, sku.platform, sku.sku_id)
            if key not in latest or latest[key].version < sku.version:
                latest[key] = sku
    if latest:
        await keep_skus(conn, list(latest.values()))
    return ()


def _skus(heard: Event) -> Iterator[SkuVersion]:
    """A SKU's own rules replace those of its product."""
    product = ProductChanged.model_validate(heard.data)
    for sku in product.skus:
        yield SkuVersion(
            merchant=heard.merchant,
            platform=product.platform,
            sku_id=sku.sku_id,
            product_id=product.product_id,
            third_sku_id=sku.third_sku_id,
            platform_sku_id=sku.platform_sku_id,
            kind=product.kind,
            title=f"{product.title} {sku.title}" if sku.title != product.title else sku.title,
            times=sku.times,
            usage=(sku.usage or product.usage).model_dump_json(),
            version=heard.version,
        )
