"""Products and stores between Douyin's members and words no platform owns.

The status numbers are official; of the product types only 1, 11 and 15 are beyond doubt.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

import orjson

from shared.contracts.products import (
    CodeOrigin,
    ProductKind,
    RefundDecision,
    RefundRules,
    UsageRules,
)
from shared.platforms import goods
from shared.platforms.douyin import goods_responses as responses
from shared.platforms.goods import AuditState, MatchState, Shelf

PRODUCT_TYPES: Mapping[ProductKind, int] = MappingProxyType(
    {
        ProductKind.MEAL: 1,
        ProductKind.VOUCHER: 11,
        ProductKind.TIMES_CARD: 15,
        ProductKind.TICKET: 5,
        ProductKind.COURSE: 1,
    }
)
# 1 is for who builds for himself; 3 for who serves other merchants, which nobody checks.
OWN_BUSINESS_LINE = 1
SHELVES: Mapping[int, Shelf] = MappingProxyType({1: Shelf.ON, 2: Shelf.OFF, 3: Shelf.BANNED})
AUDITS: Mapping[int, AuditState] = MappingProxyType(
    {
        1: AuditState.PASSED,
        10: AuditState.RUNNING,
        11: AuditState.PASSED,
        12: AuditState.FAILED,
        20: AuditState.RUNNING,
        21: AuditState.FAILED,
        22: AuditState.RUNNING,
        23: AuditState.FAILED,
        100: AuditState.PASSED,
    }
)
LIMITED, UNLIMITED = 1, 2
_MATCH_FINISHED = 5
_MATCHED, _UNMATCHED = 1, 2
_RELATED = 2

_PLATFORM_CODES, _MERCHANT_CODES = "1", "2"
_FREE_REFUND, _NO_REFUND, _CONDITIONAL_REFUND = "1", "2", "3"
_LISTED = 1


def product_body(content: goods.ProductContent) -> dict[str, Any]:
    """The members `product` and `sku` (or `skus`) of a save."""
    body: dict[str, Any] = {
        "out_id": content.out_id,
        "product_name": content.title,
        "product_type": PRODUCT_TYPES[content.kind],
        "biz_line": OWN_BUSINESS_LINE,
        "pois": [{"poi_id": poi_id} for poi_id in content.poi_ids],
        "attr_key_value_map": {
            **_usage_attributes(content.usage),
            **_refund_attributes(content.refund),
            **content.attributes,
        },
    }
    if content.category_id:
        body["category_id"] = number(content.category_id)
    if content.sale_from:
        body["sold_start_time"] = seconds(content.sale_from)
    if content.sale_to:
        body["sold_end_time"] = seconds(content.sale_to)
    skus = [sku_body(sku, content) for sku in content.skus]
    return {"product": body, **({"sku": skus[0]} if len(skus) == 1 else {"skus": skus})}


def sku_body(sku: goods.SkuContent, content: goods.ProductContent | None = None) -> dict[str, Any]:
    attributes = {"market_price": str(sku.original_price_fen), "use_type": "1"}
    if content is not None:
        ours = content.code_origin is CodeOrigin.MERCHANT
        attributes["code_source_type"] = _MERCHANT_CODES if ours else _PLATFORM_CODES
        attributes["limit_rule"] = _json(
            {"is_limit": True, "total_buy_num": content.per_buyer_max}
            if content.per_buyer_max
            else {"is_limit": False}
        )
    return {
        "out_sku_id": sku.out_sku_id,
        "sku_name": sku.title,
        "actual_amount": sku.price_fen,
        "origin_amount": sku.original_price_fen,
        "status": _LISTED,
        "stock": stock_body(sku.stock),
        "attr_key_value_map": {**attributes, **sku.attributes},
    }


def stock_body(stock: int | None) -> dict[str, int]:
    if stock is None:
        return {"limit_type": UNLIMITED}
    return {"limit_type": LIMITED, "stock_qty": stock, "avail_qty": stock}


def _usage_attributes(usage: UsageRules) -> dict[str, str]:
    attributes: dict[str, str] = {}
    if usage.dates:
        attributes["use_date"] = _json(
            {
                "use_date_type": 1,
                "use_start_date": usage.dates.first.isoformat(),
                "use_end_date": usage.dates.last.isoformat(),
            }
        )
    elif usage.days_after_purchase:
        attributes["use_date"] = _json(
            {"use_date_type": 2, "day_duration": usage.days_after_purchase}
        )
    attributes["use_time"] = _json(
        {
            "use_time_type": 2,
            "time_period_list": [
                {"use_start_time": f"{one.start:%H:%M}", "use_end_time": f"{one.end:%H:%M}"}
                for one in usage.hours
            ],
        }
        if usage.hours
        else {"use_time_type": 1}
    )
    closed = [day for day in range(1, 8) if usage.weekdays and day not in usage.weekdays]
    dates = [
        (period.first + timedelta(days=day)).isoformat()
        for period in usage.blackouts
        for day in range((period.last - period.first).days + 1)
    ]
    attributes["can_no_use_date"] = _json(
        {"enable": bool(closed or dates), "days_of_week": closed, "date_list": dates}
    )
    return attributes


def _refund_attributes(refund: RefundRules) -> dict[str, str]:
    decisions = {refund.before_use, refund.after_expiry}
    policy = _CONDITIONAL_REFUND
    if decisions == {RefundDecision.ALLOW}:
        policy = _FREE_REFUND
    elif decisions == {RefundDecision.REFUSE}:
        policy = _NO_REFUND
    asks = refund.before_use is not RefundDecision.ALLOW
    return {"RefundPolicy": policy, "refund_need_merchant_confirm": "true" if asks else "false"}


def product_facts(found: responses.Holder) -> goods.ProductFacts:
    product = found.product
    return goods.ProductFacts(
        product_id=product.product_id,
        out_id=product.out_id,
        title=product.product_name,
        category_id=product.category_id,
        sale_from=product.sold_start_time,
        sale_to=product.sold_end_time,
        poi_ids=tuple(poi.poi_id for poi in product.pois if poi.poi_id),
        skus=tuple(_sku_facts(sku) for sku in found.all_skus),
    )


def _sku_facts(sku: responses.GoodsSku) -> goods.SkuFacts:
    stock = sku.stock
    limit = stock.limit_type if stock else None
    counted = stock if limit == LIMITED else None
    return goods.SkuFacts(
        sku_id=sku.sku_id,
        out_sku_id=sku.out_sku_id,
        title=sku.sku_name,
        price_fen=sku.actual_amount,
        original_price_fen=sku.origin_amount,
        stock_total=counted.stock_qty if counted else None,
        stock_available=counted.avail_qty if counted else None,
        unlimited=None if limit is None else limit == UNLIMITED,
    )


def online(found: responses.Online) -> goods.OnlineProduct:
    return goods.OnlineProduct(product_facts(found), SHELVES.get(found.online_status))


def draft(found: responses.Draft) -> goods.ProductDraft:
    return goods.ProductDraft(
        product_facts(found), AUDITS.get(found.draft_status), found.audit_msg[:500]
    )


def attribute(found: responses.Attribute) -> goods.TemplateAttribute:
    return goods.TemplateAttribute(
        key=found.key,
        name=found.name,
        value_type=found.value_type,
        required=found.is_required,
        several=found.is_multi,
        example=found.value_demo,
    )


def poi(found: responses.PoiEntry) -> goods.Poi:
    account = found.account.poi_account if found.account else None
    return goods.Poi(
        poi_id=found.poi.poi_id,
        name=found.poi.poi_name,
        address=found.poi.address,
        latitude=found.poi.latitude,
        longitude=found.poi.longitude,
        account_id=account.account_id if account else None,
    )


def store_body(store: goods.StoreToMatch) -> dict[str, str]:
    body = {
        "ext_id": store.ext_id,
        "poi_name": store.name,
        "province": store.province,
        "city": store.city,
        "address": store.address,
    }
    if store.latitude is not None and store.longitude is not None:
        body |= {"latitude": f"{store.latitude:.6f}", "longitude": f"{store.longitude:.6f}"}
    return body | {"poi_id": store.poi_id} if store.poi_id else body


def match(found: responses.MatchResult) -> goods.PoiMatch:
    """Finished with a store is a match, whether or not the result's number is there."""
    if found.match_status != _MATCH_FINISHED:
        state = MatchState.RUNNING
    elif found.match_poi_id and found.match_result in {None, 0, _MATCHED}:
        state = MatchState.MATCHED
    elif found.match_result in {None, 0, _UNMATCHED}:
        state = MatchState.UNMATCHED
    else:
        state = MatchState.REJECTED
    poi_id = found.match_poi_id if state is MatchState.MATCHED else None
    return goods.PoiMatch(found.ext_id, state, poi_id, found.match_result)


def relation(found: responses.Relation) -> goods.PoiMatch:
    related = found.match_relation_status == _RELATED and found.match_poi_id
    state = MatchState.MATCHED if related else MatchState.UNMATCHED
    return goods.PoiMatch(found.ext_id, state, found.match_poi_id if related else None)


def seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def number(text: str) -> int | str:
    """Ids of categories are numbers to the platform."""
    return int(text) if text.isascii() and text.isdecimal() else text


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
