"""Douyin's calls for mini-programs' trade: what was used, refunded, settled.

Two protocols are spoken with a token: the industry one (v2) and the general one (v3). A QR code of
a mini-program is prepared and verified as a coupon of the life services is.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

import aiohttp

from shared.clock import utc_now
from shared.platforms.answers import Outcome
from shared.platforms.douyin import mini_models as models
from shared.platforms.douyin.client import DEFAULT_BASE_URL
from shared.platforms.douyin.errors import (
    ALREADY_REDEEMED_RESULTS,
    Disposition,
    meaning_of_result,
)
from shared.platforms.douyin.mini_answers import (
    DeliveredItem,
    DeliveryItem,
    DeliveryPreparation,
    DeliveryStore,
    OrderStanding,
    RefundStatus,
    TradeOrder,
    TradeOrderFacts,
    TradeRefund,
    TradeSystem,
)
from shared.platforms.douyin.transport import Call, TimeLimits, Transport
from shared.platforms.reasons import Reason
from shared.platforms.scans import EncryptedData, TypedCode
from shared.platforms.tokens import TokenSource

_V2, _V3 = "/api/apps/trade/v2", "/api/trade_basic/v1/developer"


_STANDINGS: Mapping[str, OrderStanding] = MappingProxyType(
    {
        "INIT": OrderStanding.UNPAID,
        "PROCESS": OrderStanding.PROCESSING,
        "SUCCESS": OrderStanding.PAID,
        "FAIL": OrderStanding.FAILED,
        "TIMEOUT": OrderStanding.CLOSED,
    }
)
_REFUND_STATUSES: Mapping[str, RefundStatus] = MappingProxyType(
    {
        "PROCESSING": RefundStatus.PROCESSING,
        "PROCESS": RefundStatus.PROCESSING,
        "INIT": RefundStatus.PROCESSING,
        "SUCCESS": RefundStatus.DONE,
        "FAIL": RefundStatus.FAILED,
    }
)
_QUERIES = MappingProxyType(
    {
        TradeSystem.INDUSTRY: f"{_V2}/order/query_order",
        TradeSystem.GENERAL: f"{_V3}/order_query/",
    }
)
_REFUND_CREATIONS = MappingProxyType(
    {
        TradeSystem.INDUSTRY: f"{_V2}/refund/create_refund",
        TradeSystem.GENERAL: f"{_V3}/refund_create/",
    }
)
_REFUND_QUERIES = MappingProxyType(
    {
        TradeSystem.INDUSTRY: f"{_V2}/refund/query_refund",
        TradeSystem.GENERAL: f"{_V3}/refund_query/",
    }
)
_SETTLEMENTS = MappingProxyType(
    {
        TradeSystem.INDUSTRY: f"{_V2}/settle/create_settle",
        TradeSystem.GENERAL: f"{_V3}/settle_create/",
    }
)


class MiniProgramClient:
    """Raises Refused, Retry and, from calls with effect, OutcomeUnknown; nothing else."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        tokens: TokenSource,
        base_url: str = DEFAULT_BASE_URL,
        limits: TimeLimits | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._transport = Transport(
            session,
            base_url=base_url,
            tokens=tokens,
            limits=limits or TimeLimits(),
            clock=clock,
        )

    async def delivery_prepare(self, scan: EncryptedData | TypedCode) -> DeliveryPreparation:
        """Look up what was scanned or typed. One preparation pays for one verify."""
        match scan:
            case EncryptedData(value):
                body = {"encrypted_data": value, "code": ""}
            case TypedCode(code):
                body = {"encrypted_data": "", "code": code}
        call = Call("POST", f"{_V2}/fulfillment/delivery_prepare", body=body)
        data, _ = await self._transport.send(call, models.PreparedDelivery)
        return DeliveryPreparation(
            verify_token=data.verify_token,
            order_id=data.order_id,
            out_order_no=data.out_order_no,
            items=tuple(
                DeliveryItem(one.certificate_id, one.encrypted_code, one.item_order_id)
                for one in data.certificates
            ),
        )

    async def delivery_verify(
        self,
        *,
        verify_token: str,
        order_id: str,
        items: Sequence[DeliveryItem],
        store: DeliveryStore,
        repeated: bool = False,
    ) -> tuple[DeliveredItem, ...]:
        """Spend them; the same token always gets the same answer.

        `repeated` says that a call with this token went before and its outcome is unknown: then
        "already used" is an answer DONE with `already` set. An item that the platform does not
        answer for is UNKNOWN.
        """
        body = {
            "verify_token": verify_token,
            "order_id": order_id,
            "poi_info": store.as_text(),
            "certificates": [
                {"certificate_id": one.coupon_id, "encrypted_code": one.encrypted_code}
                for one in items
            ],
        }
        call = Call("POST", f"{_V2}/fulfillment/delivery_verify/", True, body=body)
        data, _ = await self._transport.send(call, models.DeliveryResults)
        found = {one.item_order_id: one for one in data.verify_results}
        return tuple(
            _delivered(item, found.get(item.item_order_id), repeated=repeated) for item in items
        )

    async def push_delivery(
        self,
        *,
        out_order_no: str,
        item_order_ids: Sequence[str],
        store: DeliveryStore,
        use_all: bool = False,
    ) -> str | None:
        """Say what was used of an order whose codes are ours (v2). Returns the delivery's id."""
        body = {
            "out_order_no": out_order_no,
            "item_order_list": [{"item_order_id": one} for one in item_order_ids],
            "use_all": use_all,
            "poi_info": store.as_text(),
        }
        call = Call("POST", f"{_V2}/fulfillment/push_delivery/", True, body=body)
        data, _ = await self._transport.send(call, models.PushedDelivery)
        return data.delivery_id

    async def fulfill_push_status(
        self, *, order_id: str, item_order_ids: Sequence[str], status: str
    ) -> None:
        """Say how far the delivery of an order is (v3)."""
        body = {
            "order_id": order_id,
            "item_order_id_list": list(item_order_ids),
            "to_status": status,
        }
        call = Call("POST", f"{_V3}/fulfill_push_status/", True, body=body)
        await self._transport.send(call, models.Nothing)

    async def create_refund(
        self,
        system: TradeSystem,
        order: TradeOrder,
        *,
        out_refund_no: str,
        item_order_ids: Sequence[str] = (),
        amount_fen: int | None = None,
        notify_url: str | None = None,
    ) -> str:
        """Pay back items, an amount, or all that is left. The same number is the same refund."""
        body: dict[str, Any] = {
            **order.members(),
            "out_refund_no": out_refund_no,
            "order_entry_schema": {"path": "", "params": ""},
        }
        if item_order_ids:
            body["item_order_detail"] = [{"item_order_id": one} for one in item_order_ids]
        if amount_fen is not None:
            body["refund_total_amount"] = amount_fen
        if not item_order_ids and amount_fen is None:
            body["refund_all"] = True
        if notify_url:
            body["notify_url"] = notify_url
        call = Call("POST", _REFUND_CREATIONS[system], True, body=body)
        data, _ = await self._transport.send(call, models.CreatedRefund)
        return data.refund_id

    async def query_refund(
        self,
        system: TradeSystem,
        *,
        refund_id: str | None = None,
        out_refund_no: str | None = None,
        order_id: str | None = None,
    ) -> tuple[TradeRefund, ...]:
        """One refund by either of its numbers, or all of an order."""
        given = {"refund_id": refund_id, "out_refund_no": out_refund_no, "order_id": order_id}
        body = {name: value for name, value in given.items() if value}
        call = Call("POST", _REFUND_QUERIES[system], body=body)
        data, _ = await self._transport.send(call, models.RefundList)
        return tuple(_refund(one) for one in data.refund_list)

    async def create_settle(
        self,
        system: TradeSystem,
        order: TradeOrder,
        *,
        out_settle_no: str,
        description: str,
        item_order_id: str | None = None,
        notify_url: str | None = None,
    ) -> str:
        """Settle what was used. The same number is the same settlement."""
        body: dict[str, Any] = {
            **order.members(),
            "out_settle_no": out_settle_no,
            "settle_desc": description,
        }
        optional = {"item_order_id": item_order_id, "notify_url": notify_url}
        body |= {name: value for name, value in optional.items() if value}
        call = Call("POST", _SETTLEMENTS[system], True, body=body)
        data, _ = await self._transport.send(call, models.CreatedSettlement)
        return data.settle_id

    async def query_order(self, system: TradeSystem, order: TradeOrder) -> TradeOrderFacts:
        call = Call("POST", _QUERIES[system], body=order.members())
        data, _ = await self._transport.send(call, models.OrderShown)
        return TradeOrderFacts(
            order_id=data.order_id,
            out_order_no=data.out_order_no,
            standing=_STANDINGS.get(
                data.order_status or data.pay_status or "", OrderStanding.UNKNOWN
            ),
            pay_amount_fen=_pay_amount(data),
            refunded_fen=data.refund_amount,
            settled_fen=data.settle_amount,
        )


