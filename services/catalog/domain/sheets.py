"""Between rows of a product list and products: every fault with its line, column and remedy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from zoneinfo import ZoneInfo

from pydantic import ValidationError
from typing_extensions import TypedDict

from services.catalog.domain.columns import BY_KEY, BY_NAME, COLUMNS, Column
from services.catalog.domain.products import Content, ProductDraft
from services.catalog.domain.tables import Row, Wrong
from shared.contracts.products import Sku
from shared.platforms.reasons import Words

_VALUE_MAX: Final = 80
# Members of a product, and the column that says them.
_COLUMN_OF: Final[Mapping[str, str]] = {
    "title": "title",
    "kind": "kind",
    "sale_from": "sale_from",
    "sale_to": "sale_to",
    "per_buyer_max": "per_buyer_max",
    "usage.dates": "valid_dates",
    "usage.days_after_purchase": "valid_days",
    "usage.weekdays": "weekdays",
    "usage.hours": "hours",
    "usage.blackouts": "blackouts",
    "usage.store_ids": "stores",
    "code_origin": "code_origin",
    "refund.before_use": "refund_before_use",
    "refund.after_expiry": "refund_after_expiry",
    "refund.partly_used": "refund_partly_used",
    "price_fen": "price",
    "original_price_fen": "original_price",
    "times": "times",
    "admits": "admits",
    "sku_id": "sku_id",
}


class ShownWords(TypedDict):
    zh: str
    en: str


class Fault(TypedDict):
    """`column` is the name of the column as the file has it; null: the whole line, or file."""

    line: int | None
    column: str | None
    value: str | None
    problem: ShownWords
    action: ShownWords


@dataclass(frozen=True, slots=True)
class SkuLine:
    """Any: what each column reads; None where the cell is empty."""

    line: int
    values: Mapping[str, Any]


@dataclass(slots=True)
class ProductLines:
    product_id: str
    line: int
    values: Mapping[str, Any]
    skus: list[SkuLine] = field(default_factory=list)


@dataclass(slots=True)
class Reading:
    products: list[ProductLines]
    faults: list[Fault]
    rows: int
    # The file's own name of each column.
    names: Mapping[str, str]


def fault(
    problem: Words,
    action: Words,
    *,
    line: int | None = None,
    column: str | None = None,
    value: str | None = None,
) -> Fault:
    return {
        "line": line,
        "column": column,
        "value": None if value is None else value[:_VALUE_MAX],
        "problem": {"zh": problem.zh, "en": problem.en},
        "action": {"zh": action.zh, "en": action.en},
    }


def read_products(rows: Sequence[Row], *, zone: ZoneInfo) -> Reading:
    """All products and all faults; the first row names the columns."""
    if not rows:
        empty = fault(
            Words("文件是空的", "the file is empty"),
            Words("用导出的文件作模板", "take an exported file as the pattern"),
        )
        return Reading([], [empty], 0, {})
    (header_line, names), *lines = rows
    columns, faults = _columns(names, header_line)
    file_names = {column.key: name for column, name in zip(columns, names, strict=True) if column}
    reading = Reading([], faults, len(lines), file_names)
    if not faults:
        by_id: dict[str, ProductLines] = {}
        for line, cells in lines:
            _read_line(reading, by_id, columns, line, cells, zone)
        reading.products = list(by_id.values())
        if not lines:
            reading.faults.append(
                fault(
                    Words("只有表头,没有商品", "a header and no product"),
                    Words("每个规格写一行", "write one line for each SKU"),
                    line=header_line,
                )
            )
    return reading


def _columns(names: Sequence[str], line: int) -> tuple[list[Column | None], list[Fault]]:
    columns = [BY_NAME.get(name.strip().lower()) or BY_NAME.get(name.strip()) for name in names]
    faults = [
        fault(
            Words("没有这一列", "there is no such column"),
            Words(
                "删去,或改为:" + "、".join(one.zh for one in COLUMNS),
                "remove it, or use one of " + ", ".join(one.key for one in COLUMNS),
            ),
            line=line,
            column=name,
        )
        for column, name in zip(columns, names, strict=True)
        if column is None and name
    ]
    seen = [column.key for column in columns if column]
    faults += [
        fault(
            Words("这一列出现了两次", "this column is there twice"),
            Words("只留一列", "keep one of them"),
            line=line,
            column=key,
        )
        for key in sorted({key for key in seen if seen.count(key) > 1})
    ]
    faults += [
        fault(
            Words("缺少这一列", "this column is missing"),
            Words(f"加上「{column.zh}」", f"add {column.key}"),
            line=line,
            column=column.key,
        )
        for column in COLUMNS
        if column.required and column.key not in seen
    ]
    return columns, faults


def _read_line(
    reading: Reading,
    by_id: dict[str, ProductLines],
    columns: Sequence[Column | None],
    line: int,
    cells: Sequence[str],
    zone: ZoneInfo,
) -> None:
    values: dict[str, Any] = {}
    failed = False
    for place, column in enumerate(columns):
        if column is None:
            continue
        text = cells[place].strip() if place < len(cells) else ""
        try:
            values[column.key] = column.read(text, zone) if text else None
        except Wrong as wrong:
            failed = True
            name = reading.names[column.key]
            reading.faults.append(
                fault(wrong.problem, wrong.action, line=line, column=name, value=text)
            )
    known = by_id.get(str(values.get("product_id")))
    # A product's own members stand in its first line; below it they may be left out.
    missing = [
        column.key
        for column in COLUMNS
        if column.required
        and column.key in values
        and values[column.key] is None
        and (known is None or column.of_sku)
    ]
    reading.faults += [_missing(line, reading.names[key]) for key in missing]
    if failed or missing:
        return
    _place(reading, by_id, known, line, values)


def _place(
    reading: Reading,
    by_id: dict[str, ProductLines],
    known: ProductLines | None,
    line: int,
    values: Mapping[str, Any],
) -> None:
    of_sku = {key: value for key, value in values.items() if BY_KEY[key].of_sku}
    own = {key: value for key, value in values.items() if not BY_KEY[key].of_sku}
    if known is None:
        known = by_id[values["product_id"]] = ProductLines(values["product_id"], line, own)
    for key, value in own.items():
        if value is not None and value != known.values[key]:
            reading.faults.append(
                fault(
                    Words(f"与第 {known.line} 行不同", f"not the same as in line {known.line}"),
                    Words(
                        "同一商品的各行要一致,或留空", "make it the same there, or leave it empty"
                    ),
                    line=line,
                    column=reading.names[key],
                )
            )
    known.skus.append(SkuLine(line, of_sku))


def _missing(line: int, name: str) -> Fault:
    return fault(
        Words("必填", "must be filled in"), Words("补上", "fill it in"), line=line, column=name
    )


def draft_of(lines: ProductLines, before: Content | None) -> ProductDraft:
    """What the file does not have a column for stays as it was. Raises ValidationError."""
    body: dict[str, Any] = {"kind": lines.values["kind"], "title": lines.values["title"]}
    if before is not None:
        body |= {
            "platform": before.platform,
            "platform_product_id": before.platform_product_id,
            "restock_on_refund": before.restock_on_refund,
            "code_origin": before.code_origin,
            "sale_from": before.sale_from,
            "sale_to": before.sale_to,
            "per_buyer_max": before.per_buyer_max,
        }
        # Kept where the kind keeps its meaning; the usual one otherwise.
        if lines.values["kind"] is not before.kind:
            body.pop("restock_on_refund")
    usage = before.usage.model_dump() if before else {}
    refund = before.refund.model_dump() if before else {}
    for member, key in _COLUMN_OF.items():
        if key not in lines.values or BY_KEY[key].of_sku:
            continue
        group, _, name = member.rpartition(".")
        target = {"usage": usage, "refund": refund}.get(group, body)
        _put(target, name, lines.values[key])
    body["usage"], body["refund"] = usage, refund
    body["skus"] = [_sku(sku, place, lines, before) for place, sku in enumerate(lines.skus)]
    return ProductDraft.model_validate(body)


def _put(target: dict[str, Any], name: str, value: Any) -> None:
    """An empty cell means the default."""
    if value is None:
        target.pop(name, None)
    else:
        target[name] = value.model_dump() if hasattr(value, "model_dump") else _plain(value)


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(one.model_dump() if hasattr(one, "model_dump") else one for one in value)
    return value


def _sku(sku: SkuLine, place: int, lines: ProductLines, before: Content | None) -> dict[str, Any]:
    known = _known_sku(sku, place, before)
    body: dict[str, Any] = known.model_dump() if known else {}
    named = {
        "sku_id": sku.values.get("sku_id") or body.get("sku_id"),
        "title": sku.values.get("sku_title") or body.get("title") or lines.values["title"],
        "price_fen": sku.values["price"],
    }
    body |= {key: value for key, value in named.items() if value is not None}
    for name, key in (
        ("original_price_fen", "original_price"),
        ("times", "times"),
        ("admits", "admits"),
    ):
        if key in sku.values:
            _put(body, name, sku.values[key])
    return body


def _known_sku(sku: SkuLine, place: int, before: Content | None) -> Sku | None:
    if before is None:
        return None
    sku_id = sku.values.get("sku_id")
    if sku_id is None:
        return before.skus[place] if place < len(before.skus) else None
    return next((one for one in before.skus if one.sku_id == sku_id), None)


def faults_of(error: ValidationError, lines: ProductLines, names: Mapping[str, str]) -> list[Fault]:
    """What the model of a product says of it, in the words of the file."""
    return [
        member_fault(".".join(str(step) for step in one["loc"]), one["msg"], lines, names)
        for one in error.errors(include_input=False, include_url=False)
    ]


def member_fault(member: str, detail: str, lines: ProductLines, names: Mapping[str, str]) -> Fault:
    line = lines.line
    steps = member.split(".")
    if steps[0] == "skus" and len(steps) > 1 and steps[1].isdigit():
        place = int(steps[1])
        line = lines.skus[place].line if place < len(lines.skus) else line
        steps = steps[2:]
    key = next(
        (
            _COLUMN_OF[".".join(steps[:length])]
            for length in range(len(steps), 0, -1)
            if ".".join(steps[:length]) in _COLUMN_OF
        ),
        None,
    )
    return fault(
        Words(f"商品不能这样写:{detail}", detail),
        Words("改正后重新上传", "mend it and send the file again"),
        line=line,
        column=names.get(key, key) if key else None,
    )
