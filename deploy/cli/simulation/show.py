"""Lets the planned customers come: they order, pay, want their money back, and come to stores."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deploy.cli import problems
from deploy.cli.simulation.agenda import Agenda
from deploy.cli.simulation.counter import Counter, Handed, refund
from deploy.cli.simulation.plan import Customer, Visit
from deploy.cli.simulation.platform import Platform
from deploy.cli.simulation.tally import Tally
from deploy.cli.simulation.till import Till

_TICK_SECONDS = 0.05
_BATCH = 500
_COMES_AGAIN_AFTER_SECONDS = 1.0
# Then something is wrong with all of them, and the rest of the day would show nothing else.
_REFUSED_ALIKE_MAX = 200

# Any: JSON.
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Show:
    """`counters` by the merchant's account."""

    platform: Platform
    counters: Mapping[str, Counter]
    tally: Tally

    async def run(self, customers: Sequence[Customer], *, other_events: Sequence[Json]) -> None:
        """Returns when everybody has been served, however long services were away."""
        agendas: dict[str, Agenda[Handed]] = {account: Agenda() for account in self.counters}
        payments: Agenda[str] = Agenda()
        refunds: Agenda[str] = Agenda()
        async with asyncio.TaskGroup() as group:
            for account, counter in self.counters.items():
                for till in counter.tills:
                    group.create_task(self._attend(counter, till, agendas[account]))
            group.create_task(_in_batches(payments, self.platform.pay))
            group.create_task(_in_batches(refunds, self._refund))
            if other_events:
                await self.platform.announce(other_events)
            await self._let_come(customers, agendas, payments, refunds)
            await asyncio.gather(
                payments.close(), refunds.close(), *(one.close() for one in agendas.values())
            )

    async def _let_come(
        self,
        customers: Sequence[Customer],
        agendas: Mapping[str, Agenda[Handed]],
        payments: Agenda[str],
        refunds: Agenda[str],
    ) -> None:
        loop = asyncio.get_running_loop()
        started = loop.time()
        waiting = list(reversed(customers))
        while waiting:
            due: list[Customer] = []
            while waiting and len(due) < _BATCH and waiting[-1].at_seconds <= loop.time() - started:
                due.append(waiting.pop())
            if not due:
                await asyncio.sleep(_TICK_SECONDS)
                continue
            for customer, order in zip(due, await self._place(due), strict=True):
                await _expect(customer, order, started, agendas, payments, refunds)

    async def _place(self, customers: Sequence[Customer]) -> list[Json]:
        placed = await self.platform.place(
            [
                {
                    **customer.order,
                    "account_id": customer.account_id,
                    "reference": customer.reference,
                }
                for customer in customers
            ]
        )
        for order in placed:
            self.tally.placed[order["order_id"]] = order["reference"]
        return placed

    async def _attend(self, counter: Counter, till: Till, agenda: Agenda[Handed]) -> None:
        while (handed := await agenda.take()) is not None:
            try:
                again = await counter.serve(till, handed)
                self.tally.visits_done += 1
                reason = self.tally.always_refused_because(times=_REFUSED_ALIKE_MAX)
                if reason is not None:
                    raise problems.always_refused(reason, times=_REFUSED_ALIKE_MAX)
                if again:
                    moment = asyncio.get_running_loop().time() + _COMES_AGAIN_AFTER_SECONDS
                    self.tally.visits_planned += 1
                    visit = Visit(at_seconds=0, places=handed.visit.places)
                    await agenda.add(moment, Handed(handed.order_id, handed.coupons, visit))
            finally:
                await agenda.done()

    async def _refund(self, certificate_ids: Sequence[str]) -> None:
        await refund(self.platform, self.tally, certificate_ids)


async def _expect(
    customer: Customer,
    order: Json,
    started: float,
    agendas: Mapping[str, Agenda[Handed]],
    payments: Agenda[str],
    refunds: Agenda[str],
) -> None:
    """Note what this customer will do later."""
    coupons = order["coupons"]
    if customer.pays_late_at_seconds is not None:
        await payments.add(started + customer.pays_late_at_seconds, order["order_id"])
    for moment, place in customer.refunds:
        await refunds.add(started + moment, coupons[place]["certificate_id"])
    for visit in customer.visits:
        handed = Handed(order["order_id"], tuple(coupons[place] for place in visit.places), visit)
        await agendas[customer.account_id].add(started + visit.at_seconds, handed)


async def _in_batches(agenda: Agenda[str], act: Any) -> None:
    """Any: an async function of a list of ids."""
    while not agenda.is_finished:
        due = await agenda.take_due()
        for start in range(0, len(due), _BATCH):
            await act(due[start : start + _BATCH])
        await asyncio.sleep(_TICK_SECONDS)
