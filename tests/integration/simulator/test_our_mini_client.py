"""Our own client of mini-programs' trade against the simulator: a whole life of an order."""

from shared.platforms.answers import Outcome
from shared.platforms.douyin.mini_answers import (
    DeliveryStore,
    OrderStanding,
    RefundStatus,
    TradeOrder,
    TradeSystem,
)
from shared.platforms.douyin.mini_client import MiniProgramClient
from shared.platforms.scans import EncryptedData
from tests.integration.simulator.merchant import Merchant
from tests.integration.simulator.support import POI, Client
from tests.support.waiting import eventually


class _Token:
    def __init__(self, simulator: Client) -> None:
        self._simulator = simulator

    async def token(self, *, rejected: str | None = None) -> str:
        return await self._simulator.sign_in() if rejected else self._simulator.token


async def test_our_client_uses_refunds_and_settles(simulator: Client, merchant: Merchant) -> None:
    ours = MiniProgramClient(simulator.session, tokens=_Token(simulator), base_url=simulator.url)
    order = await simulator.order(channel="v2", count=3)
    known = TradeOrder(order_id=order["order_id"])
    first, second, third = (one["certificate_id"] for one in order["coupons"])

    scanned = EncryptedData(await simulator.scan(order["coupons"][0]))
    prepared = await ours.delivery_prepare(scanned)
    delivered = await ours.delivery_verify(
        verify_token=prepared.verify_token,
        order_id=prepared.order_id,
        items=prepared.items[:1],
        store=DeliveryStore(poi_id=POI),
    )
    await ours.fulfill_push_status(
        order_id=order["order_id"], item_order_ids=[second], status="fulfilled"
    )
    await ours.create_settle(
        TradeSystem.INDUSTRY, known, out_settle_no="S", description="分账", item_order_id=first
    )
    await ours.create_refund(TradeSystem.GENERAL, known, out_refund_no="R", item_order_ids=[third])

    async def refunded() -> bool:
        found = await ours.query_refund(TradeSystem.INDUSTRY, out_refund_no="R")
        return [one.status for one in found] == [RefundStatus.DONE]

    await eventually(refunded)
    assert [one.outcome for one in delivered] == [Outcome.DONE]
    facts = await ours.query_order(TradeSystem.INDUSTRY, known)
    assert facts.standing is OrderStanding.PAID
    assert (facts.pay_amount_fen, facts.refunded_fen, facts.settled_fen) == (26_400, 8_800, 8_800)
