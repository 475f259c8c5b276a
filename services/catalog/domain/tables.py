"""Tables as people keep them: CSV in the encodings that Excel writes, and Excel's own files.

Nothing here trusts the file: it may be huge once unpacked, it may be no table at all.
"""

import csv
import io
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Final

from openpyxl import Workbook, load_workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font
from openpyxl.utils.exceptions import InvalidFileException

from shared.platforms.reasons import Words

BYTES_MAX: Final = 5 << 20
ROWS_MAX: Final = 5_000
COLUMNS_MAX: Final = 64
CELL_MAX: Final = 2_000
_UNPACKED_MAX: Final = 64 << 20
_PARTS_MAX: Final = 500
_ZIP: Final = b"PK\x03\x04"
_OLD_EXCEL: Final = b"\xd0\xcf\x11\xe0"
_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")
_DELIMITERS: Final = ",;\t"
# What a spreadsheet takes for the beginning of a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_QUOTE: Final = "'"

Row = tuple[int, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Wrong(Exception):
    """What is wrong, and what to do about it."""

    problem: Words
    action: Words
    line: int | None = None


def read_table(raw: bytes) -> list[Row]:
    """Rows that hold something, with their line numbers as the program shows them.

    Raises Wrong for what is no table that can be read, or too large.
    """
    if raw.startswith(_OLD_EXCEL):
        raise Wrong(
            Words("这是旧版 Excel 文件(.xls)", "this is a file of old Excel (.xls)"),
            Words("另存为 .xlsx 或 CSV 再上传", "save it as .xlsx or CSV and send that"),
        )
    rows = _sheet_rows(raw) if raw.startswith(_ZIP) else _csv_rows(raw)
    kept: list[Row] = []
    for number, cells in rows:
        texts = [unguarded(cell.strip()) for cell in cells]
        if not any(texts):
            continue
        _must_fit(number, texts, len(kept))
        kept.append((number, texts))
    return kept


def _must_fit(number: int, cells: Sequence[str], before: int) -> None:
    # The first is the header.
    if before > ROWS_MAX:
        raise Wrong(
            Words(f"超过 {ROWS_MAX} 行", f"more than {ROWS_MAX} rows"),
            Words("分成几个文件上传", "send it in several files"),
            line=number,
        )
    if len(cells) > COLUMNS_MAX or any(len(cell) > CELL_MAX for cell in cells):
        raise Wrong(
            Words(
                f"超过 {COLUMNS_MAX} 列,或有一格超过 {CELL_MAX} 字",
                f"more than {COLUMNS_MAX} columns, or a cell of more than {CELL_MAX} characters",
            ),
            Words("用导出的文件作模板", "take an exported file as the pattern"),
            line=number,
        )


def _csv_rows(raw: bytes) -> Iterator[Row]:
    text = decoded(raw)
    header = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            yield reader.line_num, cells
    except csv.Error:
        raise Wrong(
            Words("引号没有成对", "a quotation mark is not closed"),
            Words("补上引号,或用 Excel 重新保存", "close it, or save the file anew from Excel"),
            line=reader.line_num,
        ) from None


def decoded(raw: bytes) -> str:
    """UTF-8 with or without its mark, UTF-16 with its mark, or GBK as Chinese Excel writes it."""
    encoding = "utf-16" if raw.startswith(_UTF16) else "utf-8-sig"
    for each in (encoding, "gb18030"):
        try:
            text = raw.decode(each)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text
    raise Wrong(
        Words("认不出文件的编码", "the encoding of the file is not known"),
        Words("在 Excel 里另存为「CSV UTF-8」", "save it from Excel as CSV UTF-8"),
    )


def _sheet_rows(raw: bytes) -> Iterator[Row]:
    _must_unpack(raw)
    try:
        book = load_workbook(io.BytesIO(raw), read_only=True, data_only=True)
        sheet = book.worksheets[0]
        # What the file says of its own size may be a lie in either direction.
        sheet.reset_dimensions()
        rows = sheet.iter_rows(values_only=True, max_col=COLUMNS_MAX + 1)
        for number, cells in enumerate(rows, start=1):
            yield number, _texts(cells)
    except Wrong:
        raise
    except (InvalidFileException, KeyError, ValueError, IndexError, TypeError, OSError) as error:
        raise _no_workbook() from error
    except Exception as error:
        # Its XML is read by a parser whose errors have no common class.
        raise _no_workbook() from error


def _must_unpack(raw: bytes) -> None:
    """Refuse a bomb before anything of it is unpacked."""
    try:
        parts = zipfile.ZipFile(io.BytesIO(raw)).infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise _no_workbook() from error
    if len(parts) > _PARTS_MAX or sum(part.file_size for part in parts) > _UNPACKED_MAX:
        raise Wrong(
            Words("文件解开以后太大", "the file is too large once unpacked"),
            Words("只留下商品那一页,去掉图片", "keep only the sheet of products, without pictures"),
        )


def _no_workbook() -> Wrong:
    return Wrong(
        Words("不是可读的 Excel 文件", "this is no Excel file that can be read"),
        Words("用 Excel 打开,另存为 .xlsx 再上传", "open it in Excel, save it as .xlsx, send that"),
    )


def _texts(cells: Sequence[object]) -> list[str]:
    """Without the empty cells at the end."""
    texts = [_text(cell) for cell in cells]
    while texts and not texts[-1]:
        texts.pop()
    return texts


def _text(cell: object) -> str:
    match cell:
        case None:
            return ""
        case bool():
            return "yes" if cell else "no"
        case float():
            return str(int(cell)) if cell.is_integer() else repr(cell)
        case datetime():
            midnight = cell.time() == time()
            return cell.date().isoformat() if midnight else cell.isoformat(" ", "seconds")
        case date() | time():
            return cell.isoformat()
        case _:
            return str(cell).replace("\x00", "")


def guarded(text: str) -> str:
    """So that no spreadsheet takes it for a formula."""
    return _QUOTE + text if text.startswith(_FORMULA) else text


def unguarded(text: str) -> str:
    return text[1:] if text.startswith(_QUOTE) and text[1:].startswith(_FORMULA) else text


def write_csv(header: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    """With the mark by which Excel knows UTF-8."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(header)
    writer.writerows([guarded(cell) for cell in row] for row in rows)
    return out.getvalue().encode("utf-8-sig")


def write_sheet(header: Sequence[str], rows: Sequence[Sequence[str]], *, title: str) -> bytes:
    """Every cell is text: what begins like a formula is none."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(title)
    sheet.freeze_panes = "A2"
    bold = Font(bold=True)
    names = []
    for name in header:
        cell = WriteOnlyCell(sheet, value=name)
        cell.font = bold
        names.append(cell)
    sheet.append(names)
    for row in rows:
        cells = []
        for text in row:
            cell = WriteOnlyCell(sheet, value=text)
            cell.data_type = "s"
            cells.append(cell)
        sheet.append(cells)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
