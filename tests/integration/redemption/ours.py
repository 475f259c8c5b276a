"""Coupons whose codes are ours: sold by catalog's word, issued at a platform's question."""

from collections.abc import Sequence
from itertools import count
from typing import Any
from uuid import uuid4

import nats

from shared.clock import utc_now
from shared.contracts.envelope import Event
from shared.contracts.intake import PlatformDelivery
from shared.contracts.making import event
from shared.contracts.products import (
    CodeOrigin,
    ProductChanged,
    ProductKind,
    ProductState,
    RefundRules,
    Sku,
    UsageRules,
)
from tests.integration.redemption.platform import ACCOUNT, Json
from tests.integration.redemption.support import MERCHANT, Answer, Till, World
from tests.support.waiting import eventually

_numbers = count(1)


class Shop:
    """What a platform's question reaches: issues, locks, and products as catalog tells them."""

    def __init__(self, world: World, *, url: str | None = None, merchant: str = MERCHANT) -> None:
        self.world = world
        self.merchant = merchant
        self.url = url

    async def ask(self, method: str, path: str, body: object, *, service: str) -> Answer:
        token = await self.world.access.service_token(service)
        asking = Till(self.url or self.world.url, self.world.session, token)
        return await asking.ask(method, path, body)

    async def issue(self, *, coupons: int = 1, order_id: str | None = None, **more: Any) -> Answer:
        body = {
            "merchant": self.merchant,
            "platform": "douyin",
            "client_key": "aw0",
            "account_id": ACCOUNT,
            "order_id": order_id or f"9{next(_numbers):018}",
            "count": coupons,
            "third_sku_id": "tea",
            "kind": "meal",
            "title": "双人下午茶套餐",
            "original_amount_fen": 10_000 * coupons,
            "pay_amount_fen": 8_800 * coupons,
            **more,
        }
        return await self.ask("POST", "/v1/issues", body, service="intake")

    async def codes(self, coupons: int = 1, **more: Any) -> list[Json]:
        """Issued, each with coupon_id and code."""
        answer = await self.issue(coupons=coupons, **more)
        assert answer.status == 200, answer.body
        assert answer.body["refusal"] is None
        issued: list[Json] = answer.body["codes"]
        return issued

    async def code(self, **more: Any) -> Json:
        (issued,) = await self.codes(**more)
        return issued

    async def lock(
        self, order_id: str, coupon_ids: Sequence[str] = (), after_sale_id: str | None = None
    ) -> Answer:
        body = {
            "merchant": self.merchant,
            "platform": "douyin",
            "order_id": order_id,
            "coupon_ids": list(coupon_ids),
        }
        path = f"/v1/refund-locks/{after_sale_id or uuid4()}"
        return await self.ask("PUT", path, body, service="orders")

    async def unlock(self, after_sale_id: str) -> Answer:
        token = await self.world.access.service_token("orders")
        asking = Till(self.url or self.world.url, self.world.session, token)
        path = f"/v1/refund-locks/{after_sale_id}"
        return await asking.ask("DELETE", path, merchant=self.merchant, platform="douyin")

    async def sell(
        self,
        third_sku_id: str,
        *,
        kind: ProductKind = ProductKind.MEAL,
        times: int = 1,
        **rules: Any,
    ) -> None:
        """Catalog says that there is such a product; done when redemption has heard it."""
        product = ProductChanged(
            product_id=f"p-{third_sku_id}",
            platform="douyin",
            account_id=ACCOUNT,
            platform_product_id=None,
            kind=kind,
            title=f"产品 {third_sku_id}",
            state=ProductState.ON_SALE,
            code_origin=CodeOrigin.MERCHANT,
            sale_from=None,
            sale_to=None,
            per_buyer_max=None,
            usage=UsageRules.model_validate(rules),
            refund=RefundRules(),
            skus=(
                Sku(
                    sku_id=f"s-{third_sku_id}",
                    third_sku_id=third_sku_id,
                    title=f"产品 {third_sku_id}",
                    price_fen=8_800,
                    original_price_fen=10_000,
                    times=times,
                ),
            ),
        )
        await self.say(
            event(
                product,
                subject=product.product_id,
                merchant=self.merchant,
                event_type="product.created",
            )
        )

        async def known() -> bool:
            statement = "SELECT FROM skus WHERE third_sku_id = $1"
            return bool(await self.world.fetch(statement, third_sku_id))

        await eventually(known, what="the SKU")

    async def say(self, said: Event) -> None:
        client = await nats.connect(self.world.nats_url)
        try:
            await client.jetstream().publish(said.nats_subject, said.model_dump_json().encode())
        finally:
            await client.close()

    async def ledger(self, coupon_id: str) -> list[Json]:
        rows = await self.world.fetch(
            "SELECT * FROM ledger WHERE coupon_id = $1 ORDER BY redeemed_at, use_no", coupon_id
        )
        return [dict(row) for row in rows]

    async def coupon(self, coupon_id: str) -> Json:
        (row,) = await self.world.fetch(
            "SELECT * FROM issued_coupons WHERE coupon_id = $1", coupon_id
        )
        return dict(row)

    async def said(self, coupon_id: str) -> list[Event]:
        """Every event about the coupon, oldest first."""
        rows = await self.world.fetch("SELECT payload FROM outbox ORDER BY seq")
        events = [Event.model_validate_json(row["payload"]) for row in rows]
        return [each for each in events if each.subject == coupon_id]

    async def age(self, coupon_id: str, *, seconds: int) -> None:
        await self.world.fetch(
            """
            UPDATE ledger SET redeemed_at = redeemed_at - make_interval(secs => $2),
                              cancel_until = cancel_until - make_interval(secs => $2)
             WHERE coupon_id = $1
            """,
            coupon_id,
            seconds,
        )


async def spend(
    till: Till, code: str, *, times: int = 1, redemption_id: str | None = None
) -> Answer:
    """Scan and redeem."""
    prepared = await till.scan(code)
    assert prepared.status == 200, prepared.body
    return await put(till, prepared, times=times, redemption_id=redemption_id)


async def put(
    till: Till, prepared: Answer, *, times: int = 1, redemption_id: str | None = None
) -> Answer:
    body = {
        "preparation_id": prepared.body["preparation_id"],
        "coupon_ids": [one["coupon_id"] for one in prepared.body["coupons"]],
    }
    if times != 1:
        body["times"] = times
    return await till.ask("PUT", f"/v1/redemptions/{redemption_id or uuid4()}", body)


def certificate_notify(issued: Json, order_id: str, action: str) -> Event:
    """What intake says when the platform's message about a coupon has come."""
    delivery = PlatformDelivery(
        delivery_id=uuid4(),
        platform="douyin",
        client_key="aw0",
        account_id=ACCOUNT,
        event="life_trade_certificate_notify",
        msg_id=str(uuid4()),
        received_at=utc_now(),
        content={
            "action": action,
            "msg_time": int(utc_now().timestamp()),
            "certificate": {"certificate_id": issued["coupon_id"], "order_id": order_id},
        },
    )
    return event(
        delivery,
        subject=str(delivery.delivery_id),
        merchant=MERCHANT,
        event_type=f"platform.douyin.{delivery.event}",
    )
