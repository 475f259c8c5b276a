"""The platform's error codes that the simulator answers with, and their words."""

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType


class Code(IntEnum):
    OK = 0
    # The token endpoint.
    BAD_GRANT = 10002
    UNKNOWN_CLIENT_KEY = 10003
    WRONG_SECRET = 10013
    TOO_MANY_TOKENS = 10020
    # Mini-programs.
    TRADE_BAD_PARAMETER = 10000
    TRADE_REFUSED = 13000
    # One coupon.
    ALREADY_VERIFIED = 1208
    UNKNOWN_COUPON = 1212
    UNREADABLE_CODE = 1221
    TIMES_USED_UP = 1241
    NO_LONGER_VALID = 1250
    ALREADY_CANCELLED = 1265
    NO_CODE = 1502
    MERCHANT_NOT_AUTHORISED = 1508
    # The call.
    BUSY = 2100004
    BAD_PARAMETER = 2100005
    TOO_FREQUENT = 2119003
    UNPAID = 2119007
    TOKEN_INVALID = 2190002
    TOKEN_EXPIRED = 2190008
    WRONG_STORE = 3000002
    UNKNOWN_ORDER = 3100101
    NOTHING_ASKED = 4000001
    USE_CURSOR = 4000002
    GATEWAY_TOO_FREQUENT = 28003018


WORDS: Mapping[Code, str] = MappingProxyType(
    {
        Code.OK: "success",
        Code.BAD_GRANT: "参数错误",
        Code.UNKNOWN_CLIENT_KEY: "client_key不存在",
        Code.WRONG_SECRET: "client_key或者client_secret报错",
        Code.TOO_MANY_TOKENS: "获取token过于频繁",
        Code.TRADE_BAD_PARAMETER: "参数错误",
        Code.TRADE_REFUSED: "业务校验失败",
        Code.ALREADY_VERIFIED: "该券已核销",
        Code.UNKNOWN_COUPON: "查不到券",
        Code.UNREADABLE_CODE: "加密码解密失败",
        Code.TIMES_USED_UP: "次卡次数不足",
        Code.NO_LONGER_VALID: "券码已失效",
        Code.ALREADY_CANCELLED: "存在已撤销券",
        Code.NO_CODE: "券码不能同时为空",
        Code.MERCHANT_NOT_AUTHORISED: "商户未授权给应用",
        Code.BUSY: "系统繁忙，此时请开发者稍候再试",
        Code.BAD_PARAMETER: "参数不合法",
        Code.TOO_FREQUENT: "请求太频繁",
        Code.UNPAID: "订单未支付",
        Code.TOKEN_INVALID: "access_token无效",
        Code.TOKEN_EXPIRED: "access_token过期,请刷新或重新授权",
        Code.WRONG_STORE: "门店不适用",
        Code.UNKNOWN_ORDER: "订单不存在",
        Code.NOTHING_ASKED: "encrypted_code和order_id不能同时为空",
        Code.USE_CURSOR: "超出翻页范围，请使用cursor",
        Code.GATEWAY_TOO_FREQUENT: "请求过于频繁",
    }
)


class PlatformError(Exception):
    """An answer of the platform that is not success: HTTP 200 all the same."""

    def __init__(
        self,
        code: Code,
        description: str | None = None,
        *,
        data: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(description or WORDS[code])
        self.code = code
        self.description = description or WORDS[code]
        # What the answer says besides the error.
        self.data = data or {}
