"""What to tell of the coupon, the code, and where they are used."""

from collections.abc import Mapping
from typing import Final

from shared.platforms.guidance import Guidance, say
from shared.platforms.reason_codes import Reason

ON_COUPONS: Final[Mapping[Reason, Guidance]] = {
    Reason.ALREADY_REDEEMED: say(
        zh=(
            "这张券已经用过了",
            "请顾客在订单里换一张未使用的券；顾客不认可时，查看核销记录里的时间和门店",
        ),
        en=(
            "This coupon has already been used",
            "Ask for an unused one; in case of doubt look up when and where it was used",
        ),
    ),
    Reason.REDEEMING_ELSEWHERE: say(
        zh=("另一台收银机正在核销这张券", "等半分钟再扫一次；如果那边已经核销，就不要重复出餐"),
        en=(
            "Another till is redeeming this coupon right now",
            "Wait half a minute and scan again; do not hand over goods twice",
        ),
    ),
    Reason.ALREADY_REFUNDED: say(
        zh=("这张券已经退款", "不能使用，请顾客重新下单"),
        en=(
            "This coupon has been refunded",
            "It cannot be used; ask the customer to order again",
        ),
    ),
    Reason.REFUND_IN_PROGRESS: say(
        zh=("这张券正在退款", "请顾客在订单里撤销退款申请，然后再扫"),
        en=(
            "A refund of this coupon is under way",
            "Ask the customer to withdraw the refund in the order, then scan again",
        ),
    ),
    Reason.EXPIRED: say(
        zh=("这张券已过期", "不能使用，过期的券会按平台规则退款；请顾客重新下单"),
        en=(
            "This coupon has expired",
            "The platform refunds it by its rules; a new order is needed",
        ),
    ),
    Reason.NO_LONGER_VALID: say(
        zh=("这张券已失效", "请顾客打开订单看看是否已退款或过期，换一张有效的券"),
        en=(
            "This coupon is no longer valid",
            "Ask the customer to check the order for a refund or expiry",
        ),
    ),
    Reason.NOT_YET_VALID: say(
        zh=("这张券还没到使用时间", "告诉顾客券上写的开始日期，到时再来"),
        en=(
            "This coupon is not valid yet",
            "Tell the customer the first day printed on the coupon",
        ),
    ),
    Reason.NOT_TODAY: say(
        zh=("这张券今天不能用", "券有不可用的星期或日期，请顾客查看使用规则后改天再来"),
        en=(
            "This coupon cannot be used today",
            "It excludes some weekdays or dates; ask the customer to read its rules",
        ),
    ),
    Reason.NOT_THIS_HOUR: say(
        zh=("这张券这个时间不能用", "券只在规定的时段可用，请顾客查看使用规则，到时再来"),
        en=(
            "This coupon cannot be used at this hour",
            "It is for certain hours; ask the customer to read its rules and come back then",
        ),
    ),
    Reason.WRONG_SLOT: say(
        zh=("这张票不是这个场次的", "请顾客查看票上的日期和时段，按预约的场次入场"),
        en=(
            "This ticket is for another day or time slot",
            "Ask the customer to look at its date and time, and to come then",
        ),
    ),
    Reason.USED_UP_TODAY: say(
        zh=("这张卡今天的次数已经用完", "请顾客改天再来，或换一张券；卡里剩下的次数还在"),
        en=(
            "This card has no uses left today",
            "The other uses remain for another day; or ask for another coupon",
        ),
    ),
    Reason.USED_UP_IN_PERIOD: say(
        zh=("这张卡本周期的次数已经用完", "请顾客过几天再来，或换一张券；卡里剩下的次数还在"),
        en=(
            "This card has no uses left in this period",
            "The other uses remain for later; or ask for another coupon",
        ),
    ),
    Reason.TIMES_USED_UP: say(
        zh=("次卡的次数已经用完", "请顾客重新购买，或换一张券"),
        en=(
            "All uses of this card are spent",
            "Ask the customer to buy a new one or show another coupon",
        ),
    ),
    Reason.ORDER_UNPAID: say(
        zh=("这个订单还没付款", "请顾客先在手机上付款，再重新出示券码"),
        en=(
            "This order is not paid",
            "Ask the customer to pay on the phone, then to show the code again",
        ),
    ),
    Reason.ORDER_CLOSED: say(
        zh=("这个订单已关闭", "不能使用，请顾客重新下单"),
        en=("This order is closed", "It cannot be used; ask the customer to order again"),
    ),
    Reason.GIFTED: say(
        zh=("这张券正在转赠", "请收礼人领取后出示，或请顾客取消转赠再扫"),
        en=(
            "This coupon is being given to someone else",
            "The receiver accepts it, or the customer takes it back; then scan again",
        ),
    ),
    Reason.RISK_HOLD: say(
        zh=("平台风控，48 小时内不能核销", "不要反复扫码；请顾客联系平台客服，48 小时后再来"),
        en=(
            "The platform holds this coupon for 48 hours",
            "Do not keep scanning; the customer may ask the platform or come back later",
        ),
    ),
    Reason.PLATFORM_BLOCKED: say(
        zh=(
            "平台限制了这张券或这家商户",
            "告诉店长，请店长在平台商家后台查看处理；顾客可以联系平台客服",
        ),
        en=(
            "The platform has blocked this coupon or merchant",
            "Tell the manager, who finds the cause in the platform's merchant console",
        ),
    ),
    Reason.REDEMPTION_CANCELLED_COUPON: say(
        zh=("所选的券里有撤销过核销的券", "请顾客刷新订单、重新出示券码，然后重新扫"),
        en=(
            "One of these coupons had its redemption taken back",
            "Ask the customer to refresh the order and show the code again, then scan it",
        ),
    ),
    Reason.CODE_UNREADABLE: say(
        zh=("没认出券码", "请顾客把屏幕调亮、放大券码再扫，或手动输入数字券码"),
        en=(
            "The code could not be read",
            "Ask for a brighter, larger code and scan again, or type the digits",
        ),
    ),
    Reason.CODE_UNKNOWN: say(
        zh=("查不到这张券", "核对数字有没有输错；请顾客从订单页重新打开券码，确认是本店的券"),
        en=(
            "No such coupon",
            "Check the digits; ask the customer to open the code from the order page again",
        ),
    ),
    Reason.CODE_MISTYPED: say(
        zh=("券码输错了一个字符", "请对照券码逐个核对后重新输入，或直接扫二维码"),
        en=(
            "One character of the code is wrong",
            "Compare it character by character and type it again, or scan the QR code",
        ),
    ),
    Reason.QR_EXPIRED: say(
        zh=("二维码已失效", "请顾客在订单页刷新二维码，然后重新扫"),
        en=(
            "This QR code is dead",
            "Ask the customer to refresh it on the order page, then scan again",
        ),
    ),
    Reason.DYNAMIC_CODE_EXPIRED: say(
        zh=("动态券码已过期", "动态码会不断更新，请扫顾客手机上现在显示的码，不要扫截图"),
        en=(
            "This changing code has run out",
            "Scan the code that the phone shows now, not a screenshot",
        ),
    ),
    Reason.WRONG_STORE: say(
        zh=("这张券不能在本店使用", "请顾客在订单页查看适用门店，能更换门店就更换后再扫"),
        en=(
            "This coupon is not for this store",
            "Ask the customer to look at the stores on the order page, and to change it there",
        ),
    ),
    Reason.WRONG_MERCHANT: say(
        zh=("这不是本商户的券", "请顾客确认商户名称，出示本商户的券"),
        en=(
            "This coupon is another merchant's",
            "Ask the customer for a coupon of this merchant",
        ),
    ),
    Reason.UNKNOWN_STORE: say(
        zh=("系统里没有这家门店", "告诉店长：需要先添加门店并填写平台门店编号"),
        en=(
            "This store is not set up",
            "Tell the manager: add the store with its platform number first",
        ),
    ),
    Reason.STORE_CLOSED: say(
        zh=("本店已停业，不能核销", "告诉店长；若门店仍在营业，请店长在后台重新开启"),
        en=(
            "This store is marked as closed",
            "Tell the manager, who can open it again in the console",
        ),
    ),
    Reason.TERMINAL_REVOKED: say(
        zh=("这台收银机已被停用", "换一台收银机；需要恢复时请店长重新绑定这台设备"),
        en=(
            "This till has been switched off",
            "Use another till; the manager can enrol this one again",
        ),
    ),
    Reason.MERCHANT_NOT_AUTHORISED: say(
        zh=("商户没有授权核销", "告诉店长：在平台商家后台给本系统授权核销，然后再扫"),
        en=(
            "The merchant has not allowed redemption",
            "Tell the manager: grant it in the platform's merchant console, then scan again",
        ),
    ),
    Reason.APP_NOT_AUTHORISED: say(
        zh=("本系统没有平台的核销权限", "告诉店长联系技术支持；暂时用平台的商家 App 核销"),
        en=(
            "The platform does not let this system redeem",
            "Tell the manager to call support; meanwhile use the platform's own merchant app",
        ),
    ),
}
