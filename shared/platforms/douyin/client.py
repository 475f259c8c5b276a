"""Douyin's OpenAPI for coupons and orders: each documented call, typed."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import aiohttp

from shared.clock import utc_now
from shared.platforms.answers import (
    Cancellation,
    Coupon,
    CouponList,
    CouponToVerify,
    OrderPage,
    Preparation,
    RecordPage,
    Verification,
)
from shared.platforms.douyin import pages, refunds, responses, translation
from shared.platforms.douyin.scan import DEFAULT_SHORT_LINK_ORIGINS
from shared.platforms.douyin.short_link import resolve
from shared.platforms.douyin.transport import Call, TimeLimits, Transport
from shared.platforms.refunds import RefundVerdict
from shared.platforms.scans import EncryptedData, ShortLink, TypedCode
from shared.platforms.tokens import TokenSource

DEFAULT_BASE_URL = "https://open.douyin.com"
CERTIFICATE = "/goodlife/v1/fulfilment/certificate"
MAX_RECORDS_PER_PAGE = 20
MAX_ORDERS_PER_PAGE = 100


@dataclass(frozen=True, slots=True)
class OrderToVerify:
    """One order's share of a batch_verify."""

    verify_token: str
    coupons: tuple[CouponToVerify, ...]
    order_id: str | None = None


