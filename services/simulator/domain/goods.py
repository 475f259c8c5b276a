"""A product at the platform: saved, audited, sold, banned; and how its members are shown."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Any

from services.simulator.domain.codes import Code, PlatformError

Json = dict[str, Any]
LIMITED, UNLIMITED = 1, 2


class DraftStatus(IntEnum):
    PASSED = 1
    IN_AUDIT = 10
    FAILED = 12


class OnlineStatus(IntEnum):
    ONLINE = 1
    OFFLINE = 2
    BANNED = 3


STATUS_WORDS: Mapping[OnlineStatus, str] = {
    OnlineStatus.ONLINE: "GOODS_ONLINE",
    OnlineStatus.OFFLINE: "GOODS_OFFLINE",
    OnlineStatus.BANNED: "GOODS_BAN",
}


@dataclass(slots=True)
class Product:
    """`draft` and `online` are {"product": …, "skus": […]}."""

    product_id: int
    account_id: str
    out_id: str
    draft: Json
    draft_status: DraftStatus
    audit_msg: str
    audit_due_at: datetime | None
    online: Json | None
    online_status: OnlineStatus | None
    version: int
    created_at: datetime
    updated_at: datetime

    def save(self, draft: Json, *, audit_due_at: datetime) -> None:
        """What customers see stays as it is until the audit has passed."""
        self.draft = draft
        self.draft_status = DraftStatus.IN_AUDIT
        self.audit_msg = ""
        self.audit_due_at = audit_due_at

    def end_audit(self, failure: str | None) -> bool:
        """Whether the product came on the shelf by it: only its first time does that."""
        self.audit_due_at = None
        if failure is not None:
            self.draft_status, self.audit_msg = DraftStatus.FAILED, failure
            return False
        self.draft_status = DraftStatus.PASSED
        sold = {sku["sku_id"]: _sold(sku) for sku in self.skus}
        self.online = deepcopy(self.draft)
        for sku in self.skus:
            _set_sold(sku, sold.get(sku["sku_id"], 0))
        first = self.online_status is None
        if first:
            self.online_status = OnlineStatus.ONLINE
        return first

    @property
    def skus(self) -> list[Json]:
        """As customers see them."""
        found: list[Json] = self.online["skus"] if self.online else []
        return found

    def put(self, status: OnlineStatus) -> bool:
        """On or off the shelf; whether that changed anything. Who is banned stays so."""
        if self.online_status is None:
            raise PlatformError(Code.BAD_PARAMETER, "商品未审核通过")
        if self.online_status is OnlineStatus.BANNED:
            raise PlatformError(Code.BAD_PARAMETER, "商品已被封禁")
        changed = self.online_status is not status
        self.online_status = status
        return changed

    def change(
        self,
        *,
        sold_end_time: int | None = None,
        stock_qty: int | None = None,
        price_fen: int | None = None,
        title: str | None = None,
    ) -> None:
        """What customers see, without audit; the draft follows so that saves start from it."""
        for version in self._versions():
            if sold_end_time is not None:
                version["product"]["sold_end_time"] = sold_end_time
            if title is not None:
                version["product"]["product_name"] = title
            for sku in version["skus"]:
                if price_fen is not None:
                    sku["actual_amount"] = price_fen
                if stock_qty is not None:
                    sku["stock"] = {**_stock(sku), "limit_type": LIMITED, "stock_qty": stock_qty}

    def set_stock(self, *, limit_type: int, avail_qty: int | None) -> None:
        """What is left to sell of the one SKU."""
        if len(self.draft["skus"]) != 1:
            raise PlatformError(Code.BAD_PARAMETER, "多SKU商品请使用sku/batch_save")
        for version in self._versions():
            sku = version["skus"][0]
            sold = _sold(sku)
            sku["stock"] = (
                {"limit_type": UNLIMITED, "sold_qty": sold}
                if limit_type == UNLIMITED
                else {
                    "limit_type": LIMITED,
                    "stock_qty": (avail_qty or 0) + sold,
                    "sold_qty": sold,
                }
            )

    def merge_skus(self, given: Sequence[Json]) -> None:
        """Change the SKUs that are there and add the others, without audit."""
        for version in self._versions():
            by_id = {sku["sku_id"]: sku for sku in version["skus"]}
            for sku in given:
                known = by_id.get(sku["sku_id"])
                if known is None:
                    version["skus"].append(deepcopy(sku))
                    continue
                sold = _sold(known)
                known.update(deepcopy(sku))
                _set_sold(known, sold)

    def _versions(self) -> list[Json]:
        return [self.draft] if self.online is None else [self.draft, self.online]


def _stock(sku: Json) -> Json:
    stock: Json = sku.get("stock") or {"limit_type": UNLIMITED}
    return stock


def _sold(sku: Json) -> int:
    return int(_stock(sku).get("sold_qty") or 0)


def _set_sold(sku: Json, sold: int) -> None:
    sku["stock"] = {**_stock(sku), "sold_qty": sold}


def online_shape(product: Product, online: Json) -> Json:
    return {
        "commission_info": {"platform_take_rate": 0},
        "online_status": int(product.online_status or 0),
        **_shape(product, online),
    }


def draft_shape(product: Product) -> Json:
    return {
        "audit_msg": product.audit_msg,
        "draft_status": int(product.draft_status),
        **_shape(product, product.draft),
    }


def _shape(product: Product, version: Json) -> Json:
    """The product beside its SKU; beside all of them too where it has several."""
    skus = [_sku_shape(sku) for sku in version["skus"]]
    shown = {
        "product": {
            **version["product"],
            "product_id": str(product.product_id),
            "out_id": product.out_id,
            "owner_account_id": product.account_id,
            "create_time": int(product.created_at.timestamp()),
            "update_time": int(product.updated_at.timestamp()),
        },
        "sku": skus[0],
    }
    return shown if len(skus) == 1 else {**shown, "skus": skus}


def _sku_shape(sku: Json) -> Json:
    stock = _stock(sku)
    if stock.get("limit_type") == LIMITED:
        total, sold = int(stock.get("stock_qty") or 0), _sold(sku)
        stock = {
            "limit_type": LIMITED,
            "stock_qty": total,
            "avail_qty": max(0, total - sold),
            "sold_qty": sold,
            "frozen_qty": 0,
            "sold_count": sold,
        }
    else:
        stock = {"limit_type": UNLIMITED}
    return {**sku, "stock": stock}


# What templates ask of every category here; the platform's own lists are longer.
PRODUCT_ATTRIBUTES: Sequence[tuple[str, str, str, bool, bool]] = (
    ("can_no_use_date", "不可使用日期", "CAN_NO_USE_DATE", False, False),
    ("image_list", "封面图", "IMAGE", False, True),
    ("Notification", "使用规则", "NOTIFICATION", False, True),
    ("rec_person_num", "建议使用人数", "INT64", False, False),
    ("RefundPolicy", "退款政策", "INT64", True, False),
    ("refund_need_merchant_confirm", "退款是否需商家审核", "BOOL", True, False),
    ("use_date", "使用日期", "USE_DATE", False, False),
    ("use_time", "使用时间", "USE_TIME", True, False),
)
SKU_ATTRIBUTES: Sequence[tuple[str, str, str, bool, bool]] = (
    ("code_source_type", "券码生成方式", "INT64", True, False),
    ("limit_rule", "限制购买", "LIMIT_RULE", True, False),
    ("market_price", "市场价", "INT64", False, False),
    ("use_type", "团购使用方式", "INT64", True, False),
)
# Category, parent, name, leaf.
CATEGORIES: Sequence[tuple[int, int, str, bool]] = (
    (1000000, 0, "美食", False),
    (1001000, 1000000, "地方菜", False),
    (1001001, 1001000, "北京菜", True),
    (1002000, 1000000, "饮品", False),
    (1002001, 1002000, "奶茶果汁", True),
    (3000000, 0, "运动健身", False),
    (3001000, 3000000, "游泳馆", False),
    (3001001, 3001000, "游泳馆", True),
    (4000000, 0, "休闲娱乐", False),
    (4001000, 4000000, "景点门票", False),
    (4001001, 4001000, "门票", True),
)
_LEAVES = frozenset(number for number, _, _, leaf in CATEGORIES if leaf)


def category_name(category_id: int | None) -> str:
    """Raises PlatformError for what no product can be in; none given is left open."""
    if category_id is None:
        return ""
    if category_id not in _LEAVES:
        raise PlatformError(Code.BAD_PARAMETER, "类目不存在")
    parents = {number: (parent, name) for number, parent, name, _ in CATEGORIES}
    names: list[str] = []
    while category_id:
        category_id, name = parents[category_id]
        names.insert(0, name)
    return "·".join(names)


def attribute_shapes(
    attributes: Sequence[tuple[str, str, str, bool, bool]],
) -> list[Json]:
    return [
        {
            "desc": "",
            "is_multi": several,
            "is_required": required,
            "key": key,
            "name": name,
            "value_demo": "",
            "value_type": value_type,
        }
        for key, name, value_type, required, several in attributes
    ]


def category_shapes(parent_id: int) -> list[Json]:
    levels = {number: _level(number) for number, _, _, _ in CATEGORIES}
    return [
        {
            "category_id": number,
            "enable": True,
            "is_leaf": leaf,
            "level": levels[number],
            "name": name,
            "parent_id": parent,
        }
        for number, parent, name, leaf in CATEGORIES
        if parent == parent_id
    ]


def _level(category_id: int) -> int:
    parents = {number: parent for number, parent, _, _ in CATEGORIES}
    return 1 if parents[category_id] == 0 else 1 + _level(parents[category_id])
