"""Reads a product list in: all of it or nothing; the same file again changes nothing."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from services.catalog.domain.columns import UNLIMITED
from services.catalog.domain.products import Product, Wanted
from services.catalog.domain.sheets import (
    Fault,
    ProductLines,
    Reading,
    draft_of,
    fault,
    faults_of,
    member_fault,
    read_products,
)
from services.catalog.domain.tables import Wrong, read_table
from services.catalog.handlers.products import (
    Contradictory,
    add_product,
    replace_product,
    set_wanted,
)
from services.catalog.handlers.stock import Total, set_totals
from services.catalog.queries import products as queries
from services.catalog.queries import syncs
from shared.contracts.products import StockBy
from shared.errors import Rejection
from shared.messaging.outbox import Database, Transaction
from shared.platforms.reasons import Words

FAULTS_TOLD_MAX: Final = 200


@dataclass(slots=True)
class Report:
    rows: int
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    faults: list[Fault] = field(default_factory=list)


class _NothingOfIt(Exception):
    """Rolls back what was tried."""


async def import_products(
    database: Database, raw: bytes, *, merchant: str, zone: ZoneInfo, dry_run: bool
) -> Report:
    """A dry run does all of it too, and rolls it back."""
    reading = await asyncio.to_thread(_read, raw, zone)
    report = Report(reading.rows, faults=reading.faults)
    if report.faults:
        return report
    try:
        async with database.transaction() as transaction:
            # In the order of their ids: two files at once wait for each other, and no more.
            for lines in sorted(reading.products, key=lambda one: one.product_id):
                await _import_one(transaction, lines, reading.names, report, merchant=merchant)
                if len(report.faults) >= FAULTS_TOLD_MAX:
                    break
            _keep_or_undo(report, dry_run=dry_run)
    except _NothingOfIt:
        report.faults.sort(key=lambda one: one["line"] or 0)
    return report


def _keep_or_undo(report: Report, *, dry_run: bool) -> None:
    if report.faults or dry_run:
        raise _NothingOfIt


def _read(raw: bytes, zone: ZoneInfo) -> Reading:
    try:
        return read_products(read_table(raw), zone=zone)
    except Wrong as wrong:
        return Reading([], [fault(wrong.problem, wrong.action, line=wrong.line)], 0, {})


async def _import_one(
    transaction: Transaction,
    lines: ProductLines,
    names: Mapping[str, str],
    report: Report,
    *,
    merchant: str,
) -> None:
    try:
        async with transaction.conn.transaction():
            before = await queries.find_product(transaction.conn, lines.product_id)
            product = await _store(transaction, lines, before, merchant=merchant)
            await _set_stock(transaction, lines, product, merchant=merchant)
            changed = await _set_rest(transaction, lines, product, merchant=merchant)
    except ValidationError as error:
        report.faults += faults_of(error, lines, names)
        return
    except Contradictory as contradictory:
        for one in str(contradictory).split("; "):
            member, _, detail = one.partition(": ")
            report.faults.append(member_fault(member, detail, lines, names))
        return
    except Rejection as rejection:
        report.faults.append(_refused(rejection, lines, names))
        return
    if before is None:
        report.created += 1
    elif changed or product.version != before.version:
        report.updated += 1
    else:
        report.unchanged += 1


async def _store(
    transaction: Transaction, lines: ProductLines, before: Product | None, *, merchant: str
) -> Product:
    if before is not None and before.content.merchant != merchant:
        message = "another merchant has a product of this id"
        raise Rejection(message, reason="id_taken")
    draft = draft_of(lines, before.content if before else None)
    if before is None:
        product, _ = await add_product(
            transaction, draft, merchant=merchant, product_id=lines.product_id
        )
        return product
    return await replace_product(
        transaction, lines.product_id, draft, only=merchant, version=before.version
    )


async def _set_stock(
    transaction: Transaction, lines: ProductLines, product: Product, *, merchant: str
) -> None:
    totals = [
        Total(sku.sku_id, None, None, None if stock == UNLIMITED else stock)
        for sku, line in zip(product.content.skus, lines.skus, strict=True)
        if (stock := line.values.get("stock")) is not None
    ]
    kept_otherwise = [
        sku.sku_id
        for sku, line in zip(product.content.skus, lines.skus, strict=True)
        if line.values.get("stock") is not None and sku.stock_by is not StockBy.SKU
    ]
    if kept_otherwise:
        message = f"stock of {kept_otherwise[0]} is kept by day or slot: leave the cell empty"
        raise Rejection(message, reason="stock_by_day")
    if totals:
        await set_totals(transaction, totals, only=merchant)


async def _set_rest(
    transaction: Transaction, lines: ProductLines, product: Product, *, merchant: str
) -> bool:
    """What is no part of the product itself: where it is listed, whether it is wanted."""
    changed = False
    if "category_id" in lines.values:
        listing = await syncs.find_listing(transaction.conn, product.product_key)
        wanted = replace(listing, category_id=lines.values["category_id"])
        if wanted != listing:
            await syncs.keep_listing(transaction.conn, product.product_key, wanted)
            await syncs.nudge(transaction.conn, product.product_key)
            changed = True
    published = lines.values.get("published")
    wanted_now = product.wanted is Wanted.ON_SHELF
    if published is not None and published is not wanted_now:
        wish = Wanted.ON_SHELF if published else Wanted.OFF_SHELF
        await set_wanted(transaction, lines.product_id, wish, only=merchant)
        changed = True
    return changed


def _refused(rejection: Rejection, lines: ProductLines, names: Mapping[str, str]) -> Fault:
    column = {
        "id_taken": "product_id",
        "stock_below_taken": "stock",
        "stock_by_day": "stock",
        "product_banned": "published",
    }.get(rejection.reason)
    return fault(
        Words(f"不能这样写入:{rejection}", str(rejection)),
        Words("改正这一行,或删去它", "mend this line, or remove it"),
        line=lines.line,
        column=names.get(column, column) if column else None,
    )
