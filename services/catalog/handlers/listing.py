"""Puts together what a platform is to show of a product."""

from services.catalog.domain.products import Product
from services.catalog.queries import syncs
from shared.platforms.goods import ProductContent, SkuContent
from shared.postgres.connection import Connection


async def content_for(conn: Connection, product: Product) -> ProductContent:
    content = product.content
    listing = await syncs.find_listing(conn, product.product_key)
    stock = await syncs.find_free_stock(conn, product.product_key)
    poi_ids = await syncs.find_poi_ids(
        conn, content.merchant, content.platform, content.usage.store_ids
    )
    return ProductContent(
        out_id=content.product_id,
        kind=content.kind,
        title=content.title,
        sale_from=content.sale_from,
        sale_to=content.sale_to,
        poi_ids=poi_ids,
        skus=tuple(
            SkuContent(
                out_sku_id=sku.sku_id,
                title=sku.title,
                price_fen=sku.price_fen,
                original_price_fen=sku.original_price_fen,
                stock=stock.get(sku.sku_id, 0),
                times=sku.times,
                attributes=listing.sku_attributes,
            )
            for sku in content.skus
        ),
        usage=content.usage,
        refund=content.refund,
        code_origin=content.code_origin,
        per_buyer_max=content.per_buyer_max,
        category_id=listing.category_id,
        attributes=listing.attributes,
    )
