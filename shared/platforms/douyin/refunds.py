"""Answers the platform's refund audits: the life services' call and the two trade systems'."""

from collections.abc import Iterator, Sequence
from typing import Any

from shared.platforms.douyin.fields import Shape
from shared.platforms.douyin.transport import Call, Transport
from shared.platforms.outcomes import Refused
from shared.platforms.reasons import Reason
from shared.platforms.refunds import RefundVerdict

LIFE_PATH = "/goodlife/v1/fulfilment/refund/audit/"
TRADE_V3_PATH = "/api/trade_basic/v1/developer/refund_audit_callback/"
TRADE_V2_PATH = "/api/apps/trade/v2/refund/merchant_audit_callback"
# RefundAsk.channel; None is the life services' SPI.
TRADE_V2, TRADE_V3 = "trade_v2", "trade_v3"
_ALLOW, _REFUSE = 1, 2
_WORDS_MAX = 200
_NO_WORDS = "商家不同意退款"


class _Nothing(Shape):
    """The envelope says it all."""


def splits(channel: str | None) -> bool:
    """Whether some coupons of a refund can be allowed and the others refused."""
    return channel is None


async def answer_refund(
    transport: Transport, verdict: RefundVerdict, *, account_id: str | None
) -> None:
    """Raises Refused where the platform takes this answer no more."""
    for path, body in _requests(verdict):
        of_account = account_id if path == LIFE_PATH else None
        call = Call("POST", path, True, body=body, account_id=of_account)
        await transport.send(call, _Nothing)


def _requests(verdict: RefundVerdict) -> Iterator[tuple[str, dict[str, Any]]]:
    if verdict.channel is None:
        yield from _life(verdict)
        return
    if verdict.allowed and verdict.refused:
        message = "the trade systems take one answer for the whole refund"
        raise Refused(message, reason=Reason.INVALID_REQUEST)
    status = {"refund_audit_status": _ALLOW if verdict.allow else _REFUSE}
    words = {} if verdict.allow else {"deny_message": _words(verdict)}
    if verdict.channel == TRADE_V3:
        yield TRADE_V3_PATH, {"refund_id": verdict.after_sale_id, **status, **words}
    else:
        yield TRADE_V2_PATH, {"out_refund_no": verdict.out_refund_id, **status, **words}


def _life(verdict: RefundVerdict) -> Iterator[tuple[str, dict[str, Any]]]:
    """A call for those refused and one for those allowed; the whole order is one call.

    The refusals go first: what then is left of the refund is allowed as a whole.
    """
    if verdict.refused or not verdict.allow:
        yield LIFE_PATH, _life_body(verdict, verdict.refused, _REFUSE)
    if verdict.allowed or (verdict.allow and not verdict.refused):
        yield LIFE_PATH, _life_body(verdict, verdict.allowed, _ALLOW)


def _life_body(verdict: RefundVerdict, coupon_ids: Sequence[str], result: int) -> dict[str, Any]:
    body: dict[str, Any] = {
        "after_sale_id": verdict.after_sale_id,
        "certificate": [{"certificate_id": coupon_id} for coupon_id in coupon_ids],
        "result": result,
    }
    if len(coupon_ids) == 1:
        body["certificate_id"] = coupon_ids[0]
    return body | ({"reason": _words(verdict)} if result == _REFUSE else {})


def _words(verdict: RefundVerdict) -> str:
    return (verdict.words or _NO_WORDS)[:_WORDS_MAX]
