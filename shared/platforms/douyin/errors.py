"""What each of Douyin's codes means for us: one table for envelope codes and verify results.

Three rules stand behind the dispositions:

* RETRY and REFUSED promise that nothing was done. Only a code that comes from the gateway
  (quota, rate) or names a rule that was broken can promise that.
* A code that may come from behind the gateway ("busy", "unknown") promises nothing. The
  platform's own advice is to ask again with the same token, and to take "already redeemed" on
  that second call as success: so the first call may have worked. That is UNKNOWN_OUTCOME, and
  on a call without effect it is RETRY.
* A code that is not in this table: on a call with effect UNKNOWN_OUTCOME, since a wrong
  "refused" sends away a customer whose coupon is spent; on a lookup REFUSED with the platform's
  own words, since nothing can have changed and "try again" would only repeat it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from shared.platforms.reasons import Reason


class Disposition(StrEnum):
    OK = "ok"
    RETRY = "retry"
    REFUSED = "refused"
    UNKNOWN_OUTCOME = "unknown_outcome"
    TOKEN = "token"  # noqa: S105 - the name of a disposition: fetch a new token and ask again


@dataclass(frozen=True, slots=True)
class Meaning:
    disposition: Disposition
    reason: Reason
    note: str
    # Such small numbers mean this only as the `result` of one coupon, not in an envelope.
    result_only: bool = False


def _refused(reason: Reason, note: str, *, result_only: bool = False) -> Meaning:
    return Meaning(Disposition.REFUSED, reason, note, result_only)


def _retry(note: str) -> Meaning:
    return Meaning(Disposition.RETRY, Reason.PLATFORM_BUSY, note)


def _unknown(note: str, reason: Reason = Reason.PLATFORM_BUSY) -> Meaning:
    return Meaning(Disposition.UNKNOWN_OUTCOME, reason, note)


def _token(note: str) -> Meaning:
    return Meaning(Disposition.TOKEN, Reason.APP_NOT_AUTHORISED, note)


OK = Meaning(Disposition.OK, Reason.UNKNOWN_PLATFORM_ERROR, "success")

CODES: Mapping[int, Meaning] = MappingProxyType(
    {
        0: OK,
        # One coupon's answer to verify.
        2: _refused(Reason.ALREADY_REDEEMED, "success when asked again", result_only=True),
        1208: _refused(Reason.ALREADY_REDEEMED, "已核销; success when asked again"),
        1212: _refused(Reason.CODE_UNKNOWN, "查不到券"),
        1221: _refused(Reason.CODE_UNREADABLE, "加密码解密失败"),
        1229: _refused(Reason.RISK_HOLD, "风险核销 48h"),
        1241: _refused(Reason.TIMES_USED_UP, "次卡次数不足"),
        1250: _refused(Reason.NO_LONGER_VALID, "券码已失效: refunded or expired, it does not say"),
        1263: _refused(Reason.CODE_UNKNOWN, "查不到子履约单"),
        1265: _refused(Reason.REDEMPTION_CANCELLED_COUPON, "存在已撤销券"),
        1502: _refused(Reason.INVALID_REQUEST, "券码不能同时为空"),
        1508: _refused(Reason.MERCHANT_NOT_AUTHORISED, "商户未授权给应用"),
        # Seen as sub code under 3000001, which alone would say "try again".
        2034000910: _refused(Reason.CANCEL_WINDOW_CLOSED, "已超过可撤销时限"),
        # Rules of the life services.
        200002: _refused(Reason.INVALID_REQUEST, "the body could not be read"),
        2100001: _unknown("未知错误"),
        2100004: _unknown("系统繁忙: may be a time-out behind the gateway, after the effect"),
        2100005: _refused(Reason.INVALID_REQUEST, "参数不合法"),
        2100007: _refused(Reason.APP_NOT_AUTHORISED, "IP 不在白名单 or no permission"),
        2119001: _refused(Reason.INVALID_REQUEST, "参数不合法"),
        2119002: _unknown("系统繁忙: as 2100004"),
        2119003: _retry("请求太频繁: turned away before any work"),
        2119005: _refused(Reason.MERCHANT_NOT_AUTHORISED, "应用未获商家授权"),
        2119006: _refused(Reason.GIFTED, "转赠中"),
        2119007: _refused(Reason.ORDER_UNPAID, "点单中未支付"),
        2119008: _refused(Reason.PLATFORM_BLOCKED, "平台管控"),
        2119010: _refused(Reason.UNKNOWN_PLATFORM_ERROR, "接口下线: this call no longer exists"),
        3000001: _unknown("可重试业务错误: says retry, not that nothing was done"),
        3000002: _refused(Reason.WRONG_STORE, "门店不适用"),
        3100101: _refused(Reason.CODE_UNKNOWN, "订单不存在"),
        4000001: _refused(Reason.INVALID_REQUEST, "未传 encrypted_code 或 order_id"),
        4000002: _refused(Reason.INVALID_REQUEST, "请用 cursor"),
        5000001: _unknown("联系抖音", Reason.UNKNOWN_PLATFORM_ERROR),
        45005117: _refused(Reason.DYNAMIC_CODE_EXPIRED, "动态券码已过期"),
        # Tokens, rights and quotas: all from the gateway, before any work.
        2190001: _retry("quota used up"),
        2190002: _token("access_token 无效"),
        2190004: _refused(Reason.APP_NOT_AUTHORISED, "应用未获得该能力"),
        2190008: _token("access_token 过期"),
        28001003: _token("access_token 无效"),
        28001005: _unknown("系统繁忙"),
        28001006: _unknown("network error behind the gateway"),
        28001007: _refused(Reason.INVALID_REQUEST, "参数不合法"),
        28001008: _token("access_token 过期"),
        28001014: _refused(Reason.APP_NOT_AUTHORISED, "应用未授权任何能力"),
        28001016: _refused(Reason.APP_NOT_AUTHORISED, "应用已被封禁或下线"),
        28001018: _refused(Reason.APP_NOT_AUTHORISED, "应用未获得该能力"),
        28003017: _retry("quota used up"),
        28003018: _retry("too frequent"),
        # The mini-programs' trade; their texts say what is wrong, the numbers do not.
        10000: _refused(Reason.INVALID_REQUEST, "参数错误"),
        13000: _unknown("several texts, of rules and of failures", Reason.UNKNOWN_PLATFORM_ERROR),
        # The token endpoint.
        10002: _refused(Reason.APP_NOT_AUTHORISED, "参数错误"),
        10003: _refused(Reason.APP_NOT_AUTHORISED, "client_key 不存在"),
        10013: _refused(Reason.APP_NOT_AUTHORISED, "client_key or client_secret is wrong"),
        10020: _retry("more than 500 tokens in 5 minutes"),
    }
)

# The platform's rule: on a repeated call after an unknown outcome these results are success.
ALREADY_REDEEMED_RESULTS = frozenset({2, 1208})

_UNLISTED_WITH_EFFECT = _unknown("not in our table", Reason.UNKNOWN_PLATFORM_ERROR)
_UNLISTED_LOOKUP = _refused(Reason.UNKNOWN_PLATFORM_ERROR, "not in our table")


def meaning_of_envelope(code: int, *, sub_code: int = 0, has_effect: bool) -> Meaning:
    """What an envelope says. The sub code goes first: it is the one that names the cause."""
    if code == 0:
        return OK
    for candidate in (sub_code, code):
        meaning = CODES.get(candidate)
        if meaning is None or meaning is OK or meaning.result_only:
            continue
        if meaning.disposition is Disposition.UNKNOWN_OUTCOME and not has_effect:
            return Meaning(Disposition.RETRY, meaning.reason, meaning.note)
        return meaning
    return _UNLISTED_WITH_EFFECT if has_effect else _UNLISTED_LOOKUP


def meaning_of_result(code: int) -> Meaning:
    """What verify's `result`, or cancel's `result_code`, says of one coupon."""
    return CODES.get(code, _UNLISTED_WITH_EFFECT)
