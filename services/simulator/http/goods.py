"""The goods and store paths of the OpenAPI: one function a path."""

from collections.abc import Sequence
from typing import Any

from services.simulator.domain import goods as domain
from services.simulator.domain import shapes
from services.simulator.domain.codes import Code, PlatformError
from services.simulator.domain.faults import CallKind
from services.simulator.domain.goods import OnlineStatus, Product
from services.simulator.handlers import goods, pois
from services.simulator.http.calling import Call, platform_routes
from services.simulator.http.goods_bodies import (
    ON,
    STORES_MAX,
    FreeAuditBody,
    NamedBody,
    OperateBody,
    SaveBody,
    SkuBody,
    SkusBody,
    StockSyncBody,
    SubmitBody,
)
from services.simulator.http.reading import read_list, read_model, read_number, read_required

_GOODS = "/goodlife/v1/goods"
_MATCH = "/goodlife/v1/poi/match"
_GET_MAX = 10
_PAGE_MAX, _PAGE_DEFAULT = 50, 5


async def post_save(call: Call) -> shapes.Json:
    body = read_model(call.raw, SaveBody)
    skus = body.skus or ([body.sku] if body.sku else [])
    given = body.product
    if not skus or given.out_id is None:
        raise PlatformError(Code.BAD_PARAMETER)
    start, end = given.sold_start_time, given.sold_end_time
    if start and end and end <= start:
        raise PlatformError(Code.BAD_PARAMETER, "售卖时间错误")
    if len({sku.out_sku_id for sku in skus}) < len(skus):
        raise PlatformError(Code.BAD_PARAMETER, "out_sku_id重复")
    name = domain.category_name(given.category_id)
    product = {**given.model_dump(exclude_none=True), "category_full_name": name}
    saved = await goods.save(
        call.world,
        client_key=call.client_key,
        account_id=body.account_id,
        out_id=given.out_id,
        product_id=given.product_id,
        product=product,
        skus=[_sku(sku) for sku in skus],
    )
    return {
        "product_id": str(saved.product_id),
        "sku_ids": {sku["out_sku_id"]: sku["sku_id"] for sku in saved.draft["skus"]},
    }


def _sku(body: SkuBody) -> domain.Json:
    return body.model_dump(exclude_none=True)


async def _change(call: Call, body: NamedBody, happen: Any) -> shapes.Json:
    await goods.change(
        call.world,
        client_key=call.client_key,
        account_id=body.account_id,
        product_id=body.product_id,
        out_id=body.out_id,
        happen=happen,
    )
    return {}


async def post_operate(call: Call) -> shapes.Json:
    body = read_model(call.raw, OperateBody)
    status = OnlineStatus.ONLINE if body.op_type == ON else OnlineStatus.OFFLINE
    return await _change(call, body, goods.put(status))


async def post_free_audit(call: Call) -> shapes.Json:
    body = read_model(call.raw, FreeAuditBody)

    def happen(product: Product) -> Sequence[str]:
        product.change(
            sold_end_time=body.sold_end_time,
            stock_qty=body.stock_qty,
            price_fen=body.actual_amount,
        )
        return ()

    return await _change(call, body, happen)


async def post_stock(call: Call) -> shapes.Json:
    body = read_model(call.raw, StockSyncBody)
    stock = body.stock
    if stock.limit_type == domain.LIMITED and stock.avail_qty is None and stock.stock_qty is None:
        raise PlatformError(Code.BAD_PARAMETER, "缺少库存数量")

    def happen(product: Product) -> Sequence[str]:
        left = stock.avail_qty if stock.avail_qty is not None else stock.stock_qty
        product.set_stock(limit_type=stock.limit_type, avail_qty=left)
        return ()

    return await _change(call, body, happen)


async def post_skus(call: Call) -> shapes.Json:
    body = read_model(call.raw, SkusBody)
    if body.out_id is None:
        raise PlatformError(Code.BAD_PARAMETER)
    return {
        "sku_ids": await goods.save_skus(
            call.world,
            client_key=call.client_key,
            account_id=body.account_id,
            out_id=body.out_id,
            skus=[_sku(sku) for sku in body.skus],
        )
    }


async def _found(call: Call) -> list[Product]:
    out_ids = read_list(call.request, "out_ids")
    product_ids = [read_number(text) or 0 for text in read_list(call.request, "product_ids")]
    if not 0 < len(out_ids) + len(product_ids) <= _GET_MAX:
        raise PlatformError(Code.BAD_PARAMETER)
    return await goods.find(
        call.world,
        client_key=call.client_key,
        account_id=read_required(call.request, "account_id"),
        product_ids=product_ids,
        out_ids=[out_id.replace("\x00", "") for out_id in out_ids],
    )


async def get_drafts(call: Call) -> shapes.Json:
    return {"product_drafts": [domain.draft_shape(product) for product in await _found(call)]}


