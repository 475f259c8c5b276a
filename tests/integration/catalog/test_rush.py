"""Everybody at once: one hot SKU, many SKUs in any order, and a worker that dies on the way."""

import asyncio
import random
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from shared.contracts.orders import OrderState
from tests.benchmarks.buyers import Rush, rush
from tests.conftest import NewDatabase
from tests.integration.catalog.support import (
    CatalogUnderTest,
    a_sku,
    an_ask,
    an_order,
    an_order_id,
    at_once,
    running_catalog,
)
from tests.integration.redemption.processes import a_service
from tests.support.access import Access
from tests.support.waiting import eventually

_PATIENT = {"catalog_give_up_seconds": 30, "catalog_queue_max": 20_000}
_TAKEN = "SELECT coalesce(sum(held + sold), 0) FROM stock"
_WRITTEN = """
SELECT coalesce(sum(count - restocked), 0)
  FROM reservation_lines JOIN reservations USING (out_order_id)
 WHERE state IN ('held', 'sold')
"""


@pytest.mark.timeout(60)
async def test_ten_thousand_buyers_of_five_hundred_pieces_at_two_workers_get_exactly_those(
    database: NewDatabase, nats_url: str, access: Access
) -> None:
    url = await database("catalog")
    async with (
        running_catalog(url, nats_url, access, **_PATIENT) as catalog,
        running_catalog(url, nats_url, access, **_PATIENT) as other,
    ):
        product = await catalog.add(stock=500, per_buyer_max=1)
        token = await access.service_token("intake")
        results = await asyncio.gather(
            *(
                rush(
                    Rush(
                        port=urlsplit(worker.url).port or 0,
                        token=token,
                        merchant=product["merchant"],
                        third_sku_id=product["skus"][0]["third_sku_id"],
                        prefix=f"{number}-",
                        buyers=5_000,
                        connections=128,
                    )
                )
                for number, worker in enumerate((catalog, other))
            )
        )
        outcomes = sum((Counter(result.outcomes) for result in results), Counter[str]())
        assert outcomes == {"held": 500, "sold_out": 9_500}
        assert await catalog.counted(product["skus"][0]["sku_id"]) == [(500, 500, 0)]
        assert await _sums(catalog) == (500, 500)


async def test_orders_of_many_skus_in_any_order_block_nobody_and_oversell_nothing(
    database: NewDatabase, nats_url: str, access: Access
) -> None:
    url, choice = await database("catalog"), random.Random(7)
    async with (
        running_catalog(url, nats_url, access, **_PATIENT) as catalog,
        running_catalog(url, nats_url, access, **_PATIENT) as other,
    ):
        product = await catalog.add(
            *(a_sku(title=f"{number} 号套餐") for number in range(8)), stock=40, per_buyer_max=9
        )
        names = [sku["third_sku_id"] for sku in product["skus"]]

        async def order(number: int) -> Any:
            lines = [
                {"third_sku_id": name, "count": choice.randint(1, 3)}
                for name in choice.sample(names, choice.randint(1, 4))
            ]
            worker, buyer = (catalog, other)[number % 2], f"buyer-{number % 90}"
            return lines, await worker.ask(product, lines=lines, buyer=buyer)

        asked = await at_once(order(number) for number in range(300))
        granted = Counter[str]()
        for lines, answer in asked:
            if answer["refusal"] is None:
                granted.update({line["third_sku_id"]: line["count"] for line in lines})
        for name in names:
            assert await catalog.counted(name) == [(40, granted[name], 0)]
        assert {answer["refusal"] for _, answer in asked} <= {None, "sold_out", "over_limit"}
        assert granted.total() > 200


async def test_orders_paid_and_closed_while_others_are_made_leave_the_books_even(
    database: NewDatabase, nats_url: str, access: Access
) -> None:
    url, choice = await database("catalog"), random.Random(11)
    async with (
        running_catalog(url, nats_url, access, **_PATIENT) as catalog,
        running_catalog(url, nats_url, access, **_PATIENT),
    ):
        product = await catalog.add(stock=60, restock_on_refund="always")
        merchant = product["merchant"]
        fates = (OrderState.PAID, OrderState.CLOSED, OrderState.REFUNDED)

        async def live() -> str | None:
            order_id = an_order_id()
            answer = await catalog.ask(product, order_id=order_id)
            if answer["refusal"] is not None:
                return None
            fate = choice.choice(fates)
            refunded = int(fate is OrderState.REFUNDED)
            await catalog.say(an_order(merchant, order_id, fate, refunded=refunded))
            return str(fate)

        lived = Counter(await at_once(live() for _ in range(300)))

        async def settled() -> bool:
            counts = await catalog.counted(product["skus"][0]["sku_id"])
            return counts == [(60, 0, lived["paid"])]

        await eventually(settled, what=f"{lived['paid']} sold")
        assert await _sums(catalog) == (lived["paid"], lived["paid"])


async def test_a_worker_killed_between_hold_and_payment_leaves_no_stock_astray(
    database: NewDatabase, nats_url: str, access: Access, tmp_path: Path
) -> None:
    url = await database("catalog")
    environment = {
        "QIAO_POSTGRES_URL": url,
        "QIAO_NATS_URL": nats_url,
        "QIAO_MASTER_KEY": access.master_key,
        "QIAO_ACCESS_URL": access.url,
    }
    async with running_catalog(url, nats_url, access, **_PATIENT) as catalog:
        product = await catalog.add(stock=1_000)
        token = await access.service_token("intake")
        asks = [an_ask(product, order_id=an_order_id()) for _ in range(600)]

        async def ask(worker: str, body: dict[str, Any]) -> Any:
            headers = {"Authorization": f"Bearer {token}"}
            address = f"{worker}/v1/reservations"
            async with access.session.post(address, json=body, headers=headers) as response:
                return await response.json()

        async with a_service("catalog", environment, folder=tmp_path) as doomed:
            room = asyncio.Semaphore(100)

            async def ask_doomed(body: dict[str, Any]) -> Any:
                async with room:
                    return await ask(doomed.url, body)

            waiting = [asyncio.create_task(ask_doomed(body)) for body in asks]
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            await doomed.kill()
            first = await asyncio.gather(*waiting, return_exceptions=True)
        taken, written = await _sums(catalog)
        assert taken == written > 0
        again = await at_once(ask(catalog.url, body) for body in asks)
        assert all(answer["refusal"] is None for answer in again)
        for before, after in zip(first, again, strict=True):
            assert isinstance(before, BaseException) or before == after
        assert await _sums(catalog) == (600, 600)


async def _sums(catalog: CatalogUnderTest) -> tuple[int, int]:
    """What is taken by the stock itself, and by what is written of each order."""
    return int(await catalog.value(_TAKEN)), int(await catalog.value(_WRITTEN))
