"""What is done next about a product at its platform, and what a look at it tells."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.catalog.domain.looking import Look, Pauses, looked, product_state
from services.catalog.domain.products import Wanted
from services.catalog.domain.syncing import (
    Push,
    Step,
    Sync,
    SyncState,
    back_off,
    differences,
    digest_of,
    next_step,
    seen_view,
    state_of,
    wanted_stock,
    wanted_view,
)
from shared.contracts.products import (
    CodeOrigin,
    ProductKind,
    ProductState,
    RefundRules,
    UsageRules,
)
from shared.platforms.goods import (
    AuditState,
    OnlineProduct,
    ProductContent,
    ProductDraft,
    ProductFacts,
    Shelf,
    SkuContent,
    SkuFacts,
)

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
SOON = timedelta(minutes=1)
PAUSES = Pauses(audit=SOON, read_back=timedelta(minutes=15))
CONTENT = ProductContent(
    out_id="p",
    kind=ProductKind.MEAL,
    title="双人餐",
    sale_from=NOW,
    sale_to=None,
    poi_ids=("2", "1"),
    skus=(SkuContent("s", "标准", 990, 1900, 5),),
    usage=UsageRules(),
    refund=RefundRules(),
    code_origin=CodeOrigin.PLATFORM,
)
FACTS = ProductFacts(
    product_id="77",
    out_id="p",
    title="双人餐",
    category_id=None,
    sale_from=NOW,
    sale_to=NOW,
    poi_ids=("1", "2"),
    skus=(SkuFacts("9", None, "标准", 990, None, 5, 5, unlimited=False),),
)
SYNCED = Sync(
    product_key=1,
    product_id="p",
    merchant="m",
    platform="douyin",
    wanted=Wanted.ON_SHELF,
    platform_product_id="77",
    accepted_digest=digest_of(CONTENT),
    accepted_view=wanted_view(CONTENT),
    pushing=None,
    pushing_digest=None,
    pushing_view=None,
    audit=AuditState.PASSED,
    audit_reason="",
    shelf=Shelf.ON,
    stock=wanted_stock(CONTENT),
    looked_at=NOW,
    look_at=NOW + SOON,
    look_asked_at=None,
    drift=None,
    stock_pushed_at=NOW - SOON,
    attempts=0,
    reason=None,
    detail=None,
)
NEW = replace(
    SYNCED,
    platform_product_id=None,
    accepted_digest=None,
    accepted_view=None,
    audit=None,
    shelf=None,
    stock=None,
    looked_at=None,
    look_at=NOW,
    stock_pushed_at=None,
)


@pytest.mark.parametrize(
    ("changes", "step"),
    [
        ({}, Step.REST),
        ({"look_at": NOW}, Step.LOOK),
        ({"look_asked_at": NOW + SOON}, Step.LOOK),
        ({"look_asked_at": NOW - SOON}, Step.REST),
        ({"pushing": Push.STOCK}, Step.LOOK),
        ({"platform_product_id": None}, Step.LOOK),
        ({"accepted_digest": b"another"}, Step.PUSH_CONTENT),
        ({"shelf": Shelf.OFF}, Step.PUSH_SHELF),
        ({"wanted": Wanted.OFF_SHELF}, Step.PUSH_SHELF),
        ({"shelf": None}, Step.REST),
        ({"shelf": Shelf.BANNED}, Step.REST),
        ({"shelf": Shelf.OFF, "drift": [{"field": "shelf"}]}, Step.REST),
        ({"accepted_digest": b"another", "drift": [{"field": "shelf"}]}, Step.PUSH_CONTENT),
        ({"stock": {"s": 4}}, Step.PUSH_STOCK),
        ({"stock": {}}, Step.PUSH_STOCK),
        ({"stock": None}, Step.REST),
        ({"stock": {"s": 4}, "stock_pushed_at": NOW}, Step.WAIT_FOR_STOCK),
    ],
)
def test_one_step_is_next(changes: dict[str, Any], step: Step) -> None:
    sync = replace(SYNCED, **changes)
    assert next_step(sync, CONTENT, now=NOW, stock_pause=timedelta(seconds=3)) is step


def test_what_was_withdrawn_before_the_platform_heard_of_it_is_not_pushed() -> None:
    pause = timedelta()
    assert next_step(NEW, CONTENT, now=NOW, stock_pause=pause) is Step.PUSH_CONTENT
    withdrawn = replace(NEW, wanted=Wanted.OFF_SHELF)
    assert next_step(withdrawn, CONTENT, now=NOW, stock_pause=pause) is Step.REST


def test_stock_is_no_part_of_the_content() -> None:
    fewer = replace(CONTENT, skus=(replace(CONTENT.skus[0], stock=1),))
    dearer = replace(CONTENT, skus=(replace(CONTENT.skus[0], price_fen=1),))
    assert digest_of(fewer) == digest_of(CONTENT) != digest_of(dearer)


def test_what_a_platform_does_not_say_is_no_difference() -> None:
    ours = wanted_view(CONTENT)
    assert differences(ours, seen_view(replace(FACTS, sale_to=None), alone="s")) == []
    shown = seen_view(
        replace(FACTS, title="别的", poi_ids=("3",), sale_to=None, skus=()), alone="s"
    )
    assert [one["field"] for one in differences(ours, shown)] == ["title", "poi_ids"]
    other = replace(FACTS, sale_to=None, skus=(replace(FACTS.skus[0], out_sku_id="t"),))
    assert [one["field"] for one in differences(ours, seen_view(other, alone=None))] == ["skus.s"]


def a_look(
    *, shelf: Shelf | None = Shelf.ON, audit: AuditState = AuditState.PASSED, **changes: Any
) -> Look:
    facts = replace(FACTS, sale_to=None, **changes)
    online = None if shelf is None else OnlineProduct(facts, shelf)
    return Look(ProductDraft(facts, audit, "图片"), online, alone="s")


def seen(sync: Sync, look: Look) -> Sync:
    return looked(sync, look, now=NOW, pauses=PAUSES)


def test_a_look_that_shows_what_was_accepted_changes_nothing() -> None:
    after = seen(SYNCED, a_look())
    assert (after.drift, after.reason, after.stock) == (None, None, {"s": 5})
    assert state_of(after) is SyncState.SYNCED
    assert after.look_at == NOW + PAUSES.read_back


def test_drift_stays_until_the_platform_shows_ours_again() -> None:
    drifted = seen(SYNCED, a_look(shelf=Shelf.OFF, title="别的"))
    assert {one["field"] for one in drifted.drift or ()} == {"title", "shelf"}
    assert state_of(drifted) is SyncState.DRIFTED
    assert [one["field"] for one in seen(drifted, a_look(shelf=Shelf.OFF)).drift or ()] == ["shelf"]
    assert seen(drifted, a_look()).drift is None


def test_what_we_have_not_pushed_yet_is_no_drift() -> None:
    assert seen(replace(SYNCED, shelf=Shelf.OFF), a_look(shelf=Shelf.OFF)).drift is None
    in_audit = a_look(audit=AuditState.RUNNING, title="旧的")
    after = seen(SYNCED, in_audit)
    assert (after.drift, after.look_at) == (None, NOW + PAUSES.audit)
    assert state_of(after) is SyncState.IN_AUDIT


@pytest.mark.parametrize(
    ("shown", "before", "took_effect"),
    [("双人餐", None, True), ("别的", None, False), ("双人餐", wanted_view(CONTENT), False)],
)
def test_a_push_of_unknown_outcome_is_settled_by_a_look(
    shown: str, before: Any, *, took_effect: bool
) -> None:
    pushing = replace(
        NEW,
        accepted_view=before,
        pushing=Push.CONTENT,
        pushing_digest=digest_of(CONTENT),
        pushing_view=wanted_view(CONTENT),
    )
    after = seen(pushing, a_look(shelf=None, audit=AuditState.RUNNING, title=shown))
    assert after.pushing is None
    assert (after.accepted_digest == digest_of(CONTENT)) is took_effect


@pytest.mark.parametrize(
    ("look", "reason", "state"),
    [
        (a_look(shelf=Shelf.BANNED), "banned", ProductState.BANNED),
        (a_look(shelf=None, audit=AuditState.FAILED), "audit_failed", ProductState.REJECTED),
        (a_look(audit=AuditState.FAILED), "audit_failed", ProductState.ON_SALE),
        (Look(None, None, "s"), "deleted", ProductState.OFF_SHELF),
        (a_look(shelf=Shelf.OFF), None, ProductState.OFF_SHELF),
        (a_look(shelf=None, audit=AuditState.RUNNING), None, ProductState.ON_SALE),
    ],
)
def test_a_look_tells_what_the_product_is_now(
    look: Look, reason: str | None, state: ProductState
) -> None:
    after = seen(SYNCED, look)
    assert after.reason == reason
    assert product_state(after, ProductState.ON_SALE) is state


def test_who_withdrew_a_product_decides_that_it_is_off_the_shelf() -> None:
    withdrawn = replace(SYNCED, wanted=Wanted.OFF_SHELF)
    assert product_state(withdrawn, ProductState.OFF_SHELF) is ProductState.OFF_SHELF
    assert product_state(withdrawn, ProductState.BANNED) is ProductState.OFF_SHELF


def test_pauses_double_up_to_their_most() -> None:
    first, most = timedelta(seconds=2), timedelta(minutes=5)
    pauses = [back_off(number, first=first, most=most).total_seconds() for number in (0, 1, 2, 99)]
    assert pauses == [2, 4, 8, 300]
