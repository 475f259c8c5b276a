"""What the tests of catalog do again and again: sell something, and look at what became of it."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import aiohttp
import asyncpg

from services.catalog.service import running
from services.catalog.settings import Settings
from shared.contracts.envelope import Event
from shared.contracts.making import event
from shared.contracts.orders import CouponSnapshot, CouponState, OrderChanged, OrderState
from shared.errors import Rejection
from shared.messaging.broker import STREAM, Broker, connected
from shared.messaging.queries import Outgoing
from shared.web.client import call
from tests.support.access import Access
from tests.support.waiting import eventually

Result = TypeVar("Result")
_numbers = itertools.count(1)
_versions = itertools.count(1)


def an_order_id() -> str:
    return f"10{next(_numbers):017}"


def a_sku(**changes: Any) -> dict[str, Any]:
    return {"title": "杨枝甘露", "price_fen": 990, "original_price_fen": 1900} | changes


def a_product(merchant: str, *skus: dict[str, Any], **changes: Any) -> dict[str, Any]:
    body = {"merchant": merchant, "kind": "meal", "title": "双人下午茶团餐券"} | changes
    return body | {"skus": list(skus or (a_sku(),))}


@dataclass
class CatalogUnderTest:
    url: str
    postgres_url: str
    broker: Broker
    access: Access
    session: aiohttp.ClientSession
    _intake_token: str | None = None

    async def call(
        self, method: str, path: str, *, body: object = None, token: str | None = None, **query: str
    ) -> Any:
        """The answer's JSON, as the operator unless another token is given."""
        token = token or await self.access.operator_token()
        return await call(
            self.session, method, self.url + path, body=body, token=token, query=query
        )

    async def refusal(self, method: str, path: str, **more: Any) -> Rejection:
        """What it was refused with."""
        try:
            answer = await self.call(method, path, **more)
        except Rejection as rejection:
            return rejection
        message = f"not refused: {answer}"
        raise AssertionError(message)

    async def new_merchant(self) -> str:
        """One that catalog has heard of."""
        merchant = await self.access.new_merchant()

        async def heard() -> bool:
            count = await self.value("SELECT count(*) FROM merchants WHERE merchant = $1", merchant)
            return bool(count == 1)

        await eventually(heard, what=f"{merchant} known")
        return merchant

    async def add(self, *skus: dict[str, Any], stock: int | None = 0, **changes: Any) -> Any:
        """A product on sale; `stock` of each SKU, None is without limit."""
        merchant = changes.pop("merchant", None) or await self.new_merchant()
        made = await self.call("POST", "/v1/products", body=a_product(merchant, *skus, **changes))
        for sku in made["skus"]:
            if sku["stock_by"] == "sku":
                await self.set_stock(sku["sku_id"], stock)
        return await self.call("POST", f"/v1/products/{made['product_id']}/publish")

    async def set_stock(
        self, sku_id: str, total: int | None, *, day: str | None = None, slot: str | None = None
    ) -> Any:
        item = {"sku_id": sku_id, "day": day, "slot": slot, "total": total}
        return await self.call("PUT", "/v1/stock", body={"items": [item]})

    async def counted(self, sku_id: str) -> list[tuple[int | None, int, int]]:
        """Total, held and sold of each of its days or slots."""
        answer = await self.call("GET", "/v1/stock", sku_id=sku_id)
        return [(one["total"], one["held"], one["sold"]) for one in answer["items"]]

    async def ask(
        self, product: Any, *, count: int = 1, order_id: str | None = None, **changes: Any
    ) -> Any:
        """The answer to a question about the first SKU; `line` and others replace members."""
        if self._intake_token is None:
            self._intake_token = await self.access.service_token("intake")
        body = an_ask(product, count=count, order_id=order_id, **changes)
        return await self.call("POST", "/v1/reservations", body=body, token=self._intake_token)

    async def reservation(self, order_id: str) -> Any:
        answer = await self.call("GET", "/v1/reservations", order_id=order_id)
        return answer["items"][0] if answer["items"] else None

    async def reservation_in(self, order_id: str, state: str) -> Any:
        async def look() -> Any:
            found = await self.reservation(order_id)
            return found if found is not None and found["state"] == state else None

        return await eventually(look, what=f"{order_id} {state}")

    async def say(self, *events: Event) -> None:
        """Publish what other services would have said."""
        outgoing = [
            Outgoing(number, one.id, one.nats_subject, one.model_dump_json().encode())
            for number, one in enumerate(events)
        ]
        await self.broker.publish(outgoing)

    async def heard(self, subject: str) -> Sequence[Event]:
        """Every event of the stream on a subject."""
        jetstream = await self.broker.jetstream()
        subscription = await jetstream.subscribe(subject, stream=STREAM, ordered_consumer=True)
        try:
            info = await subscription.consumer_info()
            pending = (info.num_pending or 0) + (
                info.delivered.consumer_seq if info.delivered else 0
            )
            messages = [await subscription.next_msg(timeout=5) for _ in range(pending)]
        finally:
            await subscription.unsubscribe()
        return [Event.model_validate_json(message.data) for message in messages]

    async def value(self, statement: str, *arguments: object) -> Any:
        settings = {"role": "qiao_catalog", "search_path": "catalog"}
        conn = await asyncpg.connect(self.postgres_url, server_settings=settings)
        try:
            return await conn.fetchval(statement, *arguments)
        finally:
            await conn.close()

    async def ready(self) -> bool:
        async with self.session.get(f"{self.url}/readyz") as response:
            return response.status == 200


