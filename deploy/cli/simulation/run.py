"""One rehearsal from beginning to end."""

import asyncio
import signal
from collections import Counter as Counts
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random
from typing import Any

from deploy.cli.demo import world
from deploy.cli.demo.seeding import Folder, ensure_terminals, seed
from deploy.cli.simulation import books
from deploy.cli.simulation.counter import Counter
from deploy.cli.simulation.display import Display, shown_regularly
from deploy.cli.simulation.listener import Listener, listening
from deploy.cli.simulation.plan import Customer, Sold, plan_customers
from deploy.cli.simulation.platform import Platform
from deploy.cli.simulation.record import Record, new_record
from deploy.cli.simulation.scenario import Scenario
from deploy.cli.simulation.settling import Settling
from deploy.cli.simulation.show import Show
from deploy.cli.simulation.tally import Tally
from deploy.cli.simulation.till import Till
from deploy.cli.simulation.verdict import Verdict, by_state, difference
from deploy.cli.system import Qiao

# In a rehearsal refunds and abandoned carts take seconds, so that their end is seen.
_PACE = {"refund_seconds": 3, "unpaid_seconds": 15}
_SLOWEST_PER_SECOND, _FASTEST_PER_SECOND = 20.0, 200.0
_USUAL_SECONDS = 30.0
_LISTENER_SECONDS = 15.0

# Any: JSON.
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Options:
    scenario: str
    orders: int | None
    rate_per_second: float | None
    faults: Json | str
    faults_text: str
    seed: int
    terminals: int
    settle_seconds: float


async def rehearse(qiao: Qiao, options: Options, display: Display) -> Verdict:
    platform = Platform(qiao)
    scenario = await platform.scenario(options.scenario)
    await seed(qiao)
    keys = await ensure_terminals(qiao, options.terminals)
    _end_like_ctrl_c_on_sigterm()
    with Folder.of(qiao).rehearsal():
        record = new_record(qiao)
        async with (
            _paced(platform),
            _with_faults(platform, options),
            listening(qiao.system.address("nats"), since=record.since) as listener,
        ):
            run = _Run(qiao, options, platform, record, listener, display)
            return await run.perform(scenario, [Till(key, qiao.session) for key in keys])


def _end_like_ctrl_c_on_sigterm() -> None:
    """So that faults and pace are put back, whoever ends the rehearsal."""
    rehearsal = asyncio.current_task()
    if rehearsal is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, rehearsal.cancel)


