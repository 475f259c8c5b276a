"""/v1/products/import and /export: product lists as CSV and Excel files."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final, Literal

from aiohttp import web
from typing_extensions import TypedDict

from services.catalog.domain.exporting import Language
from services.catalog.domain.sheets import Fault
from services.catalog.domain.tables import BYTES_MAX
from services.catalog.handlers.exporting import export_products
from services.catalog.handlers.importing import FAULTS_TOLD_MAX, import_products
from services.catalog.http.keys import ZONE
from shared.errors import Unreadable
from shared.postgres.patience import BACKGROUND_SECONDS
from shared.web.body import json_response, read_raw
from shared.web.keys import DATABASE, PRINCIPAL
from shared.web.query import Query, Text, Truth, query_of
from shared.web.routes import Media, Route

_CSV: Final = "text/csv"
_SHEET: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class Form(StrEnum):
    CSV = "csv"
    XLSX = "xlsx"


class ImportQuery(Query):
    """A dry run reads and checks everything, and keeps nothing."""

    merchant: Text | None = None
    dry_run: Truth = False


class ExportQuery(Query):
    merchant: Text | None = None
    format: Form = Form.CSV
    language: Language = Language.ZH


class ShownReport(TypedDict):
    """Products, not lines, are created, updated or as they were."""

    dry_run: bool
    rows: int
    created: int
    updated: int
    unchanged: int


class ShownRefusal(TypedDict):
    """Nothing was imported. `faults` holds the first 200 of `faults_total`."""

    reason: Literal["import_refused"]
    detail: str
    rows: int
    faults_total: int
    faults: Sequence[Fault]


async def post_import(request: web.Request) -> web.Response:
    query = query_of(request, ImportQuery)
    merchant = _merchant(request, query.merchant)
    raw = await read_raw(request, bytes_max=BYTES_MAX)
    if not raw:
        message = "send the file as the body: CSV or .xlsx"
        raise Unreadable(message)
    report = await import_products(
        request.app[DATABASE],
        raw,
        merchant=merchant,
        zone=request.app[ZONE],
        dry_run=query.dry_run,
    )
    if report.faults:
        refusal: ShownRefusal = {
            "reason": "import_refused",
            "detail": f"{len(report.faults)} faults: nothing was imported",
            "rows": report.rows,
            "faults_total": len(report.faults),
            "faults": report.faults[:FAULTS_TOLD_MAX],
        }
        return json_response(refusal, status=409)
    answer: ShownReport = {
        "dry_run": query.dry_run,
        "rows": report.rows,
        "created": report.created,
        "updated": report.updated,
        "unchanged": report.unchanged,
    }
    return json_response(answer)


async def get_export(request: web.Request) -> web.Response:
    query = query_of(request, ExportQuery)
    merchant = _merchant(request, query.merchant)
    as_sheet = query.format is Form.XLSX
    body = await export_products(
        request.app[DATABASE],
        merchant=merchant,
        zone=request.app[ZONE],
        language=query.language,
        as_sheet=as_sheet,
    )
    response = web.Response(body=body, content_type=_SHEET if as_sheet else _CSV)
    name = f"products-{merchant}.{query.format}"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _merchant(request: web.Request, asked: str | None) -> str:
    merchant = request[PRINCIPAL].narrowed(asked)
    if merchant is None or not merchant.replace("-", "").isalnum():
        message = "merchant: say whose products"
        raise Unreadable(message)
    return merchant


# Before those of one product, whose id could be any word.
ROUTES: Final = (
    Route(
        "POST",
        "/v1/products/import",
        post_import,
        "products:write",
        summary="Read a product list in, CSV or Excel: all of it or nothing",
        query=ImportQuery,
        answers={200: ShownReport, 409: ShownRefusal},
        refusals={413: ("body_too_large",)},
        database_seconds=BACKGROUND_SECONDS,
    ),
    Route(
        "GET",
        "/v1/products/export",
        get_export,
        "products:read",
        summary="A merchant's products as a list that can be read in again",
        query=ExportQuery,
        answers={200: Media(_CSV, (_SHEET,))},
        refusals={409: ("too_many_rows",)},
        database_seconds=BACKGROUND_SECONDS,
    ),
)
