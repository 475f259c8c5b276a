"""Waits until everything has arrived everywhere, and says what it waits for."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from deploy.cli.simulation import books
from deploy.cli.simulation.listener import Listener
from deploy.cli.simulation.platform import Platform
from deploy.cli.simulation.record import Ledger, Record
from deploy.cli.simulation.tally import Tally

_LOOK_AGAIN_SECONDS = 1.0

# Any: JSON.
Json = dict[str, Any]


@dataclass(slots=True)
class Settling:
    """One comparison of the platform's books with ours, repeated until they are equal."""

    platform: Platform
    record: Record
    tally: Tally
    listener: Listener
    store_ids: Sequence[str]
    book: dict[str, Json] = field(default_factory=dict)
    orders: dict[str, Json] = field(default_factory=dict)
    ledger: Ledger = field(default_factory=Ledger)
    differing: dict[str, list[str]] = field(default_factory=dict)
    unheard: list[str] = field(default_factory=list)

    async def wait(self, *, seconds: float, show: Callable[[Sequence[str]], None]) -> list[str]:
        """Returns what it still waits for when the time is over: nothing, if all went well."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while True:
            waiting_for = await self._look()
            if not waiting_for:
                return []
            show(waiting_for)
            if loop.time() > deadline:
                await self._read_ledger()
                return waiting_for
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)

    async def _look(self) -> list[str]:
        """Later steps compare with the earlier ones' results: the first that waits is enough."""
        queued = (await self.platform.idle())["webhooks_queued"]
        if queued:
            return [f"平台待发推送 webhooks to be sent: {queued}"]
        if not self.book or self._unfinished():
            self.book = await self._read_book()
        if unfinished := self._unfinished():
            return [f"平台上未完的订单 orders unfinished at the platform: {unfinished}"]
        return await self._compare()

    async def _compare(self) -> list[str]:
        if self.differing:
            await self._read_orders(tuple(self.differing))
        if not self.differing:
            # All of them, also those that were right before: the last look is the whole one.
            await self._read_orders(tuple(self.book))
        if self.differing:
            return [f"订单与平台不同 orders differing: {len(self.differing)}"]
        self.unheard = [
            order_id
            for order_id, order in self.orders.items()
            if order_id in self.book and self.listener.state_of(order_id) != order["state"]
        ]
        if self.unheard:
            return [f"订阅者未听到 orders not yet heard of: {len(self.unheard)}"]
        await self._read_ledger()
        if self.ledger.pending:
            return [f"核销无结果 redemptions pending: {len(self.ledger.pending)}"]
        return []

    async def _read_orders(self, stale: Collection[str]) -> None:
        self.orders = await self.record.orders(stale)
        self.differing = {
            order_id: lines
            for order_id, order in self.book.items()
            if (lines := list(books.differences(order, self.orders.get(order_id))))
        }

    async def _read_ledger(self) -> None:
        coupons = {
            coupon["certificate_id"] for order in self.book.values() for coupon in order["coupons"]
        }
        self.ledger = await self.record.ledger(self.store_ids, coupons)

    async def _read_book(self) -> dict[str, Json]:
        return {
            order["order_id"]: order
            async for order in self.platform.books()
            if order["order_id"] in self.tally.placed
        }

    def _unfinished(self) -> int:
        return sum(map(books.is_unfinished, self.book.values()))
