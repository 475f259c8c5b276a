"""Who orders what and when, what becomes of it: all decided by the seed before anything is sent."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from deploy.cli.simulation.scenario import Curve, Product, Scenario

# Of those who do not pay at once, how many do in the end.
_PAYS_LATE_SHARE = 0.5
# Of the refunds, how many are asked for at the very moment the coupon is scanned.
_BAD_MOMENT_SHARE = 0.3
# Of those who scan twice, how many do so at two tills at once.
_RACE_SHARE = 0.5
# Of what was taken back, how many come again.
_AGAIN_SHARE = 0.5
_SHORTEST_WAIT_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Visit:
    """A customer at a counter with coupons of one order."""

    at_seconds: float
    # Which of the order's coupons are handed over.
    places: tuple[int, ...]
    rescans: bool = False
    # The second scan goes to another till at the same moment.
    races: bool = False
    cancels: bool = False
    comes_again: bool = False
    # Somebody asks for the money back while the till is scanning.
    refund_meanwhile: bool = False
    # Which of link, code … the customer shows.
    form: int = 0


@dataclass(frozen=True, slots=True)
class Customer:
    reference: str
    account_id: str
    order: dict[str, Any]
    at_seconds: float
    pays_late_at_seconds: float | None
    visits: tuple[Visit, ...]
    # Moments and places of coupons that are given back unused.
    refunds: tuple[tuple[float, int], ...]


@dataclass(frozen=True, slots=True)
class Sold:
    """What one merchant sells in this run."""

    account_id: str
    weight: float


def plan_customers(
    scenario: Scenario,
    sold: Sequence[Sold],
    *,
    orders: int,
    duration_seconds: float,
    seed: int,
    run: str,
) -> list[Customer]:
    """In the order of their arrival."""
    random = Random(seed)  # noqa: S311 - the same day again, not a secret
    arrivals = Curve(scenario.arrivals)
    moments = sorted(arrivals.moment(random) * duration_seconds for _ in range(orders))
    planner = _Planner(scenario, sold, duration_seconds, random, run)
    return [planner.customer(number, moment) for number, moment in enumerate(moments)]


class _Planner:
    def __init__(
        self,
        scenario: Scenario,
        sold: Sequence[Sold],
        duration_seconds: float,
        random: Random,
        run: str,
    ) -> None:
        self._scenario = scenario
        self._sold = sold
        self._duration_seconds = duration_seconds
        self._random = random
        self._run = run
        self._redemptions = Curve(scenario.redemptions.curve)

    def customer(self, number: int, at_seconds: float) -> Customer:
        random, scenario = self._random, self._scenario
        seller = random.choices(self._sold, [one.weight for one in self._sold])[0]
        weights = [product.weight for product in scenario.products]
        product = random.choices(scenario.products, weights)[0]
        extra = random.random() < scenario.multi_coupon_share
        count = product.coupons_per_order + int(extra)
        pays = random.random() >= scenario.unpaid_share
        late = not pays and random.random() < _PAYS_LATE_SHARE
        paid_at = at_seconds + (random.uniform(1, 5) if late else 0)
        visits, refunds = self._coupons(count, paid_at) if pays or late else ((), ())
        return Customer(
            reference=f"{self._run}-{number}",
            account_id=seller.account_id,
            order=_order(product, count, paid=pays),
            at_seconds=at_seconds,
            pays_late_at_seconds=paid_at if late else None,
            visits=visits,
            refunds=refunds,
        )

    def _coupons(
        self, count: int, from_seconds: float
    ) -> tuple[tuple[Visit, ...], tuple[tuple[float, int], ...]]:
        """Coupons of one order are mostly used together, some of them left or given back."""
        random, rules = self._random, self._scenario
        used = [
            place for place in range(count) if random.random() < rules.redemptions.share_of_coupons
        ]
        refunds: list[tuple[float, int]] = []
        refund_meanwhile = False
        for place in range(count):
            if random.random() >= rules.refunds.share_of_coupons:
                continue
            if place in used:
                refund_meanwhile |= random.random() < _BAD_MOMENT_SHARE
                continue
            share = random.uniform(rules.refunds.earliest_share, rules.refunds.latest_share)
            refunds.append((from_seconds + share * self._duration_seconds, place))
        visits = tuple(self._visits(used, from_seconds, refund_meanwhile=refund_meanwhile))
        return visits, tuple(refunds)

    def _visits(
        self, used: Sequence[int], from_seconds: float, *, refund_meanwhile: bool
    ) -> Iterator[Visit]:
        if not used:
            return
        random, rules = self._random, self._scenario.redemptions
        split = len(used) > 1 and random.random() < 0.3  # noqa: PLR2004 - some come twice
        for places in (used[:1], used[1:]) if split else (used,):
            rescans = random.random() < rules.rescan_share
            cancels = random.random() < rules.cancel_share
            yield Visit(
                at_seconds=self._visit_moment(from_seconds),
                places=tuple(places),
                rescans=rescans,
                races=rescans and random.random() < _RACE_SHARE,
                cancels=cancels,
                comes_again=cancels and random.random() < _AGAIN_SHARE,
                refund_meanwhile=refund_meanwhile,
                form=random.randrange(3),
            )

    def _visit_moment(self, from_seconds: float) -> float:
        moment = self._redemptions.moment(self._random) * self._duration_seconds
        if moment > from_seconds + _SHORTEST_WAIT_SECONDS:
            return moment
        rest = max(_SHORTEST_WAIT_SECONDS * 4, self._duration_seconds - from_seconds)
        return from_seconds + _SHORTEST_WAIT_SECONDS + self._random.random() * rest


def _order(product: Product, count: int, *, paid: bool) -> dict[str, Any]:
    return {
        "sku": {
            "title": product.title_zh,
            "price_fen": product.price_fen // product.coupons_per_order,
            "groupon_type": product.groupon_type,
        },
        "count": count,
        "pay_amount_fen": product.pay_fen * count // product.coupons_per_order,
        "paid": paid,
    }
