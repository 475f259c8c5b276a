"""Whatever comes late, twice or in another order: one set of observations, one state."""

from itertools import islice, permutations, product
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.orders.domain.changes import steps
from services.orders.domain.coupons import COUPON_KINDS
from services.orders.domain.facts import Fact
from services.orders.domain.orders import Snapshot, fold
from shared.contracts.observations import ObservationKind, Source
from shared.contracts.orders import OrderState
from tests.unit.orders.histories import a_fact, a_life, heard, in_batches

# 20,000 cases in all.
_FEW = settings(
    max_examples=2_000, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
_MANY = settings(_FEW, max_examples=4_500)
_SEEDS = st.integers(min_value=0, max_value=2**64)


def _fact(kind: ObservationKind, coupon: int, seconds: int, source: Source) -> Fact:
    coupon_id = f"c{coupon}" if kind in COUPON_KINDS else None
    count = 2 if source is Source.QUERY and coupon_id is None else None
    return a_fact(kind, coupon_id, seconds=seconds, source=source, coupon_count=count)


# Anything at all, sense or nonsense: refunds before payments, cancels after settlements.
_ANYTHING = tuple(
    _fact(kind, coupon, seconds, source)
    for kind, coupon, seconds, source in product(ObservationKind, range(2), range(4), Source)
)


@_FEW
@given(st.lists(st.sampled_from(_ANYTHING), min_size=1, max_size=4))
def test_every_permutation_of_a_small_history_gives_one_state(facts: list[Fact]) -> None:
    expected = fold(facts)
    assert all(fold(arrived) == expected for arrived in permutations(facts))
    assert fold([*facts, *facts]) == expected


@_MANY
@given(_SEEDS, st.integers(2, 5))
def test_every_permutation_of_any_nonsense_gives_one_state(seed: int, size: int) -> None:
    """The same again without Hypothesis's own choice of each fact, which is what costs."""
    facts = Random(seed).sample(_ANYTHING, k=size)
    expected = fold(facts)
    some = islice(permutations(facts), 1, None, 5)
    assert all(fold(arrived) == expected for arrived in some)


@_MANY
@given(_SEEDS)
def test_any_order_and_any_repetition_of_a_life_gives_one_state(seed: int) -> None:
    life = a_life(seed)
    expected = fold([*life.told, *life.read])
    for _ in range(4):
        assert fold(heard(life)) == expected


@_MANY
@given(_SEEDS)
def test_however_it_arrives_in_batches_the_versions_lead_to_one_snapshot(seed: int) -> None:
    life = a_life(seed)
    arrived = heard(life)
    known: Snapshot | None = None
    seen: list[Fact] = []
    said: list[str] = []
    for batch in in_batches(arrived, life.random):
        seen += batch
        after = fold(seen).snapshot
        taken = steps(known, after)
        assert not taken or taken[-1].snapshot == after
        assert taken or known == after
        for step in taken:
            assert step.previous_state is (known.state if known else None)
            known = step.snapshot
            said.append(step.event_type)
    assert known == fold(arrived).snapshot
    assert said.count("order.created") == 1
    assert said[0] == "order.created"
    assert said.count("order.paid") >= (1 if known.paid else 0)


@_MANY
@given(_SEEDS, st.integers(0, 100))
def test_asking_heals_whatever_never_arrived(seed: int, lost_percent: int) -> None:
    """The last reading alone, beside any part of the rest, gives what the platform knows."""
    life = a_life(seed, seconds_between=1)
    random = Random(seed)
    last = life.read[-1].occurred_at
    arrived = [
        fact
        for fact in heard(life, doubled=False)
        if fact.occurred_at == last or random.randrange(100) >= lost_percent
    ]
    view = fold(arrived)
    assert {one.coupon_id: one.state for one in view.snapshot.coupons} == life.coupons
    assert view.snapshot.state is life.state
    # A use whose taking back was lost, and then a refund: a person is asked, and rightly so.
    assert lost_percent or not view.snapshot.contradicted


def test_every_state_is_reached_by_some_life() -> None:
    reached = {a_life(seed).state for seed in range(400)}
    assert reached == set(OrderState)