class DouyinClient:
    """Raises Refused, Retry and, from calls with effect, OutcomeUnknown; nothing else.

    A call is sent once. Only a token that is turned away is renewed and the call repeated,
    since the gateway then did nothing.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        tokens: TokenSource,
        base_url: str = DEFAULT_BASE_URL,
        limits: TimeLimits | None = None,
        short_link_origins: Collection[str] = DEFAULT_SHORT_LINK_ORIGINS,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._session = session
        self._limits = limits or TimeLimits()
        self._short_link_origins = short_link_origins
        self._transport = Transport(
            session, base_url=base_url, tokens=tokens, limits=self._limits, clock=clock
        )

    async def resolve_short_link(self, link: ShortLink) -> EncryptedData:
        """Ask once where the link leads; nothing is followed and no body is read."""
        return await resolve(
            self._session, link, origins=self._short_link_origins, limits=self._limits
        )

    async def prepare(
        self, scan: EncryptedData | TypedCode, *, poi_id: str, account_id: str | None = None
    ) -> Preparation:
        """Look up what was scanned. One preparation pays for one verify."""
        match scan:
            case EncryptedData(value):
                asked = ("encrypted_data", value)
            case TypedCode(code):
                asked = ("code", code)
        call = Call(
            "GET",
            f"{CERTIFICATE}/prepare/",
            query=(asked, ("poi_id", poi_id)),
            account_id=account_id,
        )
        data, now = await self._transport.send(call, responses.PrepareData)
        return translation.preparation(data, now=now)

    async def verify(
        self,
        *,
        verify_token: str,
        poi_id: str,
        coupons: Sequence[CouponToVerify],
        order_id: str | None = None,
        account_id: str | None = None,
        repeated: bool = False,
    ) -> Verification:
        """Spend coupons of one order.

        `repeated` says that a call with this token went before and its outcome is unknown: then
        "already redeemed" is an answer DONE with `already` set, which the caller confirms by a
        look at the coupon. The same token always gets the same answer. Coupons with codes of
        our own need `order_id`, and a token that we choose.
        """
        body = _verify_body(verify_token, coupons, order_id) | {"poi_id": poi_id}
        if account_id:
            body["account_id"] = account_id
        call = Call("POST", f"{CERTIFICATE}/verify/", True, body=body, account_id=account_id)
        data, now = await self._transport.send(call, responses.VerifyData)
        return translation.verification(data, coupons=coupons, repeated=repeated, now=now)

    async def batch_verify(
        self,
        *,
        poi_id: str,
        orders: Sequence[OrderToVerify],
        account_id: str | None = None,
        repeated: bool = False,
    ) -> Verification:
        """Spend coupons of several orders: in the end all or none, but not at once.

        The platform itself goes on trying those it answers as failed, so a failed coupon is
        UNKNOWN here, never REFUSED: ask certificate_query what became of it.
        """
        call = Call(
            "POST",
            f"{CERTIFICATE}/batch_verify/",
            True,
            body={
                "certificate_batch_verify_list": [
                    _verify_body(order.verify_token, order.coupons, order.order_id)
                    for order in orders
                ],
                "poi_id": poi_id,
            },
            account_id=account_id,
        )
        data, now = await self._transport.send(call, responses.BatchVerifyData)
        coupons = [coupon for order in orders for coupon in order.coupons]
        verification = translation.verification(data, coupons=coupons, repeated=repeated, now=now)
        return translation.undecided(verification)

    async def cancel(
        self,
        *,
        verify_id: str,
        coupon_id: str,
        cancel_token: str,
        order_id: str | None = None,
        account_id: str | None = None,
    ) -> Cancellation:
        """Take back one redemption. The same token within an hour takes back only once."""
        body = {
            "verify_id": verify_id,
            "certificate_id": coupon_id,
            "cancel_token": cancel_token,
        }
        if order_id:
            body["shop_order_id"] = order_id
        return await self._cancel(body, verify_ids=(verify_id,), account_id=account_id)

    async def cancel_batch(
        self,
        *,
        order_id: str,
        verify_ids: Sequence[str],
        cancel_token: str,
        account_id: str | None = None,
    ) -> Cancellation:
        """Take back several redemptions of one order's times card, all or none.

        The platform offers this for times cards only; cancel other coupons one by one.
        """
        body = {
            "verify_id": "0",
            "certificate_id": "0",
            "cancel_token": cancel_token,
            "batch_cancel_info": {"order_id": order_id, "verify_id_list": list(verify_ids)},
        }
        return await self._cancel(body, verify_ids=verify_ids, account_id=account_id)

    async def _cancel(
        self, body: dict[str, Any], *, verify_ids: Sequence[str], account_id: str | None
    ) -> Cancellation:
        if account_id:
            body["account_id"] = account_id
        call = Call("POST", f"{CERTIFICATE}/cancel/", True, body=body, account_id=account_id)
        data, now = await self._transport.send(call, responses.CancelData)
        return translation.cancellation(data, verify_ids=verify_ids, now=now)

    async def report_codes(
        self,
        *,
        order_id: str,
        codes: Sequence[str],
        failure: str | None = None,
        account_id: str | None = None,
    ) -> None:
        """The codes of an order for which we had answered "later"; or why there are none."""
        body: dict[str, Any] = {
            "order_id": order_id,
            "third_order_id": order_id,
            "codes": list(codes),
            "result": 2 if failure else 1,
        }
        if failure:
            body["fail_reason"] = failure
        path = "/goodlife/v1/fulfilment/create/callback/"
        await self._transport.send(
            Call("POST", path, True, body=body, account_id=account_id), responses.NoData
        )

    async def certificate_get(
        self, encrypted_code: str, *, account_id: str | None = None
    ) -> Coupon:
        """One coupon as it is now."""
        query = _query(encrypted_code=encrypted_code, account_id=account_id)
        call = Call("GET", f"{CERTIFICATE}/get/", query=query, account_id=account_id)
        data, now = await self._transport.send(call, responses.GetData)
        return translation.coupon(data.certificate, now=now)

    async def certificate_query(
        self,
        *,
        order_id: str | None = None,
        encrypted_code: str | None = None,
        account_id: str | None = None,
    ) -> CouponList:
        """All coupons of an order, or the one behind a code, as they are now."""
        query = _query(order_id=order_id, encrypted_code=encrypted_code, account_id=account_id)
        call = Call("GET", f"{CERTIFICATE}/query/", query=query, account_id=account_id)
        data, now = await self._transport.send(call, responses.QueryData)
        return CouponList(
            coupons=tuple(translation.coupon(found, now=now) for found in data.certificates),
            now=now,
        )

    async def verify_record_query(
        self,
        *,
        account_id: str,
        poi_ids: Sequence[str] = (),
        start: datetime | None = None,
        end: datetime | None = None,
        cursor: str = "0",
        size: int = MAX_RECORDS_PER_PAGE,
    ) -> RecordPage:
        """The platform's own list of redemptions; today's if no time is given."""
        query = _query(
            account_id=account_id,
            cursor=cursor,
            size=str(min(size, MAX_RECORDS_PER_PAGE)),
            poi_ids=",".join(poi_ids),
            start_time=_seconds(start),
            end_time=_seconds(end),
        )
        call = Call(
            "GET", f"{CERTIFICATE}/verify_record/query/", query=query, account_id=account_id
        )
        data, now = await self._transport.send(call, responses.RecordData)
        return pages.record_page(data, size=min(size, MAX_RECORDS_PER_PAGE), now=now)

    async def order_query(
        self,
        *,
        account_id: str,
        order_id: str | None = None,
        updated_from: datetime | None = None,
        updated_to: datetime | None = None,
        cursor: str | None = None,
        page_size: int = MAX_ORDERS_PER_PAGE,
    ) -> OrderPage:
        """One order, or all that changed within a time; `cursor` is a next_cursor given before."""
        size = min(page_size, MAX_ORDERS_PER_PAGE)
        query = _query(
            account_id=account_id,
            order_id=order_id,
            update_order_start_time=_seconds(updated_from),
            update_order_end_time=_seconds(updated_to),
            page_size=str(size),
        ) + pages.page_query(cursor)
        call = Call("GET", "/goodlife/v1/trade/order/query/", query=query, account_id=account_id)
        data, now = await self._transport.send(call, responses.OrderData)
        return pages.order_page(data, account_id=account_id, cursor=cursor, size=size, now=now)

    async def answer_refund(self, verdict: RefundVerdict, *, account_id: str | None = None) -> None:
        """Say yes or no to a refund that was left pending; said again it is the same answer."""
        await refunds.answer_refund(self._transport, verdict, account_id=account_id)


def _verify_body(
    verify_token: str, coupons: Sequence[CouponToVerify], order_id: str | None
) -> dict[str, Any]:
    codes = "codes" if any(coupon.ours for coupon in coupons) else "encrypted_codes"
    body: dict[str, Any] = {
        "verify_token": verify_token,
        codes: [coupon.encrypted_code for coupon in coupons],
    }
    return body | {"order_id": order_id} if order_id else body


def _query(**members: str | None) -> tuple[tuple[str, str], ...]:
    """Only what is given. Lists are joined by commas, as the platform's own SDK does."""
    return tuple((name, value) for name, value in members.items() if value)


def _seconds(moment: datetime | None) -> str | None:
    return None if moment is None else str(int(moment.timestamp()))
