"""What the tests of orders do again and again: say something, and look at what became of it."""

import itertools
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import aiohttp
import asyncpg

from services.orders.service import running
from services.orders.settings import Settings
from shared.contracts.envelope import Event
from shared.contracts.intake import DeliveryConflicted, PlatformDelivery
from shared.contracts.making import event
from shared.contracts.redemption import CouponCancelled, CouponRedeemed
from shared.errors import Rejection
from shared.ids import new_id
from shared.messaging.broker import STREAM, Broker, connected
from shared.messaging.queries import Outgoing
from shared.web.client import call
from tests.support.access import Access
from tests.support.documented import assert_documented
from tests.support.waiting import eventually

MERCHANT = "yihetang"
ACCOUNT = "7094221573452761123"
START = datetime(2026, 11, 21, 4, 0, 0, tzinfo=UTC)
_numbers = itertools.count(1)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def an_order_id() -> str:
    return f"10{next(_numbers):017}"


def a_delivery(name: str, content: object, *, merchant: str = MERCHANT) -> Event:
    """A delivery of the platform as intake publishes it."""
    delivery = PlatformDelivery(
        delivery_id=new_id(),
        platform="douyin",
        client_key="awdemo",
        account_id=ACCOUNT,
        event=name,
        msg_id=str(uuid4()),
        received_at=at(0),
        content=content,
    )
    return event(
        delivery,
        subject=str(delivery.delivery_id),
        merchant=merchant,
        event_type=f"platform.douyin.{name}",
    )


def paid(order_id: str, *, seconds: float = 0, merchant: str = MERCHANT) -> Event:
    order = {
        "order_id": order_id,
        "account_id": ACCOUNT,
        "pay_amount": 2990,
        "original_amount": 5000,
        "create_time": int(at(seconds - 30).timestamp()),
        "pay_time": int(at(seconds).timestamp()),
    }
    content = {"action": "pay_success", "msg_time": int(at(seconds).timestamp()), "order": order}
    return a_delivery("life_trade_order_notify", content, merchant=merchant)


def certificate(
    action: str, order_id: str, coupon_id: str, *, seconds: float, merchant: str = MERCHANT
) -> Event:
    """`action` is verify, verify_cancel or refund_success."""
    content = {
        "action": action,
        "msg_time": int(at(seconds).timestamp()),
        "certificate": {
            "certificate_id": coupon_id,
            "order_id": order_id,
            "account_id": ACCOUNT,
        },
    }
    return a_delivery("life_trade_certificate_notify", content, merchant=merchant)


def redeemed(order_id: str, coupon_id: str, *, seconds: float) -> Event:
    said = CouponRedeemed(
        redemption_id=uuid4(),
        platform="douyin",
        order_id=order_id,
        store_id="store-1",
        terminal_id="terminal-1",
        coupon_id=coupon_id,
        verify_id="v1",
        title="杨枝甘露",
        pay_amount_fen=2990,
        redeemed_at=at(seconds),
        cancel_until=at(seconds + 3600),
    )
    return event(said, subject=coupon_id, merchant=MERCHANT)


def cancelled(order_id: str, coupon_id: str, *, seconds: float) -> Event:
    said = CouponCancelled(
        redemption_id=uuid4(),
        platform="douyin",
        order_id=order_id,
        store_id="store-1",
        terminal_id="terminal-1",
        coupon_id=coupon_id,
        verify_id="v1",
        cancel_id=uuid4(),
        cancelled_at=at(seconds),
        reason="wrong drink",
    )
    return event(said, subject=coupon_id, merchant=MERCHANT)


def conflicted(*order_ids: str) -> Event:
    """A message id came twice with different bodies."""
    said = DeliveryConflicted(
        delivery_id=new_id(),
        first_delivery_id=new_id(),
        platform="douyin",
        client_key="awdemo",
        account_id=ACCOUNT,
        event="life_trade_order_notify",
        msg_id=str(uuid4()),
        received_at=at(0),
        order_ids=order_ids,
    )
    return event(said, subject=str(said.delivery_id), merchant=MERCHANT)


