"""The shapes of the goods and store calls' answers, as the platform writes them."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from shared.platforms.douyin.fields import (
    Id,
    OptionalId,
    OptionalInteger,
    OptionalTime,
    Shape,
    first_filled,
)


class Stock(Shape):
    limit_type: OptionalInteger = None
    stock_qty: OptionalInteger = None
    avail_qty: OptionalInteger = None


class GoodsSku(Shape):
    sku_id: OptionalId = None
    out_sku_id: OptionalId = None
    sku_name: str | None = None
    actual_amount: OptionalInteger = None
    origin_amount: OptionalInteger = None
    stock: Stock | None = None


class GoodsPoi(Shape):
    poi_id: OptionalId = None


class GoodsProduct(Shape):
    product_id: Id
    out_id: OptionalId = None
    product_name: str | None = None
    category_id: OptionalId = None
    sold_start_time: OptionalTime = None
    sold_end_time: OptionalTime = None
    pois: tuple[GoodsPoi, ...] = ()


class Holder(Shape):
    """A product beside its SKU, or beside all of them where it has several."""

    product: GoodsProduct
    sku: GoodsSku | None = None
    skus: tuple[GoodsSku, ...] = ()

    @property
    def all_skus(self) -> tuple[GoodsSku, ...]:
        return self.skus or ((self.sku,) if self.sku else ())


class Online(Holder):
    online_status: int = 0


class Draft(Holder):
    draft_status: int = 0
    audit_msg: str = ""


class OnlineData(Shape):
    products: tuple[Online, ...] = ()
    has_more: bool = False
    next_cursor: str | None = None

    # get and query name the list differently.
    _either = first_filled("products", "product_onlines", "products")


class DraftData(Shape):
    products: tuple[Draft, ...] = ()
    has_more: bool = False
    next_cursor: str | None = None

    _either = first_filled("products", "product_drafts", "products")


class SavedData(Shape):
    product_id: Id
    sku_ids: dict[str, str] = Field(default_factory=dict)


class SkusSavedData(Shape):
    sku_ids: dict[str, str] = Field(default_factory=dict)


class NothingData(Shape):
    """The envelope says it all."""


class Attribute(Shape):
    key: str
    name: str = ""
    value_type: str = ""
    value_demo: str = ""
    is_required: bool = False
    is_multi: bool = False


class TemplateData(Shape):
    product_attrs: tuple[Attribute, ...] = ()
    sku_attrs: tuple[Attribute, ...] = ()


class CategoryInfo(Shape):
    category_id: Id
    parent_id: OptionalId = None
    name: str = ""
    is_leaf: bool = False
    enable: bool = True


class CategoryData(Shape):
    category_infos: tuple[CategoryInfo, ...] = ()


class PoiInfo(Shape):
    poi_id: Id
    poi_name: str = ""
    address: str = ""
    latitude: float | None = None
    longitude: float | None = None


class PoiAccount(Shape):
    account_id: OptionalId = None


class PoiAccounts(Shape):
    poi_account: PoiAccount | None = None


class PoiEntry(Shape):
    poi: PoiInfo
    account: PoiAccounts | None = None


class PoiData(Shape):
    pois: tuple[PoiEntry, ...] = ()
    total: OptionalInteger = None


class TaskData(Shape):
    task_id: Id


class MatchResult(Shape):
    ext_id: Id
    match_poi_id: OptionalId = None
    match_status: int = 0
    match_result: OptionalInteger = None


def _several(value: Any) -> Any:
    return (value,) if isinstance(value, dict) else value


class MatchData(Shape):
    # The documents speak of one result a task, the samples show a list.
    results: Annotated[tuple[MatchResult, ...], BeforeValidator(_several)] = ()


class Relation(Shape):
    ext_id: Id
    match_poi_id: OptionalId = None
    match_relation_status: int = 0


class RelationData(Shape):
    relations: tuple[Relation, ...] = ()
