"""Every event name known, what it is about, and the model of its content where one is known."""

from collections.abc import Mapping
from types import MappingProxyType

from pydantic import ValidationError

from shared.errors import Unreadable
from shared.platforms.douyin import event_models as models
from shared.platforms.douyin.fields import Shape

EVENTS: Mapping[str, type[Shape]] = MappingProxyType(
    {
        "verify_webhook": models.Challenge,
        "life_trade_order_notify": models.OrderNotify,
        "life_trade_certificate_notify": models.CertificateNotify,
        "life_product_audit": models.ProductAudit,
        "life_product_common_audit": models.ProductAudit,
        "life_product_status_change": models.ProductStatusChange,
        "life_partner_order_notify": models.PartnerOrderNotify,
        "life_member_join": models.MemberChange,
        "life_member_leave": models.MemberChange,
        "life_saas_cooperate_auth_with_bind": models.CooperationGranted,
        "authorize": models.Scopes,
        "unauthorize": models.Scopes,
        "new_follow_action": models.FollowAction,
        "new_video_digg": models.FollowAction,
        "item_comment_reply": models.CommentReply,
        "receive_msg": models.Message,
        "im_group_receive_msg": models.Message,
        "im_enter_direct_msg": models.Conversation,
        "im_authorize": models.MessagingGrant,
        "group_fans_event": models.GroupChange,
        "enter_group_audit_change": models.GroupChange,
        "union_auth_info_for_c": models.UnionGrant,
    }
)

# Known by name only: their contents are passed on as they come.
NAMED_EVENTS: frozenset[str] = frozenset(
    {
        "life_partner_commission_notify",
        # After-sales, claims, bookings, settings.
        "life_hermes_akte_after_sale_audit",
        "life_hermes_akte_store_claim_notification",
        "life_hermes_akte_booking_status_notification",
        "life_hermes_akte_booking_config_result",
        "life_hermes_akte_merchant_config_update",
        "life_hermes_akte_store_config_update",
        # Stores.
        "life_poi_match_notify",
        "life_poi_report_notify",
        "life_retail_comp_poi_change",
        "life_shop_deliver_change",
        "life_shop_order_receive_change",
        # Paying a bill at the counter.
        "life_pay_bill_enable_config",
        "life_pay_bill_refund_audit",
        "life_pay_bill_refund_complete",
        # Takeaway.
        "life_takeout_order_pay_success",
        "life_takeout_order_merchant_refuse",
        "life_takeout_order_merchant_receive",
        "life_takeout_order_pay_close",
        "life_takeout_bill_ledger_create",
        "life_takeout_delivery_change",
        "life_trade_takeout_delivery_notice",
        "life_trade_takeout_order_finish",
        "life_trade_takeout_order_modify",
        "life_trade_refund_complete",
        "life_trade_refund_audit",
        "life_trade_part_refund_complete",
        "life_trade_estimated_order_income",
        "retail_life_meal_order_status_change",
        # Services at home.
        "life_capacity_homed_trade_order_pay_notify",
        "life_capacity_homed_trade_order_cancel_notify",
        "life_capacity_homed_trade_apply_after_notify",
        "life_capacity_homed_trade_after_audit_notify",
        "life_capacity_homed_trade_after_sale_notify",
        "life_capacity_homed_trade_govsubsidy_snresult",
        # Hotels and travel.
        "life_hotel_audit_result",
        "life_hotel_async_ari_result",
        "life_hotel_group_audit_result",
        "life_hotel_physical_room_audit_result",
        "life_trip_travel_agency_presale_online_offline_notify",
        # Videos, messages, contacts.
        "create_video",
        "enter_im",
        "dial_phone",
        "website_contact",
        "personal_tab_contact",
    }
)


def known(event: str) -> bool:
    return event in EVENTS or event in NAMED_EVENTS


def read_content(event: str, content: object) -> Shape | None:
    """The content as a model, or None where no shape is known. A broken one is Unreadable."""
    model = EVENTS.get(event)
    return None if model is None else as_model(model, content, part=f"the content of {event}")


ShapeType = type[Shape]


def as_model(model: ShapeType, value: object, *, part: str) -> Shape:
    """Validate, and say of a failure only where it is: the values may be personal."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(step) for step in first["loc"]) or "the whole"
        raise Unreadable(f"{part}: {where}: {first['msg']}") from None
