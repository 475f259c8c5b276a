"""Files as people send them: what is read, what is refused, what is written."""

import io
import zipfile
from datetime import date, datetime

import pytest
from openpyxl import Workbook, load_workbook

from services.catalog.domain import tables
from services.catalog.domain.tables import Wrong, read_table, write_csv, write_sheet

ROWS = "商品编号,商品名\np1,双人餐\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_a_csv_is_read_in_each_encoding_that_excel_writes(encoding: str) -> None:
    assert read_table(ROWS.encode(encoding)) == [(1, ["商品编号", "商品名"]), (2, ["p1", "双人餐"])]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_csv_is_read_with_each_delimiter(delimiter: str) -> None:
    raw = f'a{delimiter}b\r\n"1{delimiter}\n2"{delimiter}3\r\n\r\n'.encode()
    assert read_table(raw) == [(1, ["a", "b"]), (3, [f"1{delimiter}\n2", "3"])]


@pytest.mark.parametrize(
    "raw",
    [
        b"\xd0\xcf\x11\xe0old excel",
        b"PK\x03\x04 no zip",
        b"a,b\x00",
        b'a,"b\n',
        b"\xff\xff\xff",
        b"a\n" + b"b\n" * (tables.ROWS_MAX + 1),
        b"a," * 100,
        b"x" * 3000,
    ],
)
def test_what_is_no_table_is_refused_with_words(raw: bytes) -> None:
    with pytest.raises(Wrong) as refused:
        read_table(raw)
    assert all((refused.value.problem.zh, refused.value.problem.en, refused.value.action.zh))


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("xl/workbook.xml", b"0" * (70 << 20))
    assert len(out.getvalue()) < 100_000
    with pytest.raises(Wrong, match="unpacked"):
        read_table(out.getvalue())


def test_an_entity_bomb_inside_a_workbook_is_refused() -> None:
    good = write_sheet(["a"], [["b"]], title="x")
    laughs = b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><x>&b;</x>'
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(good)) as source, zipfile.ZipFile(out, "w") as target:
        for name in source.namelist():
            target.writestr(name, laughs if name == "xl/workbook.xml" else source.read(name))
    with pytest.raises(Wrong):
        read_table(out.getvalue())


def test_a_sheet_is_read_as_a_person_sees_it() -> None:
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.append(["a", "b", "c", "d", "e"])
    sheet.append([])
    moment = datetime(2026, 11, 21, 10, 30)  # noqa: DTZ001 - sheets know no zones
    sheet.append([88, 9.9, moment, date(2026, 11, 21), True, None])
    out = io.BytesIO()
    book.save(out)
    assert read_table(out.getvalue()) == [
        (1, ["a", "b", "c", "d", "e"]),
        (3, ["88", "9.9", "2026-11-21 10:30:00", "2026-11-21", "yes"]),
    ]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "=cmd|' /C calc'!A0"])
def test_no_cell_that_is_written_is_a_formula(text: str) -> None:
    written = write_csv(["a"], [[text]])
    assert read_table(written)[1] == (2, [text])
    assert f"'{text}" in written.decode("utf-8-sig")
    sheet = write_sheet(["a"], [[text]], title="x")
    cell = load_workbook(io.BytesIO(sheet)).worksheets[0]["A2"]
    assert (cell.value, cell.data_type) == (text, "s")
    assert read_table(sheet)[1] == (2, [text])
