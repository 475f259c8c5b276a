"""Sets how much there is, never below what is sold and held."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from services.catalog.domain.deciding import StockName
from services.catalog.domain.settling import Count
from services.catalog.handlers.crossing import say_changes
from services.catalog.queries import stock as queries
from services.catalog.queries.stock import StockSku
from shared.contracts.products import StockBy
from shared.errors import NotFound, Rejection, Unreadable
from shared.messaging.outbox import Transaction

_TOLD_MAX = 20


@dataclass(frozen=True, slots=True)
class Total:
    """`total` None: without limit. `day` and `slot` as the SKU keeps its stock."""

    sku_id: str
    day: date | None
    slot: str | None
    total: int | None


async def set_totals(
    transaction: Transaction, totals: Sequence[Total], *, only: str | None
) -> Mapping[StockName, int]:
    """All of them or none; the stock keys, by name. Raises Rejection `stock_below_taken`."""
    conn = transaction.conn
    skus = await queries.find_skus(conn, sorted({one.sku_id for one in totals}))
    wanted = {_name(one, skus, only=only): one for one in totals}
    if len(wanted) < len(totals):
        message = "items: one SKU, day or slot is named twice"
        raise Unreadable(message)
    await queries.insert_missing(conn, sorted(wanted, key=_sortable))
    keys = await queries.find_keys(conn, list(wanted))
    before = await queries.lock_counts(conn, sorted(keys.values()))
    after = {
        keys[name]: replace(before[keys[name]], total=one.total) for name, one in wanted.items()
    }
    _must_cover([(one, after[keys[name]]) for name, one in wanted.items()])
    changed = {key: count for key, count in after.items() if count != before[key]}
    if changed:
        await queries.store_counts(conn, changed)
        transaction.emit(await say_changes(conn, before, changed))
    return keys


def _name(one: Total, skus: Mapping[str, StockSku], *, only: str | None) -> StockName:
    sku = skus.get(one.sku_id)
    if sku is None or only not in (None, sku.merchant):
        message = f"no SKU {one.sku_id}"
        raise NotFound(message, reason="sku_unknown")
    given = (one.day is not None, one.slot is not None)
    needed = (sku.stock_by is not StockBy.SKU, sku.stock_by is StockBy.SLOT)
    if given != needed:
        by = {
            StockBy.SKU: "as one number, without day and slot",
            StockBy.DAY: "by day, without slot",
            StockBy.SLOT: "by day and slot",
        }[sku.stock_by]
        message = f"{one.sku_id}: its stock is kept {by}"
        raise Unreadable(message)
    return StockName(sku.sku_key, one.day, one.slot)


def _sortable(name: StockName) -> tuple[int, date, str]:
    return name.sku_key, name.day or date.min, name.slot or ""


def _must_cover(pairs: Sequence[tuple[Total, Count]]) -> None:
    short = [
        f"{'/'.join(str(part) for part in (one.sku_id, one.day, one.slot) if part is not None)}: "
        f"{one.total} is less than {count.sold} sold and {count.held} held"
        for one, count in pairs
        if count.total is not None and count.held + count.sold > count.total
    ]
    if short:
        raise Rejection("; ".join(short[:_TOLD_MAX]), reason="stock_below_taken")