@dataclass
class OrdersUnderTest:
    url: str
    postgres_url: str
    broker: Broker
    access: Access
    session: aiohttp.ClientSession

    async def ready(self) -> bool:
        async with self.session.get(f"{self.url}/readyz") as response:
            return response.status == 200

    async def say(self, *events: Event) -> None:
        """Publish what other services would have said."""
        outgoing = [
            Outgoing(number, one.id, one.nats_subject, one.model_dump_json().encode())
            for number, one in enumerate(events)
        ]
        await self.broker.publish(outgoing)

    async def get(self, path: str, *, token: str | None = None, **query: str) -> Any:
        """The answer's JSON, as the operator unless another token is given."""
        token = token or await self.access.operator_token()
        answer = await call(self.session, "GET", self.url + path, token=token, query=query)
        assert_documented("orders", "GET", path, 200, answer)
        return answer

    async def order(self, order_id: str) -> dict[str, Any] | None:
        try:
            answer: dict[str, Any] = await self.get(f"/v1/orders/{order_id}")
        except Rejection as rejection:
            if rejection.status == 404:
                return None
            raise
        return answer

    async def order_in(self, order_id: str, state: str) -> dict[str, Any]:
        """The order once it is in that state."""

        async def look() -> dict[str, Any] | None:
            order = await self.order(order_id)
            return order if order is not None and order["state"] == state else None

        found = await eventually(look, what=f"{order_id} {state}")
        assert found is not None
        return found

    async def explained(self, order_id: str, *, observations: int) -> dict[str, Any]:
        """The order's explanation once it knows that many observations."""

        async def look() -> dict[str, Any] | None:
            if await self.order(order_id) is None:
                return None
            answer: dict[str, Any] = await self.get(f"/v1/orders/{order_id}/explain")
            return answer if len(answer["observations"]) == observations else None

        found = await eventually(look, what=f"{order_id} with {observations} observations")
        assert found is not None
        return found

    async def outbox_is_empty(self) -> bool:
        conn = await asyncpg.connect(
            self.postgres_url, server_settings={"role": "qiao_orders", "search_path": "orders"}
        )
        try:
            return bool(await conn.fetchval("SELECT count(*) = 0 FROM outbox_pending"))
        finally:
            await conn.close()

    async def heard_all(self, order_id: str, *, count: int) -> list[Event]:
        """The same, or nothing while there are fewer than `count`."""
        said = await self.heard(order_id)
        return said if len(said) >= count else []

    async def heard(self, order_id: str) -> list[Event]:
        """What orders said about this order, from the stream."""
        return [one for one in await self.all_heard() if one.subject == order_id]

    async def all_heard(self) -> Sequence[Event]:
        return await _messages(await self.broker.jetstream(), "qiao.v1.*.order.>")


async def _messages(jetstream: Any, subject: str) -> Sequence[Event]:
    """Every event of the stream on a subject. Any: nats-py is loosely typed."""
    subscription = await jetstream.subscribe(subject, stream=STREAM, ordered_consumer=True)
    events: list[Event] = []
    try:
        info = await subscription.consumer_info()
        for _ in range(info.num_pending + info.delivered.consumer_seq):
            message = await subscription.next_msg(timeout=5)
            events.append(Event.model_validate_json(message.data))
    finally:
        await subscription.unsubscribe()
    return events


@asynccontextmanager
async def running_orders(
    postgres_url: str, nats_url: str, access: Access, **settings: Any
) -> AsyncIterator[OrdersUnderTest]:
    """Orders on a free port. `settings` replace those of the tests."""
    chosen: Mapping[str, Any] = {
        "postgres_url": postgres_url,
        "nats_url": nats_url,
        "master_key": access.master_key,
        "access_url": access.url,
        "orders_port": 0,
        "orders_poll_seconds": 0.2,
        "orders_read_back_after_seconds": 0,
    } | settings
    async with (
        running(Settings.model_validate(chosen)) as url,
        connected(nats_url, name="test") as broker,
    ):
        orders = OrdersUnderTest(url, postgres_url, broker, access, access.session)
        await eventually(orders.ready, what="ready")
        yield orders
