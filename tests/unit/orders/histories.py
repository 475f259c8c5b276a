"""Lives of orders as a platform would live them, and what is heard of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID, uuid5

from services.orders.domain.facts import Fact
from shared.contracts.observations import ObservationKind, Source
from shared.contracts.orders import CouponState, OrderState

START = datetime(2026, 11, 21, 4, 0, 0, tzinfo=UTC)
_NAMESPACE = UUID(int=7)
_K, _C = ObservationKind, CouponState


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def a_fact(
    kind: ObservationKind,
    coupon_id: str | None = None,
    *,
    seconds: float = 0,
    source: Source = Source.WEBHOOK,
    number: int = 0,
    coupon_count: int | None = None,
    refund_amount_fen: int | None = None,
    pay_amount_fen: int | None = None,
    refund_id: str | None = None,
) -> Fact:
    """The same arguments are the same fact; `number` tells apart what is said twice."""
    name = f"{kind}/{coupon_id}/{seconds}/{source}/{number}/{coupon_count}/{refund_amount_fen}"
    name += f"/{refund_id}"
    return Fact(
        uuid5(_NAMESPACE, name),
        kind,
        source,
        coupon_id,
        at(seconds),
        coupon_count=coupon_count,
        refund_amount_fen=refund_amount_fen,
        pay_amount_fen=pay_amount_fen,
        refund_id=refund_id,
    )


# What the platform lets happen to a coupon: the fact it may send, and the state after it.
MOVES: dict[CouponState, tuple[tuple[ObservationKind, CouponState], ...]] = {
    _C.AVAILABLE: (
        (_K.COUPON_REDEEMED, _C.REDEEMED),
        (_K.COUPON_REDEEMED, _C.REDEEMED),
        (_K.COUPON_REFUNDING, _C.REFUNDING),
    ),
    _C.REDEEMED: ((_K.COUPON_REDEMPTION_CANCELLED, _C.AVAILABLE),),
    _C.REFUNDING: (
        (_K.COUPON_REFUNDED, _C.REFUNDED),
        (_K.COUPON_REFUND_REJECTED, _C.AVAILABLE),
    ),
    _C.REFUNDED: (),
    _C.CLOSED: (),
}
READ_AS: dict[CouponState, ObservationKind] = {
    _C.AVAILABLE: _K.COUPON_AVAILABLE,
    _C.REDEEMED: _K.COUPON_REDEEMED,
    _C.REFUNDING: _K.COUPON_REFUNDING,
    _C.REFUNDED: _K.COUPON_REFUNDED,
    _C.CLOSED: _K.COUPON_CLOSED,
}


@dataclass
class Life:
    """One order at the platform. `told` is what it sends, `read` what it answers when asked."""

    random: Random
    # 0 lets much happen within one second.
    seconds_between: int
    seconds: int = 0
    order: ObservationKind = _K.ORDER_CREATED
    coupons: dict[str, CouponState] = field(default_factory=dict)
    told: list[Fact] = field(default_factory=list)
    read: list[Fact] = field(default_factory=list)

    def live(self) -> None:
        self.told.append(a_fact(_K.ORDER_CREATED))
        if self.random.random() < 0.1:
            self._pass_time()
            self._tell(_K.ORDER_CLOSED)
        elif self.random.random() < 0.95:
            self._pay()
        self._pass_time(at_least=1)
        self.ask()

    def ask(self) -> None:
        """What an order query would answer at this moment."""
        count = len(self.coupons) or None
        kinds = [self.order]
        if self.order is _K.ORDER_SETTLED:
            kinds.insert(0, _K.ORDER_PAID)
        for kind in kinds:
            self._read(kind, coupon_count=count)
        for coupon_id, state in self.coupons.items():
            self._read(READ_AS[state], coupon_id)

    def _pay(self) -> None:
        self._pass_time()
        self._tell(_K.ORDER_PAID)
        for number in range(self.random.randint(1, 3)):
            self.coupons[f"c{number}"] = _C.AVAILABLE
        for _ in range(self.random.randint(0, 6)):
            self._pass_time()
            if self.random.random() < 0.2:
                self.ask()
                continue
            self._move(self.random.choice(list(self.coupons)))
        if self.random.random() < 0.2 and set(self.coupons.values()) == {_C.REDEEMED}:
            self._pass_time()
            self._tell(_K.ORDER_SETTLED)

    def _move(self, coupon_id: str) -> None:
        moves = MOVES[self.coupons[coupon_id]]
        if moves:
            kind, self.coupons[coupon_id] = self.random.choice(moves)
            self.told.append(a_fact(kind, coupon_id, seconds=self.seconds))

    def _tell(self, kind: ObservationKind) -> None:
        self.order = kind
        self.told.append(a_fact(kind, seconds=self.seconds))

    def _read(
        self,
        kind: ObservationKind,
        coupon_id: str | None = None,
        *,
        coupon_count: int | None = None,
    ) -> None:
        self.read.append(
            a_fact(
                kind,
                coupon_id,
                seconds=self.seconds,
                source=Source.QUERY,
                coupon_count=coupon_count,
            )
        )

    def _pass_time(self, *, at_least: int = 0) -> None:
        self.seconds += max(self.random.randint(0, 2), self.seconds_between, at_least)

    @property
    def state(self) -> OrderState:
        """What a person who saw it all would call the order."""
        states = list(self.coupons.values())
        if self.order in {_K.ORDER_CREATED, _K.ORDER_CLOSED, _K.ORDER_SETTLED}:
            return OrderState(self.order.value.removeprefix("order_"))
        if _C.REFUNDING in states:
            return OrderState.REFUNDING
        if _C.REFUNDED in states:
            whole = set(states) == {_C.REFUNDED}
            return OrderState.REFUNDED if whole else OrderState.PARTLY_REFUNDED
        if _C.REDEEMED in states:
            whole = set(states) == {_C.REDEEMED}
            return OrderState.REDEEMED if whole else OrderState.PARTLY_REDEEMED
        return OrderState.PAID


def a_life(seed: int, *, seconds_between: int = 0) -> Life:
    life = Life(Random(seed), seconds_between)
    life.live()
    return life


def heard(life: Life, *, doubled: bool = True) -> list[Fact]:
    """All that could be heard, some of it twice, in any order."""
    facts = [*life.told, *life.read]
    if doubled:
        facts += life.random.sample(facts, k=len(facts) // 3)
    life.random.shuffle(facts)
    return facts


def in_batches(facts: Sequence[Fact], random: Random) -> list[list[Fact]]:
    batches: list[list[Fact]] = [[]]
    for fact in facts:
        if batches[-1] and random.random() < 0.5:
            batches.append([])
        batches[-1].append(fact)
    return batches
