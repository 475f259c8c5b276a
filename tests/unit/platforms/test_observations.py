from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from shared.contracts.intake import PlatformDelivery
from shared.contracts.observations import Observation, ObservationKind, Source
from shared.errors import Unreadable
from shared.platforms.douyin import observations
from shared.platforms.douyin.responses import Certificate, Order
from shared.platforms.registry import PLATFORMS

NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)
READ_AT = NOW - timedelta(seconds=1)
PAID_AT = datetime(2022, 10, 17, 7, 19, 38, tzinfo=UTC)
ORDER_ID = "1061449651423386211"
COUPON_ID = "7382420130108424203"


def delivery(event: str, content: Any) -> PlatformDelivery:
    return PlatformDelivery(
        delivery_id=UUID(int=1),
        platform="douyin",
        client_key="aw1",
        account_id="6943233382746834985",
        event=event,
        msg_id="m",
        received_at=NOW,
        content=content,
    )


def said(event: str, content: Any) -> tuple[Observation, ...]:
    return PLATFORMS["douyin"].observations(delivery(event, content))


def test_pay_success_says_that_the_order_was_paid() -> None:
    content = {
        "action": "pay_success",
        "msg_time": 1665991180,
        "order": {
            "order_id": int(ORDER_ID),
            "account_id": "77",
            "pay_amount": 1990,
            "original_amount": "2990",
            "create_time": 1665991170,
            "pay_time": 1665991178,
        },
    }
    assert said("life_trade_order_notify", content) == (
        Observation(
            kind=ObservationKind.ORDER_PAID,
            source=Source.WEBHOOK,
            order_id=ORDER_ID,
            occurred_at=PAID_AT,
            account_id="77",
            original_amount_fen=2990,
            pay_amount_fen=1990,
            created_at=PAID_AT - timedelta(seconds=8),
            paid_at=PAID_AT,
        ),
    )


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        ("verify", ObservationKind.COUPON_REDEEMED),
        ("verify_cancel", ObservationKind.COUPON_REDEMPTION_CANCELLED),
        ("refund_success", ObservationKind.COUPON_REFUNDED),
    ],
)
def test_a_certificate_notify_says_what_happened_to_the_coupon(
    action: str, kind: ObservationKind
) -> None:
    content = {
        "action": action,
        "msg_time": 1665991178,
        "certificate": {"certificate_id": COUPON_ID, "order_id": ORDER_ID, "code": {"sealed": 1}},
    }
    assert said("life_trade_certificate_notify", content) == (
        Observation(
            kind=kind,
            source=Source.WEBHOOK,
            order_id=ORDER_ID,
            coupon_id=COUPON_ID,
            occurred_at=PAID_AT,
            account_id="6943233382746834985",
        ),
    )


@pytest.mark.parametrize(
    ("event", "content"),
    [
        ("life_trade_order_notify", {"action": "new_action", "order": {"order_id": "1"}}),
        (
            "life_trade_certificate_notify",
            {"action": "new", "certificate": {"certificate_id": "1", "order_id": "2"}},
        ),
        ("life_member_join", {"broken": True}),
        ("life_new_thing", "words"),
    ],
)
def test_what_says_nothing_about_an_order_gives_no_observation(event: str, content: Any) -> None:
    assert said(event, content) == ()


@pytest.mark.parametrize(
    "content",
    [
        None,
        "words",
        [],
        {},
        {"action": "pay_success"},
        {"action": "pay_success", "order": {}},
        {"action": "pay_success", "order": {"order_id": ""}},
        {"action": "pay_success", "order": {"order_id": ["1"]}},
    ],
)
def test_a_malformed_content_is_unreadable(content: Any) -> None:
    with pytest.raises(Unreadable):
        said("life_trade_order_notify", content)


@pytest.mark.parametrize(
    "wrong",
    [
        {"pay_amount": "much"},
        {"pay_amount": 1.5},
        {"pay_amount": -1},
        {"pay_amount": True},
        {"pay_amount": 2**70},
        {"original_amount": -880},
        {"pay_time": "soon"},
        {"pay_time": -1},
        {"create_time": []},
        {"account_id": {}},
    ],
)
def test_what_is_wrong_beside_the_fact_is_not_known_and_the_fact_counts(
    wrong: dict[str, Any],
) -> None:
    content = {"action": "pay_success", "msg_time": 1_660_000_000, "order": {"order_id": "1"}}
    (paid,) = said("life_trade_order_notify", {**content, "order": {"order_id": "1", **wrong}})
    (plain,) = said("life_trade_order_notify", content)
    assert paid == plain


def of_order(**members: Any) -> tuple[Observation, ...]:
    order = Order.model_validate({"order_id": ORDER_ID, "order_status": 200, **members})
    return observations.of_order(order, account_id="77", now=NOW)


def item(status: int, **members: Any) -> dict[str, Any]:
    return {"certificate_id": COUPON_ID, "item_status": status, **members}


