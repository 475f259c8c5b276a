"""The questions of Douyin's life services (SPI): which there are, their signature, their reading.

A merchant registers one address per question, so the name in the address is the platform's own
where the documents print it, and ours where they do not.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from shared.errors import Unreadable
from shared.platforms.douyin import signatures
from shared.platforms.douyin.webhooks import MAX_BODY_BYTES, read_time
from shared.platforms.questions import Channel, Matter, Pace, QueryPairs, Question
from shared.strict_json import is_flat, read_json

_ACTION = re.compile(r"[a-z0-9_]{1,40}(?:\.[a-z0-9_]{1,40}){0,5}", re.ASCII)


class Spi(NamedTuple):
    """One row of the table. `waits_seconds` is the platform's deadline where it is documented."""

    matter: Matter
    zh: str
    en: str
    pace: Pace = Pace.ORDINARY
    waits_seconds: float | None = None
    # The name is ours: the documents show no name for it.
    named_by_us: bool = False


_ORDER, _CODES, _REFUND, _STATUS = Matter.ORDER, Matter.CODES, Matter.REFUND, Matter.STATUS
_NOTICE, _UNSUPPORTED = Matter.NOTICE, Matter.UNSUPPORTED

SPIS: Mapping[str, Spi] = MappingProxyType(
    {
        "trade.order.pre_create_order": Spi(
            _ORDER, "预下单", "before an order", Pace.QUICK, waits_seconds=8
        ),
        "fulfilment.order.tripartite_code": Spi(
            _CODES, "三方码发券", "issue codes", waits_seconds=8
        ),
        "fulfilment.order.refund_apply": Spi(
            _REFUND, "三方码退款申请", "a refund is asked for", waits_seconds=8
        ),
        "fulfilment.order.refund_notice": Spi(
            _NOTICE, "三方码退款信息同步", "coupons are refunded"
        ),
        "fulfilment.order.query": Spi(
            _STATUS, "订单状态查询", "how orders stand", named_by_us=True
        ),
        "catering.order.refund_apply": Spi(
            _REFUND, "点单用户申请退款", "a refund of an order-ahead", named_by_us=True
        ),
        "traffic.order.refund_notify": Spi(
            _NOTICE, "大交通退款结果通知", "refunds were decided (travel)"
        ),
        "scenic_spot.order.pay_notify": Spi(_NOTICE, "景区支付通知", "an order is paid (scenic)"),
        "scenic_spot.order.cancel_notify": Spi(
            _NOTICE, "景区取消通知", "an order is cancelled (scenic)"
        ),
        "scenic_spot.order.refund_notify": Spi(
            _NOTICE, "景区退款通知", "an order is refunded (scenic)"
        ),
        # Their bodies are not documented well enough to decide anything by them.
        "scenic_spot.order.can_buy": Spi(
            _UNSUPPORTED, "景区可订检查", "may this be bought (scenic)", Pace.QUICK, waits_seconds=2
        ),
        "scenic_spot.order.create_order": Spi(_UNSUPPORTED, "景区下单", "an order (scenic)"),
        "scenic_spot.order.refund_apply": Spi(_UNSUPPORTED, "景区退款申请", "a refund (scenic)"),
        "scenic_spot.order.query_order": Spi(_UNSUPPORTED, "景区订单查询", "an order (scenic)"),
        "pickup.order.refund_apply": Spi(
            _UNSUPPORTED, "提货券商家退款申请", "a refund of a pick-up voucher", named_by_us=True
        ),
        "life.trade.order_delay": Spi(_UNSUPPORTED, "订单延期", "an order is prolonged"),
        "merchant.member.join": Spi(_UNSUPPORTED, "会员入会", "a member joins"),
        "merchant.member.leave": Spi(_UNSUPPORTED, "会员退会", "a member leaves"),
        "merchant.member.info.update": Spi(_UNSUPPORTED, "会员信息变更", "a member changes"),
        "cert.fulfil.async_cancel_fulfil": Spi(
            _UNSUPPORTED, "异步撤销核销", "a use is taken back later"
        ),
    }
)
# Families of which only the names are known: hotel_spot, travel_spot, booking.catering,
# retail.order, cert.asset. They are answered and recorded like any name that we do not know.


def is_action(text: str) -> bool:
    return _ACTION.fullmatch(text) is not None


def event_of(action: str) -> str:
    return f"{Channel.SPI}_{action.replace('.', '_')}"


def client_key(query: QueryPairs) -> str | None:
    """Of the address, which counts where a header says otherwise; never of two the first."""
    keys = [value for name, value in query if name == "client_key"]
    return keys[0] if len(keys) == 1 else None


def verify(
    query: QueryPairs, headers: Mapping[str, str], raw: bytes, secrets: Sequence[str]
) -> bool:
    """The signature in the header; the older one in the address only where there is no header.

    Both are plain hashes, which can be lengthened by whoever has seen one; what is added then are
    bytes that strict JSON does not take.
    """
    signature = headers.get(signatures.LIFE_HEADER)
    if signature is not None:
        return signatures.verify_life(signature, query, raw, secrets)
    old = next((value for name, value in query if name == "sign"), None)
    return signatures.verify_life_old(old, query, raw, secrets)


def read(action: str, query: QueryPairs, raw: bytes) -> Question:
    """Raises Unreadable unless the body is one JSON object."""
    spi = SPIS.get(action)
    return Question(
        channel=Channel.SPI,
        event=event_of(action),
        matter=Matter.UNSUPPORTED if spi is None else spi.matter,
        pace=Pace.ORDINARY if spi is None else spi.pace,
        content=read_body(raw),
        sent_at=_sent_at(query),
        known=spi is not None,
    )


def read_body(raw: bytes) -> Any:
    """The content, as it is published too."""
    if len(raw) > MAX_BODY_BYTES:
        raise Unreadable(f"the body is larger than {MAX_BODY_BYTES} bytes")
    if not raw:
        # Some questions have all they ask in their address.
        return {}
    body = read_json(raw, part="the body", flat=is_flat(raw))
    if not isinstance(body, dict):
        raise Unreadable("the body is not a JSON object")
    return body


def _sent_at(query: QueryPairs) -> datetime | None:
    """Seconds or milliseconds: pages and captures disagree."""
    return next((read_time(value) for name, value in query if name == "timestamp"), None)
