"""What callers send to the goods and store paths; members not named here are ignored."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from services.simulator.domain.fields import Identifier, Int64, Text, TextOrEmpty

SKUS_MAX = 100
STORES_MAX = 200
ON, OFF = 1, 2


def _absent(value: object) -> object:
    return None if value in ("", "0", 0) else value


OptionalId = Annotated[Int64 | None, BeforeValidator(_absent)]
OptionalText = Annotated[TextOrEmpty | None, AfterValidator(lambda text: text or None)]
Fen = Annotated[int, Field(ge=0, le=10**10)]
Quantity = Annotated[int, Field(ge=0, le=10**12)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)


class StockBody(_Body):
    limit_type: int = Field(ge=1, le=2)
    stock_qty: Quantity | None = None
    avail_qty: Quantity | None = None


class SkuBody(_Body):
    sku_name: Text
    out_sku_id: OptionalText = None
    actual_amount: Fen
    origin_amount: Fen
    status: int = 1
    stock: StockBody
    attr_key_value_map: dict[str, str] = Field(default_factory=dict)


class PoiBody(_Body):
    poi_id: OptionalText = None
    supplier_ext_id: OptionalText = None


class ProductBody(_Body):
    product_name: Text
    out_id: OptionalText = None
    product_id: OptionalId = None
    category_id: OptionalId = None
    product_type: int = Field(ge=0, le=1000)
    biz_line: int = 1
    account_name: TextOrEmpty = ""
    pois: list[PoiBody] = Field(default_factory=list, max_length=5000)
    sold_start_time: Int64 | None = None
    sold_end_time: Int64 | None = None
    attr_key_value_map: dict[str, str] = Field(default_factory=dict)


class SaveBody(_Body):
    account_id: Identifier
    product: ProductBody
    sku: SkuBody | None = None
    skus: list[SkuBody] = Field(default_factory=list, max_length=SKUS_MAX)


class NamedBody(_Body):
    account_id: Identifier
    out_id: OptionalText = None
    product_id: OptionalId = None


class OperateBody(NamedBody):
    op_type: int = Field(ge=ON, le=OFF)


class FreeAuditBody(NamedBody):
    sold_end_time: Int64 | None = None
    stock_qty: Quantity | None = None
    actual_amount: Fen | None = None


class StockSyncBody(NamedBody):
    stock: StockBody


class SkusBody(NamedBody):
    skus: list[SkuBody] = Field(min_length=1, max_length=SKUS_MAX)


class StoreBody(_Body):
    ext_id: Identifier
    poi_name: Text
    poi_id: OptionalText = None
    province: TextOrEmpty = ""
    city: TextOrEmpty = ""
    address: TextOrEmpty = ""
    latitude: TextOrEmpty = ""
    longitude: TextOrEmpty = ""


class SubmitBody(_Body):
    datas: list[StoreBody] = Field(min_length=1, max_length=STORES_MAX)