def an_ask(
    product: Any, *, count: int = 1, order_id: str | None = None, **changes: Any
) -> dict[str, Any]:
    line = {"third_sku_id": product["skus"][0]["third_sku_id"], "count": count}
    line |= changes.pop("line", {})
    return {
        "merchant": product["merchant"],
        "platform": "douyin",
        "client_key": "awdemo",
        "order_id": order_id or an_order_id(),
        "lines": [line],
        "ordered_at": datetime.now(UTC).isoformat(),
    } | changes


def an_order(
    merchant: str,
    order_id: str,
    state: OrderState,
    *,
    refunded: int = 0,
    coupons: int = 1,
    version: int | None = None,
) -> Event:
    """What orders says of it; each is newer than the one before unless a version is given."""
    now = datetime.now(UTC)
    states = [
        CouponState.REFUNDED if number < refunded else CouponState.AVAILABLE
        for number in range(coupons)
    ]
    said = OrderChanged(
        order_id=order_id,
        platform="douyin",
        account_id=None,
        state=state,
        previous_state=None,
        contradicted=False,
        coupon_count=coupons,
        coupons=tuple(
            CouponSnapshot(coupon_id=f"{order_id}-{number}", state=each, changed_at=now)
            for number, each in enumerate(states)
        ),
        title=None,
        original_amount_fen=None,
        pay_amount_fen=None,
        refunded_amount_fen=0,
        created_at=now,
        paid_at=now,
    )
    return event(
        said,
        subject=order_id,
        merchant=merchant,
        event_type=f"order.{state}",
        version=next(_versions) if version is None else version,
    )


async def at_once(several: Iterable[Awaitable[Result]], *, most: int = 40) -> list[Result]:
    """All of them, at most so many at a time: a connection each."""
    room = asyncio.Semaphore(most)

    async def one(work: Awaitable[Result]) -> Result:
        async with room:
            return await work

    return await asyncio.gather(*(one(work) for work in several))


@asynccontextmanager
async def running_catalog(
    postgres_url: str, nats_url: str, access: Access, **settings: Any
) -> AsyncIterator[CatalogUnderTest]:
    """Catalog on a free port. `settings` replace those of the tests."""
    chosen: Mapping[str, Any] = {
        "postgres_url": postgres_url,
        "nats_url": nats_url,
        "master_key": access.master_key,
        "access_url": access.url,
        "catalog_port": 0,
        "catalog_release_every_seconds": 0.1,
    } | settings
    async with (
        running(Settings.model_validate(chosen)) as url,
        connected(nats_url, name="test") as broker,
    ):
        catalog = CatalogUnderTest(url, postgres_url, broker, access, access.session)
        await eventually(catalog.ready, what="ready")
        yield catalog
