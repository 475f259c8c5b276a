"""The samples of what catalog says."""

from datetime import date, datetime, time, timedelta

from shared.contracts import samples
from shared.contracts.products import (
    CodeOrigin,
    Days,
    Hours,
    ProductChanged,
    ProductKind,
    ProductState,
    RefundRules,
    Sku,
    UsageRules,
)
from shared.contracts.stock import StockChanged, StockOversold
from shared.contracts.syncs import FieldDrift, ProductDrifted

_PRODUCT_ID = "yht-afternoon"
_SKU_ID = "yht-afternoon-1"
_PLATFORM_SKU_ID = "1779124900000000001"
_SALE_TO = datetime(2026, 12, 31, 16, 0, tzinfo=samples.TIME.tzinfo)


def product(state: ProductState) -> ProductChanged:
    """A meal for two, to be had on weekdays."""
    return ProductChanged(
        product_id=_PRODUCT_ID,
        platform="douyin",
        account_id="7094221573452761123",
        platform_product_id="1779124800000000001",
        kind=ProductKind.MEAL,
        title="双人下午茶团餐券",
        state=state,
        code_origin=CodeOrigin.PLATFORM,
        sale_from=samples.TIME,
        sale_to=_SALE_TO,
        per_buyer_max=5,
        usage=UsageRules(
            days_after_purchase=30,
            weekdays=(1, 2, 3, 4, 5),
            hours=(Hours(start=time(14), end=time(17, 30)),),
            blackouts=(Days(first=date(2027, 1, 1), last=date(2027, 1, 3)),),
            store_ids=(samples.STORE_ID,),
        ),
        refund=RefundRules(),
        skus=(
            Sku(
                sku_id=_SKU_ID,
                platform_sku_id=_PLATFORM_SKU_ID,
                third_sku_id=_SKU_ID,
                title="双人下午茶",
                price_fen=990,
                original_price_fen=1900,
            ),
        ),
    )


def stock(*, held: int, sold: int) -> StockChanged:
    """Of five hundred."""
    return StockChanged(
        stock_id=_SKU_ID,
        product_id=_PRODUCT_ID,
        sku_id=_SKU_ID,
        platform="douyin",
        platform_sku_id=_PLATFORM_SKU_ID,
        third_sku_id=_SKU_ID,
        day=None,
        slot=None,
        total=500,
        held=held,
        sold=sold,
    )


OVERSOLD = StockOversold(
    order_id=samples.ORDER_ID,
    platform="douyin",
    out_order_id="019aa5f0-3c00-7000-8000-000000000009",
    sku_ids=(_SKU_ID,),
    paid_seen_at=samples.TIME + timedelta(minutes=20),
)

DRIFTED = ProductDrifted(
    product_id=_PRODUCT_ID,
    platform="douyin",
    platform_product_id="1779124800000000001",
    title="双人下午茶团餐券",
    drifted_at=samples.TIME,
    differences=(
        FieldDrift(field=f"skus.{_SKU_ID}.price_fen", ours=990, theirs=890),
        FieldDrift(field="shelf", ours="on", theirs="off"),
    ),
)