async def get_online(call: Call) -> shapes.Json:
    return {
        "product_onlines": [
            domain.online_shape(product, product.online)
            for product in await _found(call)
            if product.online is not None
        ]
    }


async def query_drafts(call: Call) -> shapes.Json:
    status = read_number(call.request.query.get("status"))
    found, more = await _page(call, draft_status=status)
    return {**more, "products": [domain.draft_shape(product) for product in found]}


async def query_online(call: Call) -> shapes.Json:
    status = read_number(call.request.query.get("status"))
    found, more = await _page(call, online_status=status, only_online=True)
    return {
        **more,
        "products": [
            domain.online_shape(product, product.online)
            for product in found
            if product.online is not None
        ],
    }


async def _page(call: Call, **filters: Any) -> tuple[list[Product], shapes.Json]:
    query = call.request.query
    count = read_number(query.get("count"), least=1, most=_PAGE_MAX) or _PAGE_DEFAULT
    found = await goods.page(
        call.world,
        client_key=call.client_key,
        account_id=read_required(call.request, "account_id"),
        after=read_number(query.get("cursor")) or 0,
        limit=count,
        **filters,
    )
    shown = found[:count]
    cursor = str(shown[-1].product_id) if shown else "0"
    return shown, {"has_more": len(found) > count, "next_cursor": cursor}


async def get_template(call: Call) -> shapes.Json:
    domain.category_name(read_number(read_required(call.request, "category_id")) or 0)
    return {
        "product_attrs": domain.attribute_shapes(domain.PRODUCT_ATTRIBUTES),
        "sku_attrs": domain.attribute_shapes(domain.SKU_ATTRIBUTES),
    }


async def get_categories(call: Call) -> shapes.Json:
    parent_id = read_number(call.request.query.get("category_id")) or 0
    return {"category_infos": domain.category_shapes(parent_id), "category_tree_infos": []}


async def query_pois(call: Call) -> shapes.Json:
    query = call.request.query
    return await pois.query(
        call.world,
        client_key=call.client_key,
        account_id=read_required(call.request, "account_id"),
        poi_id=query.get("poi_id", "").replace("\x00", "") or None,
        page=read_number(query.get("page"), least=1, most=10_000) or 1,
        size=read_number(query.get("size"), least=1, most=_PAGE_MAX) or _PAGE_DEFAULT,
    )


async def post_match(call: Call) -> shapes.Json:
    body = read_model(call.raw, SubmitBody)
    if len({store.ext_id for store in body.datas}) < len(body.datas):
        raise PlatformError(Code.BAD_PARAMETER, "ext_id重复")
    task_id = await pois.submit(
        call.world,
        client_key=call.client_key,
        stores=[(store.ext_id, store.poi_name, store.poi_id) for store in body.datas],
    )
    return {"task_id": task_id}


async def get_match(call: Call) -> shapes.Json:
    task_id = read_number(read_required(call.request, "task_id")) or 0
    return await pois.task(call.world, client_key=call.client_key, task_id=task_id)


async def query_relations(call: Call) -> shapes.Json:
    ext_ids = [one.replace("\x00", "") for one in read_list(call.request, "ext_ids")]
    if not 0 < len(ext_ids) <= STORES_MAX:
        raise PlatformError(Code.BAD_PARAMETER)
    return await pois.relations(call.world, client_key=call.client_key, ext_ids=ext_ids)


_WRITE, _READ, _POI = CallKind.GOODS_WRITE, CallKind.GOODS_READ, CallKind.POI
GOODS_ROUTES = (
    *platform_routes(_WRITE, "POST", f"{_GOODS}/product/save/", post_save),
    *platform_routes(_WRITE, "POST", f"{_GOODS}/product/operate/", post_operate),
    *platform_routes(_WRITE, "POST", f"{_GOODS}/product/free_audit/", post_free_audit),
    *platform_routes(_WRITE, "POST", f"{_GOODS}/stock/sync/", post_stock),
    *platform_routes(_WRITE, "POST", f"{_GOODS}/sku/batch_save/", post_skus),
    *platform_routes(_READ, "GET", f"{_GOODS}/product/draft/get/", get_drafts),
    *platform_routes(_READ, "GET", f"{_GOODS}/product/draft/query/", query_drafts),
    *platform_routes(_READ, "GET", f"{_GOODS}/product/online/get/", get_online),
    *platform_routes(_READ, "GET", f"{_GOODS}/product/online/query/", query_online),
    *platform_routes(_READ, "GET", f"{_GOODS}/template/get/", get_template),
    *platform_routes(_READ, "GET", f"{_GOODS}/category/get/", get_categories),
    *platform_routes(_POI, "GET", "/goodlife/v1/shop/poi/query/", query_pois),
    *platform_routes(_POI, "POST", f"{_MATCH}/task/submit/", post_match),
    *platform_routes(_POI, "GET", f"{_MATCH}/task/query/", get_match),
    *platform_routes(_POI, "GET", f"{_MATCH}/relation/query/", query_relations),
)