@dataclass(slots=True)
class _Run:
    qiao: Qiao
    options: Options
    platform: Platform
    record: Record
    listener: Listener
    display: Display

    async def perform(self, scenario: Scenario, tills: Sequence[Till]) -> Verdict:
        loop = asyncio.get_running_loop()
        # Others' customers come meanwhile: what is sent between the two may only be received more.
        deliveries_before = await self.record.delivery_counts()
        before = await self.platform.statistics()
        customers = self._customers(scenario, known_orders=sum(before["orders"].values()))
        visits = sum(len(customer.visits) for customer in customers)
        tally = Tally(orders_planned=len(customers), visits_planned=visits)
        verdict = self._new_verdict(scenario, customers)

        started = loop.time()
        async with shown_regularly(self.display, tally):
            show = Show(self.platform, self._counters(tills, tally), tally)
            await show.run(customers, other_events=self._other_events(scenario, customers))
        served = loop.time()
        settling = Settling(
            self.platform, self.record, tally, self.listener, [s.store_id for s in world.stores()]
        )
        verdict.still_waiting_for = await settling.wait(
            seconds=self.options.settle_seconds, show=self.display.wait_for
        )
        verdict.seconds = round(loop.time() - started, 1)
        verdict.catching_up_seconds = round(loop.time() - served, 1)

        self._note_tally(verdict, tally)
        self._note_settling(verdict, settling, tally)
        await self._note_platform(verdict, before)
        deliveries = await self.record.delivery_counts()
        verdict.deliveries = dict(difference(deliveries, deliveries_before))
        verdict.lost = await self.record.missing_deliveries(self.platform)
        verdict.dead_letters = await self.record.dead_letters()
        return verdict

    def _customers(self, scenario: Scenario, *, known_orders: int) -> list[Customer]:
        """The reference decides the faults: the same seed on a fresh system is the same day."""
        orders = self.options.orders or scenario.orders
        rate = self.options.rate_per_second or min(
            _FASTEST_PER_SECOND, max(_SLOWEST_PER_SECOND, orders / _USUAL_SECONDS)
        )
        sold = [
            Sold(merchant.account_id, len(merchant.stores))
            for merchant in world.MERCHANTS
            if merchant.account_id is not None and merchant.stores
        ]
        return plan_customers(
            scenario,
            sold,
            orders=orders,
            duration_seconds=orders / rate,
            seed=self.options.seed,
            run=f"{scenario.name}-{self.options.seed}-{known_orders}",
        )

    def _counters(self, tills: Sequence[Till], tally: Tally) -> dict[str, Counter]:
        random = Random(self.options.seed)  # noqa: S311 - the same day again, not a secret
        counters: dict[str, Counter] = {}
        for merchant in world.MERCHANTS:
            own = [till for till in tills if till.key.merchant == merchant.merchant]
            if merchant.account_id is not None and own:
                counters[merchant.account_id] = Counter(
                    own, self.platform, tally, self.qiao.session, random
                )
        return counters

    def _other_events(self, scenario: Scenario, customers: Sequence[Customer]) -> list[Json]:
        """What the platform says besides: nobody here acts on it, and nothing may be upset."""
        account_id = customers[0].account_id
        run = customers[0].reference.rpartition("-")[0]
        events: list[Json] = []
        for kind in scenario.other_events:
            content = dict(kind.content)
            if "account_id" in content:
                content["account_id"] = account_id
            for number in range(round(len(customers) * kind.per_thousand_orders / 1000)):
                reference = f"{run}-{kind.event}-{number}"
                events.append(
                    {
                        "account_id": account_id,
                        "event": kind.event,
                        "content": content,
                        "reference": reference,
                    }
                )
        return events

    def _new_verdict(self, scenario: Scenario, customers: Sequence[Customer]) -> Verdict:
        return Verdict(
            scenario=f"{scenario.title_zh} {scenario.name}",
            faults=self.options.faults_text,
            seed=self.options.seed,
            orders_placed=len(customers),
        )

    def _note_tally(self, verdict: Verdict, tally: Tally) -> None:
        verdict.redeemed, verdict.cancelled = tally.redeemed, tally.cancelled
        verdict.refunds, verdict.refused = dict(tally.refunds), dict(tally.refused)
        verdict.repeats, verdict.changed_answers = tally.repeats, tally.changed_answers
        verdict.events_heard = dict(sorted(self.listener.heard.items()))
        verdict.foreign_events = dict(self.listener.foreign)

    def _note_settling(self, verdict: Verdict, settling: Settling, tally: Tally) -> None:
        verdict.differing_orders = settling.differing
        verdict.unheard_orders = settling.unheard
        verdict.pending = settling.ledger.pending
        ours = [settling.orders.get(order_id) for order_id in settling.book]
        verdict.orders_by_state = by_state([one["state"] if one else "unknown" for one in ours])
        verdict.books_by_state = by_state([order["state"] for order in settling.book.values()])
        spent = books.valid_verifications(settling.book)
        twice = {coupon for coupon, times in (spent | settling.ledger.holds).items() if times > 1}
        verdict.spent_twice = sorted(twice | tally.spent_twice)
        verdict.ledger_differences = list(
            ledger_differences(spent, settling.ledger.holds, tally.held())
        )

    async def _note_platform(self, verdict: Verdict, before: Json) -> None:
        after = await self.platform.statistics()
        sent: Counts[str] = Counts()
        states: Counts[str] = Counts()
        for copy, counts in after["webhooks"].items():
            added = difference(counts, before["webhooks"].get(copy, {}))
            sent[copy] = sum(added.values()) - added["lost"]
            states.update(added if copy != "forged" else {})
            if copy == "forged":
                verdict.forgeries_accepted = added["acknowledged"]
        verdict.webhooks = {"sent": dict(sent), **states}
        verdict.faults_injected = dict(
            difference(after["faults_injected"], before["faults_injected"])
        )


def ledger_differences(
    spent: dict[str, int], holds: Counts[str], held: dict[str, Any]
) -> list[str]:
    """Platform, ledger and tills must name the same coupons as spent. Any: redemption ids."""
    found: list[str] = []
    for coupon_id in sorted(spent.keys() | holds.keys() | held.keys()):
        seen = (coupon_id in spent, holds[coupon_id] > 0, coupon_id in held)
        if len(set(seen)) > 1:
            names = zip(("平台 platform", "账 ledger", "终端 till"), seen, strict=True)
            words = ", ".join(f"{name} {'✓' if yes else '✗'}" for name, yes in names)
            found.append(f"券 coupon {coupon_id}: {words}")
    return found


@asynccontextmanager
async def _paced(platform: Platform) -> AsyncIterator[None]:
    usual = await platform.pace()
    await platform.set_pace(_PACE)
    try:
        yield
    finally:
        await platform.set_pace({name: usual[name] for name in _PACE})


@asynccontextmanager
async def _with_faults(platform: Platform, options: Options) -> AsyncIterator[None]:
    usual = await platform.faults()
    await platform.set_faults(options.faults, seed=options.seed)
    try:
        yield
    finally:
        await platform.set_faults(usual, seed=options.seed)
