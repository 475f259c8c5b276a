"""Why a coupon is refused, and what the clerk should do now, in Chinese and English."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Reason(StrEnum):
    # The coupon.
    ALREADY_REDEEMED = "already_redeemed"
    REDEEMING_ELSEWHERE = "redeeming_elsewhere"
    ALREADY_REFUNDED = "already_refunded"
    REFUND_IN_PROGRESS = "refund_in_progress"
    EXPIRED = "expired"
    NO_LONGER_VALID = "no_longer_valid"
    NOT_YET_VALID = "not_yet_valid"
    NOT_TODAY = "not_today"
    TIMES_USED_UP = "times_used_up"
    ORDER_UNPAID = "order_unpaid"
    ORDER_CLOSED = "order_closed"
    GIFTED = "gifted"
    RISK_HOLD = "risk_hold"
    PLATFORM_BLOCKED = "platform_blocked"
    REDEMPTION_CANCELLED_COUPON = "redemption_cancelled_coupon"
    # What was scanned.
    CODE_UNREADABLE = "code_unreadable"
    CODE_UNKNOWN = "code_unknown"
    QR_EXPIRED = "qr_expired"
    DYNAMIC_CODE_EXPIRED = "dynamic_code_expired"
    # Where and by whom.
    WRONG_STORE = "wrong_store"
    WRONG_MERCHANT = "wrong_merchant"
    UNKNOWN_STORE = "unknown_store"
    STORE_CLOSED = "store_closed"
    TERMINAL_REVOKED = "terminal_revoked"
    MERCHANT_NOT_AUTHORISED = "merchant_not_authorised"
    APP_NOT_AUTHORISED = "app_not_authorised"
    # The attempt.
    PREPARATION_UNKNOWN = "preparation_unknown"
    PREPARATION_EXPIRED = "preparation_expired"
    PREPARATION_USED = "preparation_used"
    COUPON_NOT_IN_PREPARATION = "coupon_not_in_preparation"
    TOO_MANY_COUPONS = "too_many_coupons"
    TOO_MANY_ATTEMPTS = "too_many_attempts"
    REDEMPTION_ID_REUSED = "redemption_id_reused"
    REDEMPTION_UNKNOWN = "redemption_unknown"
    INVALID_REQUEST = "invalid_request"
    # Taking back.
    NOT_REDEEMED = "not_redeemed"
    ALREADY_CANCELLED = "already_cancelled"
    REDEMPTION_PENDING = "redemption_pending"
    CANCEL_IN_PROGRESS = "cancel_in_progress"
    CANCEL_ID_REUSED = "cancel_id_reused"
    CANCEL_WINDOW_CLOSED = "cancel_window_closed"
    CANCEL_AFTER_SETTLEMENT = "cancel_after_settlement"
    # The platform.
    PLATFORM_BUSY = "platform_busy"
    PLATFORM_UNREACHABLE = "platform_unreachable"
    UNKNOWN_PLATFORM_ERROR = "unknown_platform_error"


@dataclass(frozen=True, slots=True)
class Words:
    """One sentence in both languages."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Guidance:
    """What happened (title) and what the clerk should do now (action)."""

    title: Words
    action: Words


def _say(*, zh: tuple[str, str], en: tuple[str, str]) -> Guidance:
    return Guidance(title=Words(zh[0], en[0]), action=Words(zh[1], en[1]))


