"""Rows become products, and each fault names its line, its column and what to do."""

from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.catalog.domain.columns import BY_KEY
from services.catalog.domain.sheets import draft_of, read_products
from services.catalog.domain.tables import Wrong
from shared.contracts.products import CodeOrigin, Days, Hours, ProductKind, RefundDecision

SHANGHAI = ZoneInfo("Asia/Shanghai")
HEADER = ["商品编号", "类型", "商品名", "售价"]
MEAL = ["p1", "团餐券", "双人餐", "88"]


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("kind", "次卡", ProductKind.TIMES_CARD),
        ("kind", "Voucher", ProductKind.VOUCHER),
        ("price", "¥1,088.50", 108850),
        ("price", "0", 0),
        ("stock", "不限", "unlimited"),
        ("stock", "1,000", 1000),
        ("sale_from", "2026/11/21", datetime(2026, 11, 21, tzinfo=SHANGHAI)),
        ("sale_to", "2026-11-21 10:30", datetime(2026, 11, 21, 10, 30, tzinfo=SHANGHAI)),
        ("valid_dates", "2026-1-2~2026-3-4", Days(first=date(2026, 1, 2), last=date(2026, 3, 4))),
        ("weekdays", "1-3,5", (1, 2, 3, 5)),
        ("weekdays", "周一、周三、周日", (1, 3, 7)),
        (
            "hours",
            "10:00-14:00;17-24",
            (
                Hours(start=time(10), end=time(14)),
                Hours(start=time(17), end=time(0)),
            ),
        ),
        (
            "blackouts",
            "2026-10-01至2026-10-07;2027-01-01",
            (
                Days(first=date(2026, 10, 1), last=date(2026, 10, 7)),
                Days(first=date(2027, 1, 1), last=date(2027, 1, 1)),
            ),
        ),
        ("stores", "s1;s2、s3", ("s1", "s2", "s3")),
        ("code_origin", "三方码", CodeOrigin.MERCHANT),
        ("refund_partly_used", "需审核", RefundDecision.ASK),
        ("published", "是", True),
    ],
)
def test_a_cell_is_read_as_people_write_it(key: str, text: str, value: Any) -> None:
    assert BY_KEY[key].read(text, SHANGHAI) == value


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("product_id", "商品"),
        ("product_id", "a b"),
        ("kind", "meals"),
        ("title", "x" * 201),
        ("price", "8.888"),
        ("price", "-1"),
        ("price", "NaN"),
        ("price", "1e99"),
        ("stock", "-1"),
        ("stock", "9" * 30),
        ("times", "0"),
        ("sale_from", "tomorrow"),
        ("valid_dates", "2026-03-04~2026-01-02"),
        ("valid_dates", "2026-13-01"),
        ("weekdays", "8"),
        ("weekdays", "5-1"),
        ("hours", "25:00-26:00"),
        ("blackouts", "1~2~3"),
        ("published", "maybe"),
    ],
)
def test_a_cell_that_cannot_be_meant_is_told_in_both_languages(key: str, text: str) -> None:
    with pytest.raises(Wrong) as wrong:
        BY_KEY[key].read(text, SHANGHAI)
    words = (wrong.value.problem, wrong.value.action)
    assert all(each.zh and each.en for each in words)


def test_lines_of_one_product_are_its_skus() -> None:
    header = [*HEADER, "规格编号", "规格名", "库存"]
    rows = [
        (1, header),
        (2, [*MEAL, "a", "小份", "5"]),
        (4, ["p1", "", "", "99", "b", "大份"]),
    ]
    reading = read_products(rows, zone=SHANGHAI)
    assert (reading.faults, reading.rows) == ([], 2)
    (product,) = reading.products
    draft = draft_of(product, None)
    assert [(sku.sku_id, sku.title, sku.price_fen) for sku in draft.skus] == [
        ("a", "小份", 8800),
        ("b", "大份", 9900),
    ]
    assert product.skus[0].values["stock"] == 5
    assert product.skus[1].values["stock"] is None


def test_every_fault_is_told_at_once_with_its_line_and_column() -> None:
    rows = [
        (1, HEADER),
        (2, ["p1", "meal", "x", "free"]),
        (3, ["", "what", "x", "1"]),
        (4, ["p4", "meal", "", ""]),
        (5, ["p5", "meal", "five", "5"]),
        (6, ["p5", "voucher", "five", "5"]),
    ]
    reading = read_products(rows, zone=SHANGHAI)
    told = [(fault["line"], fault["column"], fault["value"]) for fault in reading.faults]
    assert told == [
        (2, "售价", "free"),
        (3, "类型", "what"),
        (3, "商品编号", None),
        (4, "商品名", None),
        (4, "售价", None),
        (6, "类型", None),
    ]


@pytest.mark.parametrize(
    ("header", "column"),
    [
        (["商品编号", "类型", "商品名"], "price"),
        ([*HEADER, "颜色"], "颜色"),
        ([*HEADER, "price"], "price"),
        ([], None),
    ],
)
def test_a_header_that_cannot_be_used_is_told(header: list[str], column: str | None) -> None:
    rows = [(1, header), (2, MEAL)] if header else []
    reading = read_products(rows, zone=SHANGHAI)
    assert [fault["column"] for fault in reading.faults] == [column]
    assert reading.products == []
