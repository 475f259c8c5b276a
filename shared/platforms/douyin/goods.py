"""Douyin's OpenAPI for goods and stores: each documented call, typed."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import aiohttp

from shared.clock import utc_now
from shared.contracts.products import ProductKind
from shared.platforms import goods
from shared.platforms.douyin import goods_responses as responses
from shared.platforms.douyin import goods_translation as translation
from shared.platforms.douyin.transport import Call, TimeLimits, Transport
from shared.platforms.goods import AuditState, Shelf
from shared.platforms.tokens import TokenSource

GOODS = "/goodlife/v1/goods"
POI_MATCH = "/goodlife/v1/poi/match"
MAX_PRODUCTS_PER_GET = 10
MAX_PRODUCTS_PER_PAGE = 50
MAX_RELATIONS_PER_QUERY = 200
_ON_SHELF, _OFF_SHELF = 1, 2
_AUDIT_FILTER = {AuditState.RUNNING: 10, AuditState.FAILED: 12, AuditState.PASSED: 1}
_SHELF_FILTER = {Shelf.ON: 1, Shelf.OFF: 2, Shelf.BANNED: 3}


class DouyinGoodsClient:
    """Raises Refused, Retry and, from calls with effect, OutcomeUnknown; nothing else.

    Products are named by our own id, `out_id`: saving it twice makes one product.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        tokens: TokenSource,
        base_url: str,
        limits: TimeLimits | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._transport = Transport(
            session,
            base_url=base_url,
            tokens=tokens,
            limits=limits or TimeLimits(total_seconds=5.0),
            clock=clock,
        )

    async def product_save(
        self, content: goods.ProductContent, *, account_id: str
    ) -> goods.SavedProduct:
        """Create or change a product; what customers see changes when its audit has passed."""
        body = {"account_id": account_id, **translation.product_body(content)}
        call = Call("POST", f"{GOODS}/product/save/", True, body=body, account_id=account_id)
        data, now = await self._transport.send(call, responses.SavedData)
        return goods.SavedProduct(data.product_id, data.sku_ids, now)

    async def product_operate(self, out_id: str, *, account_id: str, on_shelf: bool) -> None:
        body = {"out_id": out_id, "op_type": _ON_SHELF if on_shelf else _OFF_SHELF}
        await self._change("product/operate", body, account_id)

    async def product_free_audit(
        self,
        out_id: str,
        *,
        account_id: str,
        sale_to: datetime | None = None,
        stock: int | None = None,
        price_fen: int | None = None,
    ) -> None:
        """Change at once what needs no audit; what is None stays as it is."""
        body: dict[str, Any] = {"out_id": out_id}
        if sale_to is not None:
            body["sold_end_time"] = translation.seconds(sale_to)
        if stock is not None:
            body["stock_qty"] = stock
        if price_fen is not None:
            body["actual_amount"] = price_fen
        await self._change("product/free_audit", body, account_id)

    async def sku_batch_save(
        self, out_id: str, skus: Sequence[goods.SkuContent], *, account_id: str
    ) -> Mapping[str, str]:
        """Create or change SKUs of a product that has several; the platform's ids by ours."""
        body = {
            "account_id": account_id,
            "out_id": out_id,
            "skus": [translation.sku_body(sku) for sku in skus],
        }
        call = Call("POST", f"{GOODS}/sku/batch_save/", True, body=body, account_id=account_id)
        data, _ = await self._transport.send(call, responses.SkusSavedData)
        return data.sku_ids

    async def stock_sync(self, out_id: str, available: int | None, *, account_id: str) -> None:
        """Set what is left of a product with one SKU; None sells without end."""
        stock = translation.stock_body(available)
        stock.pop("stock_qty", None)
        await self._change("stock/sync", {"out_id": out_id, "stock": stock}, account_id)

    async def draft_get(
        self, out_ids: Sequence[str], *, account_id: str
    ) -> tuple[goods.ProductDraft, ...]:
        """What was saved last of at most ten products."""
        call = _get("product/draft/get", account_id=account_id, out_ids=",".join(out_ids))
        data, _ = await self._transport.send(call, responses.DraftData)
        return tuple(translation.draft(found) for found in data.products)

    async def draft_query(
        self, *, account_id: str, audit: AuditState | None = None, cursor: str | None = None
    ) -> goods.DraftPage:
        call = _get(
            "product/draft/query",
            account_id=account_id,
            cursor=cursor,
            count=str(MAX_PRODUCTS_PER_PAGE),
            status=str(_AUDIT_FILTER[audit]) if audit else None,
        )
        data, _ = await self._transport.send(call, responses.DraftData)
        drafts = tuple(translation.draft(found) for found in data.products)
        return goods.DraftPage(drafts, data.next_cursor if data.has_more else None)

    async def online_get(
        self, out_ids: Sequence[str], *, account_id: str
    ) -> tuple[goods.OnlineProduct, ...]:
        """What customers see of at most ten products; nothing before a first audit passed."""
        call = _get("product/online/get", account_id=account_id, out_ids=",".join(out_ids))
        data, _ = await self._transport.send(call, responses.OnlineData)
        return tuple(translation.online(found) for found in data.products)

    async def online_query(
        self, *, account_id: str, shelf: Shelf | None = None, cursor: str | None = None
    ) -> goods.OnlinePage:
        call = _get(
            "product/online/query",
            account_id=account_id,
            cursor=cursor,
            count=str(MAX_PRODUCTS_PER_PAGE),
            status=str(_SHELF_FILTER[shelf]) if shelf in _SHELF_FILTER else None,
        )
        data, _ = await self._transport.send(call, responses.OnlineData)
        products = tuple(translation.online(found) for found in data.products)
        return goods.OnlinePage(products, data.next_cursor if data.has_more else None)

    async def template_get(self, category_id: str, kind: ProductKind) -> goods.Template:
        """What the platform wants to know of a product of this category."""
        call = _get(
            "template/get",
            category_id=category_id,
            product_type=str(translation.PRODUCT_TYPES[kind]),
        )
        data, _ = await self._transport.send(call, responses.TemplateData)
        return goods.Template(
            product=tuple(translation.attribute(found) for found in data.product_attrs),
            sku=tuple(translation.attribute(found) for found in data.sku_attrs),
        )

    async def category_get(
        self, parent_id: str | None = None, *, account_id: str | None = None
    ) -> tuple[goods.Category, ...]:
        """The categories right below one; the topmost ones if none is given."""
        call = _get("category/get", account_id=account_id, category_id=parent_id or "0")
        data, _ = await self._transport.send(call, responses.CategoryData)
        return tuple(
            goods.Category(
                found.category_id, found.parent_id, found.name, found.is_leaf, found.enable
            )
            for found in data.category_infos
        )

    async def poi_query(self, *, account_id: str, page: int = 1, size: int = 50) -> goods.PoiPage:
        """The merchant's stores as the platform has them."""
        call = Call(
            "GET",
            "/goodlife/v1/shop/poi/query/",
            query=_query(account_id=account_id, page=str(page), size=str(size)),
            account_id=account_id,
        )
        data, _ = await self._transport.send(call, responses.PoiData)
        return goods.PoiPage(tuple(translation.poi(found) for found in data.pois), data.total)

    async def poi_match_submit(
        self, stores: Sequence[goods.StoreToMatch], *, account_id: str | None = None
    ) -> str:
        """Ask the platform to find our stores among its own; the result comes within a day."""
        body = {"datas": [translation.store_body(store) for store in stores]}
        call = Call("POST", f"{POI_MATCH}/task/submit/", True, body=body, account_id=account_id)
        data, _ = await self._transport.send(call, responses.TaskData)
        return data.task_id

    async def poi_match_query(
        self, task_id: str, *, account_id: str | None = None
    ) -> tuple[goods.PoiMatch, ...]:
        query = _query(task_id=task_id)
        call = Call("GET", f"{POI_MATCH}/task/query/", query=query, account_id=account_id)
        data, _ = await self._transport.send(call, responses.MatchData)
        return tuple(translation.match(found) for found in data.results)

    async def poi_relation_query(
        self, ext_ids: Sequence[str], *, account_id: str | None = None
    ) -> tuple[goods.PoiMatch, ...]:
        """Which of the platform's stores ours are tied to; at most 200."""
        query = _query(ext_ids=",".join(ext_ids))
        call = Call("GET", f"{POI_MATCH}/relation/query/", query=query, account_id=account_id)
        data, _ = await self._transport.send(call, responses.RelationData)
        return tuple(translation.relation(found) for found in data.relations)

    async def _change(self, path: str, body: dict[str, Any], account_id: str) -> None:
        body["account_id"] = account_id
        call = Call("POST", f"{GOODS}/{path}/", True, body=body, account_id=account_id)
        await self._transport.send(call, responses.NothingData)


def _get(path: str, *, account_id: str | None = None, **members: str | None) -> Call:
    query = _query(account_id=account_id, **members)
    return Call("GET", f"{GOODS}/{path}/", query=query, account_id=account_id)


def _query(**members: str | None) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in members.items() if value)
