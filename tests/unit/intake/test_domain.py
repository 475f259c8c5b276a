"""Rules of intake that need no server."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.apps import App, AppKind, Secret
from services.intake.domain.deliveries import dedupe_key, trace_parent
from services.intake.domain.envelopes import (
    StoredDelivery,
    event_type,
    platform_event,
    seal_personal,
    unpublishable,
)
from services.intake.domain.secret_box import SecretBox
from services.intake.handlers.records import first_id
from shared.contracts.envelope import Event
from shared.contracts.intake import PlatformDelivery
from shared.contracts.making import event
from shared.ids import new_id
from shared.sealing.keyring import CannotOpen, Keyring

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


def a_secret(value: str, *, expires_at: datetime | None = None, age_days: int = 0) -> Secret:
    return Secret(new_id(), value, NOW - timedelta(days=age_days), expires_at)


def an_app(*secrets: Secret) -> App:
    return App(
        client_key="aw", platform="douyin", merchant="m1", kind=AppKind.LIFE, secrets=secrets
    )


def stored(**members: Any) -> StoredDelivery:
    values = {
        "delivery_id": UUID("019aa5f0-3c00-7000-8000-000000000003"),
        "client_key": "aw",
        "platform": "douyin",
        "merchant": "yihetang",
        "account_id": "7094",
        "event": "life_trade_order_notify",
        "msg_id": "m-1",
        "received_at": NOW,
        "late": False,
        "body": b"",
    }
    values["dedupe_key"] = "msg:m-1"
    return StoredDelivery(**(values | members))  # type: ignore[arg-type]


def test_secrets_live_until_they_expire_and_the_newest_comes_first() -> None:
    app = an_app(
        a_secret("old", expires_at=NOW + timedelta(seconds=10), age_days=9), a_secret("new")
    )
    seconds = NOW.timestamp()
    assert app.live_secrets(seconds) == ("new", "old")
    assert app.live_secrets(seconds + 9.9) == ("new", "old")
    assert app.live_secrets(seconds + 10) == ("new",)
    assert app.live_secrets(seconds + 1e9) == ("new",)


def test_an_application_whose_secrets_have_all_ended_is_disabled() -> None:
    assert an_app().live_secrets(NOW.timestamp()) == ()
    assert an_app(a_secret("old", expires_at=NOW)).live_secrets(NOW.timestamp()) == ()


def test_a_message_id_and_a_digest_are_never_taken_for_each_other() -> None:
    digest = bytes(32)
    assert dedupe_key(None, digest) != dedupe_key(digest.hex(), digest)
    assert dedupe_key("a", b"1") == dedupe_key("a", b"2")


def test_the_trace_of_a_delivery_is_its_id() -> None:
    delivery_id = new_id()
    version, trace, span, flags = trace_parent(delivery_id).split("-")
    assert (version, trace, len(span), flags) == ("00", delivery_id.hex, 16, "01")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("life_trade_order_notify", "platform.douyin.life_trade_order_notify"),
        ("a.b.c.d", "platform.douyin.a.b.c.d"),
        ("a.b.c.d.e", "platform.douyin.unknown"),
        ("a b", "platform.douyin.unknown"),
        ("a.>", "platform.douyin.unknown"),
        ("*", "platform.douyin.unknown"),
        ("a..b", "platform.douyin.unknown"),
        ("星", "platform.douyin.unknown"),
        ("x" * 81, "platform.douyin.unknown"),
        ("x\n", "platform.douyin.unknown"),
    ],
)
def test_a_name_that_cannot_stand_in_a_subject_does_not(name: str, expected: str) -> None:
    assert event_type("douyin", name) == expected


@given(content=JSON, name=st.sampled_from(["life_trade_order_notify", "odd name"]))
def test_the_event_written_by_hand_is_what_the_contract_writes(content: Any, name: str) -> None:
    delivery = stored(event=name)
    expected = event(
        PlatformDelivery(
            delivery_id=delivery.delivery_id,
            platform=delivery.platform,
            client_key=delivery.client_key,
            account_id=delivery.account_id,
            event=name,
            msg_id=delivery.msg_id,
            received_at=NOW,
            late=False,
            content=content,
        ),
        subject=str(delivery.delivery_id),
        merchant=delivery.merchant,
        event_type=event_type("douyin", name),
        event_id=delivery.delivery_id,
        time=NOW,
        traceparent=trace_parent(delivery.delivery_id),
    )
    subject, payload = platform_event(delivery, content)
    assert Event.model_validate_json(payload) == expected
    assert subject == expected.nats_subject


def test_a_dead_letter_names_the_delivery_and_holds_nothing_of_it() -> None:
    letter = unpublishable(stored(event="odd name"))
    assert letter.type == "platform.douyin.unknown"
    assert letter.data == {"delivery_id": "019aa5f0-3c00-7000-8000-000000000003"}


def test_personal_leaves_are_sealed_where_they_stand_and_open_only_there() -> None:
    keyring = Keyring(bytes(32), service="intake")
    keyring._remember(keyring._make("yihetang"))
    content = {"phone": "13812345678", "list": [{"name": 7}], "left": "alone"}
    delivery = stored()
    sealed = seal_personal(keyring, delivery, content, [("phone",), ("list", 0, "name")])
    assert sealed["left"] == "alone"
    context = f"{delivery.delivery_id}/list/0/name"
    assert keyring.open_text(sealed["list"][0]["name"], context=context) == "7"
    with pytest.raises(CannotOpen):
        keyring.open_text(sealed["phone"], context=context)
    whole = seal_personal(keyring, delivery, "13812345678", [()])
    assert whole.startswith("sealed:v1:")


def test_a_sealed_secret_opens_only_for_its_application_and_purpose() -> None:
    box = SecretBox(bytes(32), purpose="application secrets")
    sealed = box.seal("the secret", context="aw")
    assert box.open(sealed, context="aw") == "the secret"
    assert b"the secret" not in sealed
    other = SecretBox(bytes(32), purpose="platform tokens")
    for opening, context in ((box, "other"), (other, "aw")):
        with pytest.raises(CannotOpen):
            opening.open(sealed, context=context)
    assert box.fingerprint("the secret") != other.fingerprint("the secret")


def test_ids_bound_the_time_they_were_made_in() -> None:
    before = datetime.now(UTC)
    made = new_id()
    after = datetime.now(UTC) + timedelta(seconds=2)
    assert first_id(before) < made < first_id(after)
    assert first_id(datetime(1960, 1, 1, tzinfo=UTC)) == UUID(int=0)
