"""/v1/stock"""

from datetime import date
from typing import Annotated, Final

from aiohttp import web
from pydantic import Field

from services.catalog.domain.products import Id, Slot, Strict
from services.catalog.handlers import stock as handlers
from services.catalog.handlers.stock import Total
from services.catalog.http.shapes import ShownStock, ShownTotals, StockQuery, read_key
from services.catalog.queries import stock as queries
from services.catalog.queries.stock import Filter, StockRow
from shared.web.body import json_response, read_body
from shared.web.keys import DATABASE, PRINCIPAL
from shared.web.pages import Page, page
from shared.web.query import query_of
from shared.web.routes import Route

_ITEMS_MAX: Final = 400
_TOTAL_MAX: Final = 10**12


class NewTotal(Strict):
    """`total` null: without limit."""

    sku_id: Id
    day: date | None = None
    slot: Slot | None = None
    total: int | None = Field(ge=0, le=_TOTAL_MAX)


class NewTotals(Strict):
    items: Annotated[tuple[NewTotal, ...], Field(min_length=1, max_length=_ITEMS_MAX)]


async def put_stock(request: web.Request) -> web.Response:
    """Answers what was set, as it is now."""
    body = await read_body(request, NewTotals)
    only = request[PRINCIPAL].narrowed(None)
    totals = [Total(one.sku_id, one.day, one.slot, one.total) for one in body.items]
    async with request.app[DATABASE].transaction() as transaction:
        keys = await handlers.set_totals(transaction, totals, only=only)
        rows = await queries.read_stock(transaction.conn, list(keys.values()))
    answer: ShownTotals = {"items": [_show(row) for row in rows]}
    return json_response(answer)


async def list_stock(request: web.Request) -> web.Response:
    query = query_of(request, StockQuery)
    wanted = Filter(
        merchant=request[PRINCIPAL].narrowed(query.merchant),
        product_id=query.product_id,
        sku_id=query.sku_id,
        first_day=query.first_day,
        last_day=query.last_day,
        after=read_key(query),
    )
    async with request.app[DATABASE].pool.acquire() as conn:
        found = await queries.list_stock(conn, wanted, limit=query.limit + 1)
    return json_response(
        page(found, limit=query.limit, cursor_of=lambda one: (str(one.stock_key),), show=_show)
    )


def _show(row: StockRow) -> ShownStock:
    now = row.now
    return {
        "stock_id": now.stock_id,
        "merchant": row.merchant,
        "product_id": now.product_id,
        "sku_id": now.sku_id,
        "platform": now.platform,
        "platform_sku_id": now.platform_sku_id,
        "third_sku_id": now.third_sku_id,
        "day": now.day,
        "slot": now.slot,
        "total": now.total,
        "held": now.held,
        "sold": now.sold,
        "left": None if now.total is None else now.total - now.held - now.sold,
        "changed_at": row.changed_at,
    }


ROUTES: Final = (
    Route(
        "GET",
        "/v1/stock",
        list_stock,
        "products:read",
        summary="How much there is of each SKU, day and slot",
        query=StockQuery,
        answers={200: Page[ShownStock]},
    ),
    Route(
        "PUT",
        "/v1/stock",
        put_stock,
        "stock:write",
        summary="Set totals, all of them or none, never below what is sold and held",
        body=NewTotals,
        answers={200: ShownTotals},
        refusals={404: ("sku_unknown",), 409: ("stock_below_taken",)},
    ),
)