def test_a_query_fills_in_all_that_it_knows_of_the_order() -> None:
    (paid,) = of_order(
        count=2,
        sku_name="双人餐",
        original_amount=2990,
        pay_amount=1990,
        create_order_time=1665991170,
        pay_time="1665991178",
    )
    assert paid == Observation(
        kind=ObservationKind.ORDER_PAID,
        source=Source.QUERY,
        order_id=ORDER_ID,
        occurred_at=READ_AT,
        account_id="77",
        coupon_count=2,
        title="双人餐",
        original_amount_fen=2990,
        pay_amount_fen=1990,
        created_at=PAID_AT - timedelta(seconds=8),
        paid_at=PAID_AT,
    )


@pytest.mark.parametrize(
    ("status", "kinds"),
    [
        (1, [ObservationKind.ORDER_PAID, ObservationKind.ORDER_SETTLED]),
        (100, [ObservationKind.ORDER_CREATED]),
        (101, [ObservationKind.ORDER_CLOSED]),
        (200, [ObservationKind.ORDER_PAID]),
        (201, [ObservationKind.ORDER_PAID]),
        (300, [ObservationKind.ORDER_PAID]),
        (301, [ObservationKind.ORDER_PAID]),
        (150, []),
        (0, []),
        (999, []),
    ],
)
def test_an_order_status_says_what_the_table_says(
    status: int, kinds: list[ObservationKind]
) -> None:
    assert [fact.kind for fact in of_order(order_status=status)] == kinds


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (1, ObservationKind.COUPON_REDEEMED),
        (401, ObservationKind.COUPON_REDEEMED),
        (100, ObservationKind.COUPON_AVAILABLE),
        (200, ObservationKind.COUPON_AVAILABLE),
        (201, ObservationKind.COUPON_AVAILABLE),
        (400, ObservationKind.COUPON_AVAILABLE),
        (101, ObservationKind.COUPON_CLOSED),
        (300, ObservationKind.COUPON_REFUNDING),
        (301, ObservationKind.COUPON_REFUNDED),
    ],
)
def test_an_item_status_says_what_became_of_the_coupon(status: int, kind: ObservationKind) -> None:
    _, coupon = of_order(certificate=[item(status, refund_amount=990)])
    assert (coupon.kind, coupon.coupon_id, coupon.occurred_at) == (kind, COUPON_ID, READ_AT)
    refunded = kind is ObservationKind.COUPON_REFUNDED
    assert coupon.refund_amount_fen == (990 if refunded else None)


@pytest.mark.parametrize("certificate_id", ["", "0", 0, None])
def test_an_item_without_coupon_says_nothing(certificate_id: Any) -> None:
    assert len(of_order(certificate=[item(200, certificate_id=certificate_id)])) == 1


def test_an_unknown_item_status_says_nothing() -> None:
    assert len(of_order(certificate=[item(77), item(0)])) == 1


@pytest.mark.parametrize("status", [100, 101])
def test_coupons_of_an_unpaid_order_are_not_available_yet(status: int) -> None:
    facts = of_order(order_status=status, certificate=[item(100), item(101), item(401)])
    assert [fact.kind for fact in facts[1:]] == [
        ObservationKind.COUPON_CLOSED,
        ObservationKind.COUPON_REDEEMED,
    ]


def test_an_unknown_order_status_does_not_hide_its_coupons() -> None:
    (coupon,) = of_order(order_status=150, certificate=[item(401)])
    assert coupon.kind is ObservationKind.COUPON_REDEEMED


def test_the_count_of_coupons_falls_back_to_the_items() -> None:
    (first, *_) = of_order(certificate=[item(200), item(401)])
    assert first.coupon_count == 2
    assert of_order()[0].coupon_count is None


def test_a_certificate_query_says_what_became_of_each_coupon() -> None:
    certificates = [
        Certificate.model_validate({"certificate_id": str(status), "status": status})
        for status in (0, 1, 2, 3, 4, 5, 6, 7)
    ]
    unnamed = Certificate.model_validate({"status": 1})
    used = Certificate.model_validate({"status": 2, "verify": {"certificate_id": COUPON_ID}})
    facts = observations.of_certificates(
        [*certificates, unnamed, used], order_id=ORDER_ID, account_id="77", now=NOW
    )
    assert [(fact.coupon_id, fact.kind) for fact in facts] == [
        ("1", ObservationKind.COUPON_AVAILABLE),
        ("2", ObservationKind.COUPON_REDEEMED),
        ("3", ObservationKind.COUPON_REFUNDING),
        ("4", ObservationKind.COUPON_REFUNDED),
        ("5", ObservationKind.COUPON_REFUND_REJECTED),
        ("6", ObservationKind.COUPON_REFUNDING),
        (COUPON_ID, ObservationKind.COUPON_REDEEMED),
    ]
