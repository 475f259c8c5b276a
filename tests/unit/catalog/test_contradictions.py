"""What cannot be meant of a product, each rule by itself."""

from typing import Any

import pytest
from pydantic import ValidationError

from services.catalog.domain.contradictions import contradictions
from services.catalog.domain.products import ProductDraft
from shared.contracts.products import ProductKind, Restock
from tests.unit.catalog.builders import content

_DATES = {"first": "2026-12-01", "last": "2026-12-31"}
_SUNDAY = {"first": "2026-12-06", "last": "2026-12-06"}


@pytest.mark.parametrize(
    ("kind", "sku", "members"),
    [
        ("meal", {}, {"usage": {"dates": _DATES}, "sale_to": "2026-12-31T15:59:59Z"}),
        ("meal", {}, {"usage": {"hours": [{"start": "22:00", "end": "02:00"}]}}),
        ("voucher", {"price_fen": 0, "original_price_fen": 3000}, {}),
        ("times_card", {"times": 10}, {"usage": {"period_days": 7, "uses_per_period": 2}}),
        ("ticket", {"admits": 3, "stock_by": "day"}, {"usage": {"dates": _DATES}}),
        ("ticket", {"stock_by": "slot"}, {}),
        ("course", {}, {"usage": {"days_after_purchase": 365}}),
    ],
)
def test_products_of_each_kind_can_be_sold(
    kind: str, sku: dict[str, Any], members: dict[str, Any]
) -> None:
    assert contradictions(content(kind, sku, **members)) == ()


@pytest.mark.parametrize(
    ("member", "kind", "sku", "members"),
    [
        ("sale_to", "meal", {}, {"sale_from": "2026-12-02T00:00Z", "sale_to": "2026-12-02T00:00Z"}),
        ("sale_to", "meal", {}, {"usage": {"dates": _DATES}, "sale_to": "2027-01-03T00:00Z"}),
        ("sale_from", "meal", {}, {"usage": {"dates": _DATES}, "sale_from": "2027-01-03T00:00Z"}),
        (
            "usage.days_after_purchase",
            "meal",
            {},
            {"usage": {"dates": _DATES, "days_after_purchase": 3}},
        ),
        ("usage.dates", "meal", {}, {"usage": {"dates": {**_DATES, "last": "2026-11-30"}}}),
        ("usage.dates", "meal", {}, {"usage": {"dates": _SUNDAY, "weekdays": [1]}}),
        ("usage.dates", "meal", {}, {"usage": {"dates": _DATES, "blackouts": [_DATES]}}),
        ("usage.weekdays", "meal", {}, {"usage": {"weekdays": [1, 1]}}),
        ("usage.store_ids", "meal", {}, {"usage": {"store_ids": []}}),
        ("usage.store_ids", "meal", {}, {"usage": {"store_ids": ["a", "a"]}}),
        (
            "usage.blackouts.0",
            "meal",
            {},
            {"usage": {"blackouts": [{"first": "2026-12-02", "last": "2026-12-01"}]}},
        ),
        ("usage.hours.0", "meal", {}, {"usage": {"hours": [{"start": "09:00", "end": "09:00"}]}}),
        ("usage.hours.0", "meal", {}, {"usage": {"hours": [{"start": "09:00Z", "end": "10:00Z"}]}}),
        (
            "usage.hours",
            "meal",
            {},
            {
                "usage": {
                    "hours": [
                        {"start": "09:00", "end": "12:00"},
                        {"start": "11:59", "end": "13:00"},
                    ]
                }
            },
        ),
        (
            "usage.hours",
            "meal",
            {},
            {
                "usage": {
                    "hours": [
                        {"start": "22:00", "end": "10:00"},
                        {"start": "09:00", "end": "11:00"},
                    ]
                }
            },
        ),
        ("skus.0.times", "times_card", {}, {}),
        ("skus.0.times", "meal", {"times": 2}, {}),
        ("usage.uses_per_day", "meal", {}, {"usage": {"uses_per_day": 1}}),
        ("usage.period_days", "times_card", {"times": 5}, {"usage": {"period_days": 7}}),
        ("skus.0.admits", "meal", {"admits": 2}, {}),
        ("skus.0.stock_by", "voucher", {"stock_by": "day"}, {}),
        ("skus.0.stock_by", "ticket", {"stock_by": "day"}, {"usage": {"days_after_purchase": 3}}),
        ("usage.store_ids", "course", {}, {"usage": {"store_ids": ["a"]}}),
        ("usage.hours", "course", {}, {"usage": {"hours": [{"start": "09:00", "end": "10:00"}]}}),
        ("skus.0.original_price_fen", "meal", {"original_price_fen": 989}, {}),
        ("skus.0.original_price_fen", "voucher", {"price_fen": 0, "original_price_fen": 0}, {}),
        ("skus.0.usage.weekdays", "meal", {"usage": {"weekdays": [2, 2]}}, {}),
    ],
)
def test_a_rule_that_contradicts_another_is_named(
    member: str, kind: str, sku: dict[str, Any], members: dict[str, Any]
) -> None:
    assert [found.member for found in contradictions(content(kind, sku, **members))] == [member]


@pytest.mark.parametrize(
    "members",
    [
        {"skus": []},
        {"skus": [{"sku_id": "a", "title": "x", "price_fen": 1}] * 2},
        {"skus": [{"title": "x", "price_fen": -1}]},
        {"title": "two\nlines"},
        {"tittle": "mistyped"},
        {"usage": {"weekdays": [0]}},
        {"usage": {"weekday": [1]}},
        {"sale_from": "2026-12-01T00:00:00"},
        {"per_buyer_max": 0},
    ],
)
def test_what_no_product_can_be_is_unreadable(members: dict[str, Any]) -> None:
    good = {"kind": "meal", "title": "x", "skus": [{"title": "x", "price_fen": 1}]}
    ProductDraft.model_validate(good)
    with pytest.raises(ValidationError):
        ProductDraft.model_validate(good | members)


def test_refunded_tickets_are_sold_again_before_their_day_and_others_never() -> None:
    usual = {kind: content(kind, {"times": 2} if "card" in kind else {}) for kind in ProductKind}
    assert {kind: one.restock_on_refund for kind, one in usual.items()} == {
        kind: Restock.BEFORE_DAY if kind is ProductKind.TICKET else Restock.NEVER
        for kind in ProductKind
    }
    assert content("meal", restock_on_refund="always").restock_on_refund is Restock.ALWAYS