GUIDANCE: Mapping[Reason, Guidance] = MappingProxyType(
    {
        Reason.ALREADY_REDEEMED: _say(
            zh=(
                "这张券已经用过了",
                "请顾客在订单里换一张未使用的券；顾客不认可时，查看核销记录里的时间和门店",
            ),
            en=(
                "This coupon has already been used",
                "Ask for an unused one; in case of doubt look up when and where it was used",
            ),
        ),
        Reason.REDEEMING_ELSEWHERE: _say(
            zh=("另一台收银机正在核销这张券", "等半分钟再扫一次；如果那边已经核销，就不要重复出餐"),
            en=(
                "Another till is redeeming this coupon right now",
                "Wait half a minute and scan again; do not hand over goods twice",
            ),
        ),
        Reason.ALREADY_REFUNDED: _say(
            zh=("这张券已经退款", "不能使用，请顾客重新下单"),
            en=(
                "This coupon has been refunded",
                "It cannot be used; ask the customer to order again",
            ),
        ),
        Reason.REFUND_IN_PROGRESS: _say(
            zh=("这张券正在退款", "请顾客在订单里撤销退款申请，然后再扫"),
            en=(
                "A refund of this coupon is under way",
                "Ask the customer to withdraw the refund in the order, then scan again",
            ),
        ),
        Reason.EXPIRED: _say(
            zh=("这张券已过期", "不能使用，过期的券会按平台规则退款；请顾客重新下单"),
            en=(
                "This coupon has expired",
                "The platform refunds it by its rules; a new order is needed",
            ),
        ),
        Reason.NO_LONGER_VALID: _say(
            zh=("这张券已失效", "请顾客打开订单看看是否已退款或过期，换一张有效的券"),
            en=(
                "This coupon is no longer valid",
                "Ask the customer to check the order for a refund or expiry",
            ),
        ),
        Reason.NOT_YET_VALID: _say(
            zh=("这张券还没到使用时间", "告诉顾客券上写的开始日期，到时再来"),
            en=(
                "This coupon is not valid yet",
                "Tell the customer the first day printed on the coupon",
            ),
        ),
        Reason.NOT_TODAY: _say(
            zh=("这张券今天不能用", "券有不可用的星期或日期，请顾客查看使用规则后改天再来"),
            en=(
                "This coupon cannot be used today",
                "It excludes some weekdays or dates; ask the customer to read its rules",
            ),
        ),
        Reason.TIMES_USED_UP: _say(
            zh=("次卡的次数已经用完", "请顾客重新购买，或换一张券"),
            en=(
                "All uses of this card are spent",
                "Ask the customer to buy a new one or show another coupon",
            ),
        ),
        Reason.ORDER_UNPAID: _say(
            zh=("这个订单还没付款", "请顾客先在手机上付款，再重新出示券码"),
            en=(
                "This order is not paid",
                "Ask the customer to pay on the phone, then to show the code again",
            ),
        ),
        Reason.ORDER_CLOSED: _say(
            zh=("这个订单已关闭", "不能使用，请顾客重新下单"),
            en=("This order is closed", "It cannot be used; ask the customer to order again"),
        ),
        Reason.GIFTED: _say(
            zh=("这张券正在转赠", "请收礼人领取后出示，或请顾客取消转赠再扫"),
            en=(
                "This coupon is being given to someone else",
                "The receiver accepts it, or the customer takes it back; then scan again",
            ),
        ),
        Reason.RISK_HOLD: _say(
            zh=("平台风控，48 小时内不能核销", "不要反复扫码；请顾客联系平台客服，48 小时后再来"),
            en=(
                "The platform holds this coupon for 48 hours",
                "Do not keep scanning; the customer may ask the platform or come back later",
            ),
        ),
        Reason.PLATFORM_BLOCKED: _say(
            zh=(
                "平台限制了这张券或这家商户",
                "告诉店长，请店长在平台商家后台查看处理；顾客可以联系平台客服",
            ),
            en=(
                "The platform has blocked this coupon or merchant",
                "Tell the manager, who finds the cause in the platform's merchant console",
            ),
        ),
        Reason.REDEMPTION_CANCELLED_COUPON: _say(
            zh=("所选的券里有撤销过核销的券", "请顾客刷新订单、重新出示券码，然后重新扫"),
            en=(
                "One of these coupons had its redemption taken back",
                "Ask the customer to refresh the order and show the code again, then scan it",
            ),
        ),
        Reason.CODE_UNREADABLE: _say(
            zh=("没认出券码", "请顾客把屏幕调亮、放大券码再扫，或手动输入数字券码"),
            en=(
                "The code could not be read",
                "Ask for a brighter, larger code and scan again, or type the digits",
            ),
        ),
        Reason.CODE_UNKNOWN: _say(
            zh=("查不到这张券", "核对数字有没有输错；请顾客从订单页重新打开券码，确认是本店的券"),
            en=(
                "No such coupon",
                "Check the digits; ask the customer to open the code from the order page again",
            ),
        ),
        Reason.QR_EXPIRED: _say(
            zh=("二维码已失效", "请顾客在订单页刷新二维码，然后重新扫"),
            en=(
                "This QR code is dead",
                "Ask the customer to refresh it on the order page, then scan again",
            ),
        ),
        Reason.DYNAMIC_CODE_EXPIRED: _say(
            zh=("动态券码已过期", "动态码会不断更新，请扫顾客手机上现在显示的码，不要扫截图"),
            en=(
                "This changing code has run out",
                "Scan the code that the phone shows now, not a screenshot",
            ),
        ),
        Reason.WRONG_STORE: _say(
            zh=("这张券不能在本店使用", "请顾客在订单页查看适用门店，能更换门店就更换后再扫"),
            en=(
                "This coupon is not for this store",
                "Ask the customer to look at the stores on the order page, and to change it there",
            ),
        ),
        Reason.WRONG_MERCHANT: _say(
            zh=("这不是本商户的券", "请顾客确认商户名称，出示本商户的券"),
            en=(
                "This coupon is another merchant's",
                "Ask the customer for a coupon of this merchant",
            ),
        ),
        Reason.UNKNOWN_STORE: _say(
            zh=("系统里没有这家门店", "告诉店长：需要先添加门店并填写平台门店编号"),
            en=(
                "This store is not set up",
                "Tell the manager: add the store with its platform number first",
            ),
        ),
        Reason.STORE_CLOSED: _say(
            zh=("本店已停业，不能核销", "告诉店长；若门店仍在营业，请店长在后台重新开启"),
            en=(
                "This store is marked as closed",
                "Tell the manager, who can open it again in the console",
            ),
        ),
        Reason.TERMINAL_REVOKED: _say(
            zh=("这台收银机已被停用", "换一台收银机；需要恢复时请店长重新绑定这台设备"),
            en=(
                "This till has been switched off",
                "Use another till; the manager can enrol this one again",
            ),
        ),
        Reason.MERCHANT_NOT_AUTHORISED: _say(
            zh=("商户没有授权核销", "告诉店长：在平台商家后台给本系统授权核销，然后再扫"),
            en=(
                "The merchant has not allowed redemption",
                "Tell the manager: grant it in the platform's merchant console, then scan again",
            ),
        ),
        Reason.APP_NOT_AUTHORISED: _say(
            zh=("本系统没有平台的核销权限", "告诉店长联系技术支持；暂时用平台的商家 App 核销"),
            en=(
                "The platform does not let this system redeem",
                "Tell the manager to call support; meanwhile use the platform's own merchant app",
            ),
        ),
        Reason.PREPARATION_UNKNOWN: _say(
            zh=("这次扫码的记录找不到了", "请重新扫一次券码"),
            en=("This scan is not known any more", "Scan the code again"),
        ),
        Reason.PREPARATION_EXPIRED: _say(
            zh=("扫码后等得太久了", "请重新扫一次券码"),
            en=("Too much time has passed since the scan", "Scan the code again"),
        ),
        Reason.PREPARATION_USED: _say(
            zh=("这次扫码已经用过了", "一次扫码只能核销一次，请重新扫一次券码"),
            en=("This scan has been used", "One scan pays for one redemption; scan the code again"),
        ),
        Reason.COUPON_NOT_IN_PREPARATION: _say(
            zh=("所选的券不在这次扫码里", "请重新扫码，再从列表里选券"),
            en=(
                "The chosen coupon is not part of this scan",
                "Scan again and choose from the list",
            ),
        ),
        Reason.TOO_MANY_COUPONS: _say(
            zh=("一次选的券太多", "分几次核销"),
            en=("Too many coupons at once", "Redeem them in several rounds"),
        ),
        Reason.TOO_MANY_ATTEMPTS: _say(
            zh=("输错太多次，暂停片刻", "等一分钟再试，优先扫顾客手机上的二维码"),
            en=("Too many wrong codes", "Wait a minute, then scan the QR code rather than typing"),
        ),
        Reason.REDEMPTION_ID_REUSED: _say(
            zh=("这次核销的编号已用于别的券", "退出当前页面，重新扫码"),
            en=(
                "This redemption number belongs to another coupon",
                "Leave this page and scan again",
            ),
        ),
        Reason.REDEMPTION_UNKNOWN: _say(
            zh=("没有这次核销的记录", "在今天的核销列表里找到它再操作"),
            en=("There is no such redemption", "Find it in today's list and try from there"),
        ),
        Reason.INVALID_REQUEST: _say(
            zh=("请求内容有误", "重新扫一次；若还不行，把屏幕上的编号告诉技术支持"),
            en=(
                "The request is not right",
                "Scan again; if it stays so, tell support the number on the screen",
            ),
        ),
        Reason.NOT_REDEEMED: _say(
            zh=("这张券没有被核销，无需撤销", "不用操作；券仍可使用"),
            en=(
                "This coupon is not redeemed, so nothing is to be taken back",
                "Nothing to do; it can be used",
            ),
        ),
        Reason.REDEMPTION_PENDING: _say(
            zh=("这次核销还没有结果", "等核销结果出来以后，再决定是否撤销"),
            en=(
                "This redemption is not settled yet",
                "Wait for its result, then take it back if needed",
            ),
        ),
        Reason.CANCEL_IN_PROGRESS: _say(
            zh=("正在撤销这次核销", "请稍等，在今天的核销列表里查看结果"),
            en=("This redemption is being taken back", "Wait, and see the result in today's list"),
        ),
        Reason.ALREADY_CANCELLED: _say(
            zh=("这次核销已经撤销过了", "不用再操作；券已可以重新使用"),
            en=(
                "This redemption was already taken back",
                "Nothing to do; the coupon can be used again",
            ),
        ),
        Reason.CANCEL_ID_REUSED: _say(
            zh=("这次撤销的编号已用于别的核销", "退出当前页面，在今天的核销列表里重新操作"),
            en=(
                "This cancellation number belongs to another redemption",
                "Leave this page and start again from today's list",
            ),
        ),
        Reason.CANCEL_WINDOW_CLOSED: _say(
            zh=("已超过可撤销的时间", "不能撤销；需要退钱时请店长在平台商家后台处理退款"),
            en=(
                "It is too late to take this back",
                "Ask the manager to refund the customer in the platform's merchant console",
            ),
        ),
        Reason.CANCEL_AFTER_SETTLEMENT: _say(
            zh=("这笔券已经结算，不能撤销", "请店长在平台商家后台处理退款"),
            en=(
                "This coupon is settled and cannot be taken back",
                "Ask the manager to refund the customer in the platform's merchant console",
            ),
        ),
        Reason.PLATFORM_BUSY: _say(
            zh=("平台现在很忙", "等几秒再试一次，券没有被用掉"),
            en=("The platform is busy", "Try again in a few seconds; the coupon has not been used"),
        ),
        Reason.PLATFORM_UNREACHABLE: _say(
            zh=("暂时连不上平台", "等一会儿再试；一直不行就用平台的商家 App 核销"),
            en=(
                "The platform cannot be reached",
                "Try again in a moment; if it lasts, redeem in the platform's own merchant app",
            ),
        ),
        Reason.UNKNOWN_PLATFORM_ERROR: _say(
            zh=("平台拒绝了，原因不明", "再扫一次；若还不行，换一张券，并把平台的提示告诉店长"),
            en=(
                "The platform refused for a reason we do not know",
                "Scan once more, then try another coupon; tell the manager what it says",
            ),
        ),
    }
)
