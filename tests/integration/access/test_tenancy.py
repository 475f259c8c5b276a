"""Nobody sees or touches what is another merchant's, or another store's, or above them."""

from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from shared.errors import Rejection
from tests.support.access import PASSWORD, Access, Person, Terminal, refusal


@dataclass(frozen=True)
class Town:
    """Two merchants; the first has two stores, a manager of one of them, and an owner."""

    access: Access
    merchant: str
    foreign: str
    store: str
    other_store: str
    foreign_store: str
    owner: Person
    manager: Person
    clerk_elsewhere: Person
    foreign_owner: Person
    foreign_terminal: Terminal
    terminal_elsewhere: Terminal

    async def as_(self, person: Person, method: str, path: str, body: object = None) -> Any:
        token = await person.token()
        return await self.access.call(method, path, body=body, token=token)


@pytest_asyncio.fixture(loop_scope="session")
async def town(access: Access) -> Town:
    merchant, foreign = await access.new_merchant(), await access.new_merchant()
    store, other = await access.add_store(merchant), await access.add_store(merchant)
    foreign_store = await access.add_store(foreign)
    return Town(
        access,
        merchant,
        foreign,
        store,
        other,
        foreign_store,
        owner=await access.add_staff(merchant, role="owner"),
        manager=await access.add_staff(merchant, role="manager", stores=[store]),
        clerk_elsewhere=await access.add_staff(merchant, role="clerk", stores=[other]),
        foreign_owner=await access.add_staff(foreign, role="owner"),
        foreign_terminal=await access.add_terminal(foreign_store),
        terminal_elsewhere=await access.add_terminal(other),
    )


async def test_lists_show_what_is_ones_own(town: Town) -> None:
    async def ids(person: Person, path: str, name: str) -> set[str]:
        listed = await town.as_(person, "GET", path)
        return {item[name] for item in listed["items"]}

    assert await ids(town.owner, "/v1/merchants", "merchant") == {town.merchant}
    assert await ids(town.owner, "/v1/stores", "store_id") == {town.store, town.other_store}
    assert await ids(town.manager, "/v1/stores", "store_id") == {town.store}
    assert await ids(town.manager, "/v1/staff", "staff_id") == {town.manager.staff_id}
    assert await ids(town.owner, "/v1/staff", "staff_id") == {
        town.owner.staff_id,
        town.manager.staff_id,
        town.clerk_elsewhere.staff_id,
    }
    assert await ids(town.manager, "/v1/terminals", "terminal_id") == set()
    assert await ids(town.owner, "/v1/terminals", "terminal_id") == {
        town.terminal_elsewhere.terminal_id
    }
    assert await ids(town.owner, "/v1/audit?limit=500", "merchant") == {town.merchant}


async def test_asking_for_another_merchants_list_is_refused(town: Town) -> None:
    for what in ("merchants", "stores", "staff", "terminals", "clients", "audit"):
        asked = town.as_(town.owner, "GET", f"/v1/{what}?merchant={town.foreign}")
        assert await refusal(asked) == (403, "wrong_merchant"), what


async def test_things_of_others_do_not_exist(town: Town) -> None:
    """The same answer as for what really is not there, word for word."""
    client = await town.access.as_operator(
        "POST",
        "/v1/clients",
        body={"merchant": town.foreign, "name": "erp", "actions": ["orders:read"]},
    )
    paths = {
        "GET /v1/merchants/": town.foreign,
        "GET /v1/stores/": town.foreign_store,
        "PATCH /v1/stores/": town.foreign_store,
        "GET /v1/staff/": town.foreign_owner.staff_id,
        "PATCH /v1/staff/": town.foreign_owner.staff_id,
        "POST /v1/staff/{}/deactivate": town.foreign_owner.staff_id,
        "GET /v1/terminals/": town.foreign_terminal.terminal_id,
        "POST /v1/terminals/{}/roll": town.foreign_terminal.terminal_id,
        "POST /v1/terminals/{}/revoke": town.foreign_terminal.terminal_id,
        "GET /v1/clients/": client["client_id"],
        "POST /v1/clients/{}/revoke": client["client_id"],
    }
    token = await town.owner.token()
    for call, foreign in paths.items():
        method, path = call.split(" ")
        full = path.format(foreign) if "{}" in path else path + foreign
        body = {"name": "mine now"} if method == "PATCH" else None
        with pytest.raises(Rejection) as refused:
            await town.access.call(method, full, body=body, token=token)
        assert (refused.value.status, refused.value.reason) == (404, "not_found"), call
        assert str(refused.value).endswith("or it is not yours"), call
    assert await town.foreign_terminal.token()
    assert await town.foreign_owner.token()


