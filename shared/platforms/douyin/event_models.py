"""The contents of Douyin's events, as far as their shapes are known.

Personal members may be anything: in our own events they are sealed.
"""

from typing import Any

from pydantic import AliasChoices, Field, StrictFloat, StrictInt, StrictStr

from shared.platforms.douyin.fields import Amount, Id, SeenId, SeenInteger, SeenTime, Shape


class OrderOfNotify(Shape):
    order_id: Id
    account_id: SeenId = None
    pay_amount: Amount = None
    original_amount: Amount = None
    create_time: SeenTime = None
    pay_time: SeenTime = None


class OrderNotify(Shape):
    """life_trade_order_notify; the one action seen is pay_success."""

    action: str
    msg_time: SeenTime = None
    order: OrderOfNotify


class CertificateOfNotify(Shape):
    certificate_id: Id
    order_id: Id
    account_id: SeenId = None


class CertificateNotify(Shape):
    """life_trade_certificate_notify: verify, verify_cancel or refund_success."""

    action: str
    msg_time: SeenTime = None
    certificate: CertificateOfNotify


class ProductAudit(Shape):
    """life_product_audit and life_product_common_audit; status is PASS or FAIL."""

    product_id: Id
    status: str
    reason: str | None = None


class ProductStatusChange(Shape):
    """life_product_status_change; GOODS_ONLINE, GOODS_OFFLINE, GOODS_DELETE, GOODS_BAN."""

    status: str
    product_id: SeenId = None


class PartnerOrderNotify(Shape):
    """life_partner_order_notify; its time is in milliseconds."""

    order_id: Id
    merchant_id: SeenId = None
    partner_id: SeenId = None
    status: SeenInteger = None
    event_time: SeenTime = None


class MemberChange(Shape):
    """life_member_join and life_member_leave; the number is personal."""

    account_id: Id
    mobile: Any = Field(default=None, repr=False)


class CooperationGranted(Shape):
    """life_saas_cooperate_auth_with_bind: a merchant grants us rights."""

    account_id: Id
    solution_key: SeenId = None
    permission_keys: Any = None
    out_shop_id: SeenId = None
    poi_id: SeenId = None
    extra: Any = None


class Scopes(Shape):
    """authorize and unauthorize: what a user granted or took back."""

    scopes: tuple[str, ...] = ()


class Challenge(Shape):
    """verify_webhook."""

    challenge: StrictInt | StrictStr | StrictFloat


class FollowAction(Shape):
    """new_follow_action and new_video_digg."""

    action_type: SeenInteger = None
    action_time: SeenTime = None
    item_id: str | None = None


class CommentReply(Shape):
    """item_comment_reply; the words are personal."""

    comment_id: str | None = None
    comment_user_id: Any = Field(default=None, repr=False)
    content: Any = Field(default=None, repr=False)
    create_time: SeenTime = None
    reply_to_comment_id: str | None = None
    reply_to_item_id: str | None = None


class Message(Shape):
    """receive_msg and im_group_receive_msg."""

    message_type: str | None = None
    conversation_short_id: str | None = None
    server_message_id: str | None = None
    create_time: SeenTime = None
    text: Any = Field(default=None, repr=False)


class Conversation(Shape):
    """im_enter_direct_msg."""

    conversation_short_id: str | None = None
    server_message_id: str | None = None
    conversation_type: SeenInteger = None
    scene_type: SeenInteger = None
    create_time: SeenTime = None


class MessagingGrant(Shape):
    """im_authorize."""

    auth_status: SeenInteger = None
    operation_type: SeenInteger = None
    create_time: SeenTime = None
    update_time: SeenTime = None
    expire_time: SeenTime = None
    source: str | None = None


class GroupChange(Shape):
    """group_fans_event and enter_group_audit_change."""

    group_id: str | None = Field(
        default=None, validation_alias=AliasChoices("group_id", "im_group_id")
    )
    apply_id: str | None = None
    apply_status: SeenInteger = None
    group_type: SeenInteger = None
    create_time: SeenTime = None


class UnionGrant(Shape):
    """union_auth_info_for_c; both open ids are personal."""

    c_client_key: str | None = None
    b_client_key: str | None = None
    c_open_id: Any = Field(default=None, repr=False)
    b_open_id: Any = Field(default=None, repr=False)
