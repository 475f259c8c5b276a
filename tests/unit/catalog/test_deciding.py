"""Which orders can be had: each refusal in its place, and never more than there is."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.catalog.domain.deciding import (
    Bucket,
    BuyerName,
    Counters,
    StockName,
    decide,
    digest_of,
)
from services.catalog.domain.products import Wanted
from shared.contracts.asks import OrderRefusal
from shared.contracts.products import ProductState, StockBy
from tests.unit.catalog.builders import BUYER, NOW, an_ask, an_offer, nothing_left, offers

_DAY = date(2026, 12, 24)


def _stock(left: int | None, *, sku_key: int = 1) -> dict[StockName, Bucket]:
    return {StockName(sku_key, None, None): Bucket(stock_key=sku_key, left=left)}


@pytest.mark.parametrize(
    ("refusal", "offer", "line"),
    [
        (None, {}, {}),
        (None, {"sale_from": NOW, "sale_to": NOW + timedelta(seconds=1)}, {"price_fen": 990}),
        (OrderRefusal.PRODUCT_UNKNOWN, {}, {"third_sku_id": "coffee"}),
        (OrderRefusal.PRODUCT_UNKNOWN, {}, {"third_sku_id": None, "platform_sku_id": "tea-1"}),
        (OrderRefusal.PRODUCT_UNKNOWN, {}, {"third_sku_id": None}),
        (OrderRefusal.OFF_SHELF, {"state": ProductState.IN_AUDIT}, {}),
        (OrderRefusal.OFF_SHELF, {"wanted": Wanted.OFF_SHELF}, {}),
        (OrderRefusal.NOT_YET_ON_SALE, {"sale_from": NOW + timedelta(seconds=1)}, {}),
        (OrderRefusal.SALE_ENDED, {"sale_to": NOW}, {}),
        (OrderRefusal.PRICE_CHANGED, {}, {"price_fen": 991}),
        (OrderRefusal.OVER_LIMIT, {"per_buyer_max": 2}, {"count": 3}),
        (OrderRefusal.SOLD_OUT, {}, {"count": 6}),
        (OrderRefusal.OTHER, {"stock_by": StockBy.DAY}, {}),
        (OrderRefusal.OTHER, {"stock_by": StockBy.SLOT}, {"day": _DAY}),
    ],
)
def test_an_order_is_refused_for_the_first_thing_that_is_wrong(
    refusal: OrderRefusal | None, offer: dict[str, Any], line: dict[str, Any]
) -> None:
    known, counters = offers(an_offer(**offer)), Counters(stock=_stock(5), takings={})
    assert decide(an_ask(line), known, counters, now=NOW).refusal is refusal


@pytest.mark.parametrize(
    ("ordered_after", "refusal"),
    [(0.5, None), (-0.5, OrderRefusal.NOT_YET_ON_SALE), (3600, None)],
)
def test_an_order_that_its_platform_dates_inside_the_sale_belongs_to_it(
    ordered_after: float, refusal: OrderRefusal | None
) -> None:
    """Our clock is a little behind; but nobody buys an hour ahead by saying so."""
    begins = NOW + timedelta(seconds=1)
    known = offers(an_offer(sale_from=begins))
    ask = an_ask(ordered_at=begins + timedelta(seconds=ordered_after))
    assert decide(ask, known, Counters(_stock(5), {}), now=NOW).refusal is refusal
    early = begins - timedelta(hours=1)
    assert decide(ask, known, Counters(_stock(5), {}), now=early).refusal is (
        OrderRefusal.NOT_YET_ON_SALE
    )


def test_what_nobody_counted_is_sold_out_and_what_is_without_limit_never_is() -> None:
    known = offers(an_offer())
    assert decide(an_ask(), known, nothing_left(), now=NOW).refusal is OrderRefusal.SOLD_OUT
    unlimited = Counters(_stock(None), {})
    assert decide(an_ask({"count": 1000}), known, unlimited, now=NOW).refusal is None


def test_a_buyer_s_pieces_of_all_skus_and_orders_count_together() -> None:
    known = offers(an_offer(1, per_buyer_max=4), an_offer(2, per_buyer_max=4))
    counters = Counters(stock=_stock(9) | _stock(9, sku_key=2), takings={BuyerName(1, BUYER): 1})
    both = an_ask({"count": 1}, {"third_sku_id": "tea-2", "count": 2})
    assert decide(both, known, counters, now=NOW).refusal is None
    assert decide(an_ask(), known, counters, now=NOW).refusal is OrderRefusal.OVER_LIMIT
    assert decide(an_ask(buyer="another"), known, counters, now=NOW).refusal is None


def test_one_sku_on_two_lines_is_counted_together() -> None:
    known, counters = offers(an_offer()), Counters(_stock(3), {})
    twice = an_ask({"count": 2}, {"count": 2})
    assert decide(twice, known, counters, now=NOW).refusal is OrderRefusal.SOLD_OUT
    assert counters.stock[StockName(1, None, None)].taken == 0


@given(
    left=st.lists(st.integers(0, 12), min_size=3, max_size=3),
    limit=st.integers(1, 6) | st.none(),
    orders=st.lists(
        st.tuples(
            st.sampled_from("abc"),
            st.lists(st.tuples(st.integers(1, 3), st.integers(1, 4)), min_size=1, max_size=4),
        ),
        max_size=30,
    ),
)
def test_no_batch_takes_more_than_there_is_or_gives_a_buyer_too_much(
    left: list[int], limit: int | None, orders: list[tuple[str, list[tuple[int, int]]]]
) -> None:
    known = offers(*(an_offer(key, per_buyer_max=limit) for key in (1, 2, 3)))
    stock = {
        StockName(key, None, None): Bucket(stock_key=key, left=left[key - 1]) for key in (1, 2, 3)
    }
    counters = Counters(stock=stock, takings={})
    taken, bought = dict.fromkeys((1, 2, 3), 0), dict.fromkeys("abc", 0)
    for buyer, lines in orders:
        written = [{"third_sku_id": f"tea-{key}", "count": count} for key, count in lines]
        decision = decide(an_ask(*written, buyer=buyer), known, counters, now=NOW)
        assert (decision.refusal is None) == (len(decision.takes) == len(lines))
        for take in decision.takes:
            taken[take.stock_key] += take.count
            bought[buyer] += take.count
    assert taken == {bucket.stock_key: bucket.taken for bucket in stock.values()}
    assert all(taken[key] <= left[key - 1] for key in taken)
    assert limit is None or all(number <= limit for number in bought.values())


def test_the_same_order_told_differently_is_the_same() -> None:
    first = an_ask({"count": 1}, {"third_sku_id": "tea-2"}, pay_amount_fen=5)
    told = an_ask({"third_sku_id": "tea-2"}, {"count": 1}, ordered_at=NOW + timedelta(seconds=9))
    assert digest_of(first) == digest_of(told)
    assert digest_of(first) != digest_of(an_ask({"count": 2}, {"third_sku_id": "tea-2"}))
