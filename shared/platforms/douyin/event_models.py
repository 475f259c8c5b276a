"""The contents of Douyin's events, as far as their shapes are known.

Personal members may be anything: in our own events they are sealed.
"""

from typing import Any

from pydantic import AliasChoices, Field, StrictInt, StrictStr

from shared.platforms.douyin.fields import (
    Id,
    OptionalId,
    OptionalInteger,
    OptionalTime,
    Shape,
)


class OrderOfNotify(Shape):
    order_id: Id
    account_id: OptionalId = None
    pay_amount: OptionalInteger = None
    original_amount: OptionalInteger = None
    create_time: OptionalTime = None
    pay_time: OptionalTime = None


class OrderNotify(Shape):
    """life_trade_order_notify; the one action seen is pay_success."""

    action: str
    msg_time: OptionalTime = None
    order: OrderOfNotify


class CertificateOfNotify(Shape):
    certificate_id: Id
    order_id: Id
    account_id: OptionalId = None


class CertificateNotify(Shape):
    """life_trade_certificate_notify: verify, verify_cancel or refund_success."""

    action: str
    msg_time: OptionalTime = None
    certificate: CertificateOfNotify


class ProductAudit(Shape):
    """life_product_audit and life_product_common_audit; status is PASS or FAIL."""

    product_id: Id
    status: str
    reason: str | None = None


class ProductStatusChange(Shape):
    """life_product_status_change; GOODS_ONLINE, GOODS_OFFLINE, GOODS_DELETE, GOODS_BAN."""

    status: str
    product_id: OptionalId = None


class PartnerOrderNotify(Shape):
    """life_partner_order_notify; its time is in milliseconds."""

    order_id: Id
    merchant_id: OptionalId = None
    partner_id: OptionalId = None
    status: OptionalInteger = None
    event_time: OptionalTime = None


class MemberChange(Shape):
    """life_member_join and life_member_leave; the number is personal."""

    account_id: Id
    mobile: Any = Field(default=None, repr=False)


class CooperationGranted(Shape):
    """life_saas_cooperate_auth_with_bind: a merchant grants us rights."""

    account_id: Id
    solution_key: OptionalId = None
    permission_keys: Any = None
    out_shop_id: OptionalId = None
    poi_id: OptionalId = None
    extra: Any = None


class Scopes(Shape):
    """authorize and unauthorize: what a user granted or took back."""

    scopes: tuple[str, ...] = ()


class Challenge(Shape):
    """verify_webhook."""

    challenge: StrictInt | StrictStr


class FollowAction(Shape):
    """new_follow_action and new_video_digg."""

    action_type: OptionalInteger = None
    action_time: OptionalTime = None
    item_id: str | None = None


class CommentReply(Shape):
    """item_comment_reply; the words are personal."""

    comment_id: str | None = None
    comment_user_id: Any = Field(default=None, repr=False)
    content: Any = Field(default=None, repr=False)
    create_time: OptionalTime = None
    reply_to_comment_id: str | None = None
    reply_to_item_id: str | None = None


class Message(Shape):
    """receive_msg and im_group_receive_msg."""

    message_type: str | None = None
    conversation_short_id: str | None = None
    server_message_id: str | None = None
    create_time: OptionalTime = None
    text: Any = Field(default=None, repr=False)


class Conversation(Shape):
    """im_enter_direct_msg."""

    conversation_short_id: str | None = None
    server_message_id: str | None = None
    conversation_type: OptionalInteger = None
    scene_type: OptionalInteger = None
    create_time: OptionalTime = None


class MessagingGrant(Shape):
    """im_authorize."""

    auth_status: OptionalInteger = None
    operation_type: OptionalInteger = None
    create_time: OptionalTime = None
    update_time: OptionalTime = None
    expire_time: OptionalTime = None
    source: str | None = None


class GroupChange(Shape):
    """group_fans_event and enter_group_audit_change."""

    group_id: str | None = Field(
        default=None, validation_alias=AliasChoices("group_id", "im_group_id")
    )
    apply_id: str | None = None
    apply_status: OptionalInteger = None
    group_type: OptionalInteger = None
    create_time: OptionalTime = None


class UnionGrant(Shape):
    """union_auth_info_for_c; both open ids are personal."""

    c_client_key: str | None = None
    b_client_key: str | None = None
    c_open_id: Any = Field(default=None, repr=False)
    b_open_id: Any = Field(default=None, repr=False)