async def test_nothing_is_added_to_another_merchant(town: Town) -> None:
    store = {"merchant": town.foreign, "name": "x", "poi_id": "1"}
    person = {
        "merchant": town.foreign,
        "login": "spy",
        "name": "x",
        "role": "clerk",
        "password": PASSWORD,
    }
    client = {"merchant": town.foreign, "name": "x", "actions": ["orders:read"]}
    every = {"merchant": "*", "name": "x", "actions": ["orders:read"]}
    bodies = [("stores", store), ("staff", person), ("clients", client), ("clients", every)]
    for path, body in bodies:
        asked = town.as_(town.owner, "POST", f"/v1/{path}", body)
        assert await refusal(asked) == (403, "wrong_merchant"), path
    asked = town.as_(
        town.owner, "POST", "/v1/terminals", {"store_id": town.foreign_store, "name": "x"}
    )
    assert await refusal(asked) == (404, "not_found")


async def test_a_manager_stays_in_the_stores_held(town: Town) -> None:
    async def refused(method: str, path: str, body: object) -> tuple[int, str]:
        return await refusal(town.as_(town.manager, method, path, body))

    assert await refused("PATCH", f"/v1/stores/{town.other_store}", {"open": False}) == (
        404,
        "not_found",
    )
    assert await refused("PATCH", f"/v1/stores/{town.store}", {"poi_id": "42"}) == (
        403,
        "every_store_needed",
    )
    new = {"merchant": town.merchant, "name": "x", "poi_id": "42"}
    assert await refused("POST", "/v1/stores", new) == (403, "every_store_needed")
    terminal = f"/v1/terminals/{town.terminal_elsewhere.terminal_id}"
    assert await refused("POST", f"{terminal}/revoke", None) == (404, "not_found")
    clerk = f"/v1/staff/{town.clerk_elsewhere.staff_id}"
    assert await refused("POST", f"{clerk}/deactivate", None) == (404, "not_found")
    closed = await town.as_(town.manager, "PATCH", f"/v1/stores/{town.store}", {"open": False})
    assert closed["open"] is False
    body = {"store_id": town.store, "name": "x"}
    invited = await town.as_(town.manager, "POST", "/v1/terminals", body)
    assert (await town.access.enrol(invited["enrolment_code"])).store_id == town.store


async def test_nobody_rises_above_themselves(town: Town) -> None:
    """Not by a new person, nor by another's password, nor by changing a role."""
    person = {"merchant": town.merchant, "login": "up", "name": "x", "password": PASSWORD}
    for more in (
        {"role": "owner", "stores": [town.store]},
        {"role": "auditor", "stores": [town.store]},
        {"role": "clerk", "stores": [town.store, town.other_store]},
        {"role": "clerk", "stores": None},
    ):
        asked = town.as_(town.manager, "POST", "/v1/staff", person | more)
        assert await refusal(asked) == (403, "grants_more_than_held")
    local_owner = await town.access.add_staff(town.merchant, role="owner", stores=[town.store])
    path = f"/v1/staff/{local_owner.staff_id}"
    for method, full, body in (
        ("POST", f"{path}/password", {"password": "another horse 43"}),
        ("POST", f"{path}/deactivate", None),
        ("PATCH", path, {"role": "clerk"}),
    ):
        asked = town.as_(town.manager, method, full, body)
        assert await refusal(asked) == (403, "grants_more_than_held")
    own = f"/v1/staff/{town.manager.staff_id}"
    for change in ({"role": "owner"}, {"stores": None}, {"stores": [town.other_store]}):
        asked = town.as_(town.manager, "PATCH", own, change)
        assert await refusal(asked) == (403, "grants_more_than_held")


async def test_a_client_gets_no_more_than_its_maker_has(town: Town) -> None:
    body = {"merchant": town.merchant, "name": "erp", "actions": ["orders:read"]}
    for action in ("platform_tokens:read", "merchants:write", "stream:rebuild"):
        asked = town.as_(town.owner, "POST", "/v1/clients", body | {"actions": [action]})
        assert await refusal(asked) == (403, "grants_more_than_held")
    asked = town.as_(town.owner, "POST", "/v1/clients", body | {"stores": [town.foreign_store]})
    assert await refusal(asked) == (404, "store_unknown")
    made = await town.as_(town.owner, "POST", "/v1/clients", body)
    assert made["actions"] == ["orders:read"]


async def test_people_are_of_stores_that_exist(town: Town) -> None:
    asked = town.access.add_staff(town.merchant, role="clerk", stores=[town.foreign_store])
    assert await refusal(asked) == (404, "store_unknown")
    asked = town.access.add_staff("nobody", role="clerk")
    assert await refusal(asked) == (404, "not_found")


async def test_the_audit_is_for_those_who_hold_every_store(town: Town) -> None:
    auditor = await town.access.add_staff(town.merchant, role="auditor", stores=[town.store])
    asked = town.as_(auditor, "GET", "/v1/audit")
    assert await refusal(asked) == (403, "every_store_needed")
