"""An endless quiet day: about an order a second, some redeemed, some taken back, some refunded."""

import asyncio
import sys
from random import Random

from deploy.cli.demo import world
from deploy.cli.demo.seeding import Folder, ensure_terminals, seed
from deploy.cli.simulation.counter import Counter
from deploy.cli.simulation.plan import Sold, plan_customers
from deploy.cli.simulation.platform import Platform
from deploy.cli.simulation.show import Show
from deploy.cli.simulation.tally import Tally
from deploy.cli.simulation.till import Till
from deploy.cli.system import Qiao
from shared.clock import utc_now
from shared.errors import Rejection, Unavailable

_SCENARIO = "quiet-day"
_TERMINALS = 8
# Short, so that a rehearsal soon has the platform for itself.
_WINDOW_SECONDS = 10.0
_LOOK_AGAIN_SECONDS = 1.0
_AFTER_FAILURE_SECONDS = 5.0


async def flow(qiao: Qiao, *, orders_per_second: float) -> None:
    """Never returns. Pauses while somebody rehearses."""
    folder = Folder.of(qiao)
    await seed(qiao)
    tills = [Till(key, qiao.session) for key in await ensure_terminals(qiao, _TERMINALS)]
    while True:
        if folder.rehearsing():
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
            continue
        try:
            await _window(qiao, tills, orders=round(_WINDOW_SECONDS * orders_per_second) or 1)
        except* (Rejection, Unavailable) as failures:
            # The demo goes on; what is broken shows in the services' logs.
            print(f"demo_delayed: {failures.exceptions[0]}", file=sys.stderr, flush=True)
            await asyncio.sleep(_AFTER_FAILURE_SECONDS)


async def _window(qiao: Qiao, tills: list[Till], *, orders: int) -> None:
    platform, random = Platform(qiao), Random()  # noqa: S311 - no two days alike, no secret
    now = utc_now()
    customers = plan_customers(
        await platform.scenario(_SCENARIO),
        [
            Sold(merchant.account_id, len(merchant.stores))
            for merchant in world.MERCHANTS
            if merchant.account_id is not None
        ],
        orders=orders,
        duration_seconds=_WINDOW_SECONDS,
        seed=int(now.timestamp()),
        run=f"demo-{now:%Y%m%d%H%M%S%f}",
    )
    visits = sum(len(customer.visits) for customer in customers)
    tally = Tally(orders_planned=orders, visits_planned=visits)
    counters = {
        merchant.account_id: Counter(
            [till for till in tills if till.key.merchant == merchant.merchant],
            platform,
            tally,
            qiao.session,
            random,
        )
        for merchant in world.MERCHANTS
        if merchant.account_id is not None
    }
    await Show(platform, counters, tally).run(customers, other_events=())
