import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from services.simulator.domain.faults import (
    ALL_FAULTS,
    CallFault,
    CallKind,
    Faults,
    WebhookFaults,
    call_faults,
    strikes,
)
from services.simulator.domain.webhooks import Copy, Message, Planned, WebhookState, plan

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
MESSAGE = Message(
    msg_id="m",
    client_key="app",
    event="life_trade_order_notify",
    from_user_id="u",
    content={"action": "pay_success", "order": {"order_id": "1", "pay_amount": 100}},
    key="order-1:pay_success",
)


def planned(**switches: Any) -> list[Planned]:
    return plan([MESSAGE], Faults(webhooks=WebhookFaults(**switches)), NOW)


def content(copy: Planned) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(json.loads(copy.body)["content"])
    return parsed


@pytest.mark.parametrize("per_mille", [0, 5, 50, 500, 1000])
def test_a_fault_strikes_as_often_as_it_says(per_mille: int) -> None:
    struck = sum(
        strikes(per_mille, seed=7, fault="lost", entity=str(entity)) for entity in range(20_000)
    )

    assert struck / 20_000 == pytest.approx(per_mille / 1000, abs=0.012)


def test_the_same_seed_strikes_the_same_entities_and_another_seed_others() -> None:
    def struck(seed: int) -> list[bool]:
        return [strikes(100, seed=seed, fault="late", entity=str(one)) for one in range(500)]

    assert struck(1) == struck(1)
    assert struck(1) != struck(2)


def test_without_faults_one_true_copy_is_sent_at_once() -> None:
    assert [(one.copy, one.state, one.due_at) for one in planned()] == [
        (Copy.TRUE, WebhookState.QUEUED, NOW)
    ]


def test_a_lost_message_is_kept_for_the_books_only() -> None:
    assert [one.state for one in planned(lost=1000, doubled=1000)] == [WebhookState.LOST]


def test_a_late_message_comes_late() -> None:
    assert [one.due_at for one in planned(late=1000, late_seconds=30)] == [
        NOW + timedelta(seconds=30)
    ]


def test_a_double_is_the_same_to_the_byte() -> None:
    true, double = planned(doubled=1000)

    assert (true.copy, double.copy) == (Copy.TRUE, Copy.DOUBLE)
    assert true.body == double.body


def test_a_conflicting_copy_has_the_same_id_and_another_amount() -> None:
    copies = {one.copy: one for one in planned(conflicting=1000)}

    assert copies[Copy.CONFLICT].msg_id == copies[Copy.TRUE].msg_id
    assert content(copies[Copy.TRUE])["order"]["pay_amount"] == 100
    assert content(copies[Copy.CONFLICT])["order"]["pay_amount"] == 99


def test_conflicting_copies_come_before_or_after_the_true_one() -> None:
    first = Counter[Copy]()
    for number in range(200):
        message = Message(**{**message_members(), "key": str(number)})
        copies = plan([message], Faults(webhooks=WebhookFaults(conflicting=1000)), NOW)
        first[min(copies, key=lambda one: one.due_at).copy] += 1

    assert min(first[Copy.TRUE], first[Copy.CONFLICT]) > 60


def message_members() -> dict[str, Any]:
    return {name: getattr(MESSAGE, name) for name in MESSAGE.__slots__}


def test_a_forged_copy_says_something_else() -> None:
    true, forged = planned(forged=1000)

    assert forged.copy is Copy.FORGED
    assert content(forged) != content(true)


def test_calls_not_named_take_the_switches_of_the_star() -> None:
    faults = Faults.model_validate(
        {"calls": {"*": {"error": 1000}, "verify": {"dropped_after": 1000}}}
    )

    assert call_faults(faults, CallKind.PREPARE, "x") == [CallFault.ERROR]
    assert call_faults(faults, CallKind.VERIFY, "x") == [CallFault.DROPPED_AFTER]


def test_a_call_named_without_faults_is_spared() -> None:
    faults = Faults.model_validate({"calls": {"*": {"error": 1000}, "verify": {}}})

    assert call_faults(faults, CallKind.VERIFY, "x") == []


@pytest.mark.parametrize(
    "wrong", [{"webhooks": {"lost": 1001}}, {"webhooks": {"lots": 1}}, {"calls": {"nothing": {}}}]
)
def test_switches_that_do_not_exist_are_named(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Faults.model_validate(wrong)


def test_the_preset_survives_being_written_down() -> None:
    assert Faults.model_validate_json(ALL_FAULTS.model_dump_json()) == ALL_FAULTS