def _delivered(
    item: DeliveryItem, found: models.DeliveryResult | None, *, repeated: bool
) -> DeliveredItem:
    if found is None:
        return DeliveredItem(
            item_order_id=item.item_order_id,
            outcome=Outcome.UNKNOWN,
            already=False,
            reason=Reason.UNKNOWN_PLATFORM_ERROR,
            code=-1,
            description="the platform did not answer for this item",
            verify_id=None,
            verified_at=None,
        )
    already = repeated and found.result_code in ALREADY_REDEEMED_RESULTS
    meaning = meaning_of_result(found.result_code)
    is_done = already or meaning.disposition is Disposition.OK
    refused = meaning.disposition is Disposition.REFUSED
    return DeliveredItem(
        item_order_id=item.item_order_id,
        outcome=Outcome.DONE if is_done else Outcome.REFUSED if refused else Outcome.UNKNOWN,
        already=already,
        reason=None if is_done else meaning.reason,
        code=found.result_code,
        description=found.result_msg,
        verify_id=found.verify_id,
        verified_at=found.verify_time,
    )


def _refund(shown: models.RefundShown) -> TradeRefund:
    return TradeRefund(
        refund_id=shown.refund_id,
        out_refund_no=shown.out_refund_no,
        order_id=shown.order_id,
        status=_REFUND_STATUSES.get(shown.refund_status, RefundStatus.UNKNOWN),
        amount_fen=shown.refund_total_amount,
        asked_at=shown.create_at,
        refunded_at=shown.refund_at,
        answer_until=shown.merchant_audit_detail.refund_audit_deadline,
        message=shown.message,
    )


def _pay_amount(shown: models.OrderShown) -> int | None:
    if shown.total_fee is not None or shown.total_amount is None:
        return shown.total_fee
    return shown.total_amount - (shown.discount_amount or 0)
