"""What to tell of the attempt, of taking back, and of the platform."""

from collections.abc import Mapping
from typing import Final

from shared.platforms.guidance import Guidance, say
from shared.platforms.reason_codes import Reason

ON_ATTEMPTS: Final[Mapping[Reason, Guidance]] = {
    Reason.PREPARATION_UNKNOWN: say(
        zh=("这次扫码的记录找不到了", "请重新扫一次券码"),
        en=("This scan is not known any more", "Scan the code again"),
    ),
    Reason.PREPARATION_EXPIRED: say(
        zh=("扫码后等得太久了", "请重新扫一次券码"),
        en=("Too much time has passed since the scan", "Scan the code again"),
    ),
    Reason.PREPARATION_USED: say(
        zh=("这次扫码已经用过了", "一次扫码只能核销一次，请重新扫一次券码"),
        en=("This scan has been used", "One scan pays for one redemption; scan the code again"),
    ),
    Reason.COUPON_NOT_IN_PREPARATION: say(
        zh=("所选的券不在这次扫码里", "请重新扫码，再从列表里选券"),
        en=(
            "The chosen coupon is not part of this scan",
            "Scan again and choose from the list",
        ),
    ),
    Reason.TOO_MANY_COUPONS: say(
        zh=("一次选的券太多", "分几次核销"),
        en=("Too many coupons at once", "Redeem them in several rounds"),
    ),
    Reason.TOO_MANY_ATTEMPTS: say(
        zh=("输错太多次，暂停片刻", "等一分钟再试，优先扫顾客手机上的二维码"),
        en=("Too many wrong codes", "Wait a minute, then scan the QR code rather than typing"),
    ),
    Reason.REDEMPTION_ID_REUSED: say(
        zh=("这次核销的编号已用于别的券", "退出当前页面，重新扫码"),
        en=(
            "This redemption number belongs to another coupon",
            "Leave this page and scan again",
        ),
    ),
    Reason.REDEMPTION_UNKNOWN: say(
        zh=("没有这次核销的记录", "在今天的核销列表里找到它再操作"),
        en=("There is no such redemption", "Find it in today's list and try from there"),
    ),
    Reason.INVALID_REQUEST: say(
        zh=("请求内容有误", "重新扫一次；若还不行，把屏幕上的编号告诉技术支持"),
        en=(
            "The request is not right",
            "Scan again; if it stays so, tell support the number on the screen",
        ),
    ),
    Reason.NOT_REDEEMED: say(
        zh=("这张券没有被核销，无需撤销", "不用操作；券仍可使用"),
        en=(
            "This coupon is not redeemed, so nothing is to be taken back",
            "Nothing to do; it can be used",
        ),
    ),
    Reason.REDEMPTION_PENDING: say(
        zh=("这次核销还没有结果", "等核销结果出来以后，再决定是否撤销"),
        en=(
            "This redemption is not settled yet",
            "Wait for its result, then take it back if needed",
        ),
    ),
    Reason.CANCEL_IN_PROGRESS: say(
        zh=("正在撤销这次核销", "请稍等，在今天的核销列表里查看结果"),
        en=("This redemption is being taken back", "Wait, and see the result in today's list"),
    ),
    Reason.ALREADY_CANCELLED: say(
        zh=("这次核销已经撤销过了", "不用再操作；券已可以重新使用"),
        en=(
            "This redemption was already taken back",
            "Nothing to do; the coupon can be used again",
        ),
    ),
    Reason.CANCEL_ID_REUSED: say(
        zh=("这次撤销的编号已用于别的核销", "退出当前页面，在今天的核销列表里重新操作"),
        en=(
            "This cancellation number belongs to another redemption",
            "Leave this page and start again from today's list",
        ),
    ),
    Reason.CANCEL_WINDOW_CLOSED: say(
        zh=("已超过可撤销的时间", "不能撤销；需要退钱时请店长在平台商家后台处理退款"),
        en=(
            "It is too late to take this back",
            "Ask the manager to refund the customer in the platform's merchant console",
        ),
    ),
    Reason.CANCEL_AFTER_SETTLEMENT: say(
        zh=("这笔券已经结算，不能撤销", "请店长在平台商家后台处理退款"),
        en=(
            "This coupon is settled and cannot be taken back",
            "Ask the manager to refund the customer in the platform's merchant console",
        ),
    ),
    Reason.PLATFORM_BUSY: say(
        zh=("平台现在很忙", "等几秒再试一次，券没有被用掉"),
        en=("The platform is busy", "Try again in a few seconds; the coupon has not been used"),
    ),
    Reason.PLATFORM_UNREACHABLE: say(
        zh=("暂时连不上平台", "等一会儿再试；一直不行就用平台的商家 App 核销"),
        en=(
            "The platform cannot be reached",
            "Try again in a moment; if it lasts, redeem in the platform's own merchant app",
        ),
    ),
    Reason.UNKNOWN_PLATFORM_ERROR: say(
        zh=("平台拒绝了，原因不明", "再扫一次；若还不行，换一张券，并把平台的提示告诉店长"),
        en=(
            "The platform refused for a reason we do not know",
            "Scan once more, then try another coupon; tell the manager what it says",
        ),
    ),
}
