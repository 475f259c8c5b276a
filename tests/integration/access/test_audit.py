"""The audit: every act is in it, once, and no change of it goes unseen."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio

from shared.contracts.envelope import Event
from shared.contracts.intake import DeliveryRevealed
from shared.contracts.making import event
from shared.contracts.redemption import CouponCancelled
from shared.messaging.broker import connected
from shared.messaging.outbox import Database
from shared.messaging.relay import relaying
from shared.postgres.connection import Connection
from shared.postgres.pool import pooled
from tests.support.access import Access, refusal
from tests.support.waiting import eventually

_NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)


@pytest_asyncio.fixture(loop_scope="session")
async def access(fresh_access: Access) -> Access:
    """Entries are counted from one: each test has a chain of its own."""
    return fresh_access


async def _audit(access: Access, query: str = "limit=500") -> list[dict[str, Any]]:
    """Oldest first."""
    listed = await access.as_operator("GET", f"/v1/audit?{query}")
    return list(reversed(listed["items"]))


async def _verified(access: Access, query: str = "") -> dict[str, Any]:
    answer: dict[str, Any] = await access.as_operator("GET", f"/v1/audit/verify{query}")
    return answer


async def _tamper(postgres: Connection, statement: str) -> None:
    """As somebody who owns the database and switches the trigger off."""
    await postgres.execute("SET session_replication_role = replica")
    await postgres.execute(statement)
    await postgres.execute("SET session_replication_role = DEFAULT")


async def _some_acts(access: Access) -> None:
    await access.add_merchant()
    for _ in range(4):
        await access.add_store()


async def test_every_act_is_kept_with_who_did_what_to_whom(access: Access) -> None:
    await access.add_merchant()
    store = await access.add_store()
    owner = await access.add_staff(role="owner")
    terminal = await access.add_terminal(store)
    token = await owner.token()
    path = f"/v1/terminals/{terminal.terminal_id}/revoke"
    await access.call("POST", path, body={"reason": "lost"}, token=token)
    entries = await _audit(access)
    device, person = f"terminal:{terminal.terminal_id}", f"staff:{owner.staff_id}"
    assert [(one["actor"], one["action"], one["subject"]) for one in entries] == [
        ("client:operator", "merchant.added", "merchant:yihetang"),
        ("client:operator", "store.added", f"store:{store}"),
        ("client:operator", "staff.added", person),
        ("client:operator", "terminal.added", device),
        (device, "terminal.enrolled", device),
        (person, "staff.signed_in", person),
        (person, "terminal.revoked", device),
    ]
    assert entries[-1]["details"] == {"reason": "lost", "store_id": store}
    assert [one["seq"] for one in entries] == list(range(1, 8))


async def test_what_changes_nothing_is_not_kept(access: Access) -> None:
    await access.add_merchant()
    store = await access.add_store(store_id="guanggu", poi_id="1", name="x")
    await access.add_merchant()
    await access.add_store(store_id="guanggu", poi_id="1", name="x")
    await access.as_operator("PATCH", f"/v1/stores/{store}", body={"open": True})
    assert await refusal(access.add_merchant(name="other")) == (409, "merchant_exists")
    assert [one["action"] for one in await _audit(access)] == ["merchant.added", "store.added"]


async def test_acts_at_once_make_one_chain(access: Access) -> None:
    await access.add_merchant()
    await asyncio.gather(*(access.add_store() for _ in range(30)))
    assert [one["seq"] for one in await _audit(access)] == list(range(1, 32))
    answer = await _verified(access)
    assert (answer["valid"], answer["checked"], answer["next_seq"]) == (True, 31, None)


async def test_the_audit_is_filtered_and_paged(access: Access) -> None:
    await _some_acts(access)
    await access.add_merchant("other")
    assert len(await _audit(access, "action=store.added")) == 4
    assert len(await _audit(access, "merchant=other")) == 1
    assert len(await _audit(access, "subject=merchant:other")) == 1
    assert len(await _audit(access, "actor=client:operator")) == 6
    assert await _audit(access, "actor=somebody") == []
    assert await _audit(access, "from=2099-01-01T00:00:00Z") == []
    assert await _audit(access, "to=2000-01-01T00:00:00Z") == []
    first = await access.as_operator("GET", "/v1/audit?limit=4")
    rest = await access.as_operator("GET", f"/v1/audit?cursor={first['next_cursor']}")
    assert [one["seq"] for one in first["items"] + rest["items"]] == [6, 5, 4, 3, 2, 1]


async def test_the_table_itself_refuses_changes(access: Access, postgres: Connection) -> None:
    await _some_acts(access)
    for statement in ("UPDATE audit SET actor = 'x'", "DELETE FROM audit", "TRUNCATE audit"):
        with pytest.raises(asyncpg.RaiseError, match="append-only"):
            await postgres.execute(statement)


@pytest.mark.parametrize(
    ("statement", "broken_seq", "because"),
    [
        ("UPDATE audit SET actor = 'nobody' WHERE seq = 3", 3, "its content was changed"),
        (
            "UPDATE audit SET details = jsonb_set(details, '{name}', '\"x\"') WHERE seq = 3",
            3,
            "its content was changed",
        ),
        ("UPDATE audit SET at = at - interval '1 s' WHERE seq = 3", 3, "its content was changed"),
        ("DELETE FROM audit WHERE seq = 3", 3, "entry 3 is missing"),
        ("DELETE FROM audit WHERE seq = 1", 1, "entry 1 is missing"),
        ("DELETE FROM audit WHERE seq = 5", 5, "entry 5 is missing"),
        (
            "UPDATE audit SET hash = sha256('x') WHERE seq = 3",
            3,
            "its content was changed",
        ),
        (
            "UPDATE audit SET previous_hash = sha256('x') WHERE seq = 3",
            3,
            "it does not follow the entry before",
        ),
        (
            "UPDATE audit_head SET hash = sha256('x')",
            5,
            "the chain does not end in its head",
        ),
    ],
)
async def test_tampering_is_found_where_it_happened(
    access: Access, postgres: Connection, statement: str, broken_seq: int, because: str
) -> None:
    await _some_acts(access)
    await _tamper(postgres, statement)
    answer = await _verified(access)
    assert (answer["valid"], answer["broken_seq"], answer["broken_because"]) == (
        False,
        broken_seq,
        because,
    )


async def test_a_chain_cut_off_together_with_its_head_misses_the_anchor(
    access: Access, postgres: Connection
) -> None:
    """The one change that the chain cannot show by itself; the log has an anchor each hour."""
    await _some_acts(access)
    head = (await _verified(access))["head"]
    anchor = f"?anchor_seq={head['seq']}&anchor_hash={head['hash']}"
    assert (await _verified(access, anchor))["valid"]
    await _tamper(postgres, "DELETE FROM audit WHERE seq = 5")
    await _tamper(
        postgres,
        "UPDATE audit_head SET seq = 4, hash = (SELECT hash FROM audit WHERE seq = 4)",
    )
    assert (await _verified(access))["valid"]
    answer = await _verified(access, anchor)
    assert (answer["valid"], answer["broken_seq"]) == (False, 5)


async def test_a_walk_may_begin_in_the_middle(access: Access, postgres: Connection) -> None:
    await _some_acts(access)
    await _tamper(postgres, "UPDATE audit SET actor = 'nobody' WHERE seq = 2")
    answer = await _verified(access, "?from_seq=3")
    assert (answer["valid"], answer["checked"]) == (True, 3)


async def test_a_revealed_delivery_is_kept_with_who_saw_it(access: Access, nats_url: str) -> None:
    staff, delivery_id = f"staff:{uuid4()}", uuid4()
    revealed = DeliveryRevealed(
        delivery_id=delivery_id,
        platform="douyin",
        client_key="aw1",
        event="life_trade_certificate_notify",
        revealed_by=staff,
        revealed_at=_NOW,
    )
    said = event(revealed, subject=str(delivery_id), merchant="yihetang", time=_NOW)
    async with connected(nats_url, name="test") as broker:
        stream = await broker.jetstream()
        await stream.publish(said.nats_subject, said.model_dump_json().encode())

        async def kept() -> list[dict[str, Any]]:
            return await _audit(access, "action=intake.delivery_revealed")

        [entry] = await eventually(kept)
    assert (entry["actor"], entry["subject"]) == (staff, str(delivery_id))
    assert entry["details"] == {"delivery_id": str(delivery_id), "client_key": "aw1"}


def _cancelled(**changes: Any) -> Event:
    data = CouponCancelled(
        redemption_id=uuid4(),
        platform="douyin",
        order_id="1",
        store_id="guanggu",
        terminal_id=str(uuid4()),
        coupon_id="2",
        verify_id=None,
        cancel_id=uuid4(),
        cancelled_at=_NOW,
        reason="wrong coupon",
    ).model_copy(update=changes)
    return event(data, subject="2", merchant="yihetang", time=_NOW)


async def test_cancels_of_coupons_join_the_chain_once(access: Access, nats_url: str) -> None:
    """Said twice, as after a rebuild of the stream, and once with a text that jsonb refuses."""
    cancelled, odd = _cancelled(), _cancelled(reason="a\x00b")
    async with (
        pooled(access.postgres_url, service="access") as pool,
        connected(nats_url, name="test") as broker,
        relaying(database := Database(pool), broker),
    ):
        async with database.transaction() as transaction:
            transaction.emit([cancelled, odd])

        async def kept() -> bool:
            return len(await _audit(access)) == 2

        await eventually(kept)
        stream = await broker.jetstream()
        await stream.publish(cancelled.nats_subject, cancelled.model_dump_json().encode())
        later = _cancelled()
        await stream.publish(later.nats_subject, later.model_dump_json().encode())

        async def kept_later() -> bool:
            return any(one["event_id"] == str(later.id) for one in await _audit(access))

        await eventually(kept_later)
    entries = await _audit(access)
    assert [one["event_id"] for one in entries].count(str(cancelled.id)) == 1
    assert len(entries) == 3
    first = next(one for one in entries if one["event_id"] == str(cancelled.id))
    assert first["actor"] == f"terminal:{cancelled.data['terminal_id']}"
    assert (first["action"], first["merchant"]) == ("coupon.cancelled", "yihetang")
    assert first["details"]["reason"] == "wrong coupon"
    assert (await _verified(access))["valid"]
