"""Adds people and changes what they may do."""

from dataclasses import dataclass
from uuid import UUID

from services.access.domain.actions import ROLE_ACTIONS, Role
from services.access.domain.grants import missing, require_grantable, unless_hidden
from services.access.domain.records import Staff
from services.access.domain.states import StaffState
from services.access.handlers.act import Act
from services.access.handlers.keyed import KeyedHashes
from services.access.handlers.people import Person, open_names, seal_names
from services.access.handlers.stores import require_stores
from services.access.queries import staff as queries
from services.access.queries.merchants import find_merchant
from services.access.queries.sign_in import forget_attempts_of_staff
from shared.errors import Forbidden, Rejection
from shared.ids import new_id
from shared.postgres.connection import Connection
from shared.sealing.keyring import Keyring
from shared.web.principal import Principal


class LoginTaken(Rejection):
    reason = "login_taken"


class StaffDeactivated(Rejection):
    reason = "staff_deactivated"

    def __init__(self) -> None:
        super().__init__("this person was deactivated for good: add them anew")


@dataclass(frozen=True, slots=True)
class NewPerson:
    """`stores` None means every store of the merchant."""

    merchant: str
    login: str
    name: str
    role: Role
    stores: tuple[str, ...] | None
    password_hash: str


class OwnPassword(Forbidden):
    reason = "own_password"

    def __init__(self) -> None:
        super().__init__("change your own password with the old one: POST /v1/sign-in/password")


async def prepare_to_add(
    conn: Connection,
    principal: Principal,
    keyring: Keyring,
    *,
    merchant: str,
    role: Role,
    stores: tuple[str, ...] | None,
) -> None:
    """What comes before the password is hashed, which is dear: may it be, and the data key.

    Outside of a transaction: a key that was rolled back must not stay in the keyring.
    """
    principal.require_merchant(merchant)
    require_grantable(principal, actions=ROLE_ACTIONS[role], stores=stores)
    if await find_merchant(conn, merchant) is None:
        raise missing("merchant")
    await require_stores(conn, merchant, stores)
    await keyring.load(conn, [merchant])


async def add_person(
    act: Act, keyed: KeyedHashes, keyring: Keyring, new: NewPerson
) -> tuple[Person, bool]:
    """The person, and whether new. The same again is no second one and keeps its password."""
    staff_id = new_id()
    sealed = seal_names(keyring, new.merchant, staff_id, login=new.login, name=new.name)
    login_index = keyed.of_login(new.merchant, new.login)
    added = await queries.add_staff(
        act.conn,
        queries.NewStaff(
            staff_id=staff_id,
            merchant=new.merchant,
            login_index=login_index,
            login_sealed=sealed.login,
            name_sealed=sealed.name,
            role=new.role,
            stores=new.stores,
            password_hash=new.password_hash,
        ),
    )
    if added is None:
        return await _same(act.conn, keyring, login_index, new), False
    _record(act, added, "staff.added")
    return Person(added, new.login, new.name), True


async def _same(conn: Connection, keyring: Keyring, login_index: bytes, new: NewPerson) -> Person:
    found = await queries.find_staff_by_login(conn, login_index)
    if found is not None:
        [person] = await open_names(conn, keyring, [found])
        if (person.name, found.role, found.stores) == (new.name, new.role, new.stores):
            return person
    message = "another person of this merchant has the login"
    raise LoginTaken(message)


async def find_person(
    conn: Connection, principal: Principal, keyring: Keyring, staff_id: UUID
) -> Person:
    found = _reachable(principal, await queries.find_staff(conn, staff_id))
    [person] = await open_names(conn, keyring, [found])
    return person


async def change_person(
    act: Act,
    principal: Principal,
    keyring: Keyring,
    staff_id: UUID,
    *,
    name: str | None,
    role: Role | None,
    stores: tuple[str, ...] | None,
    every_store: bool,
) -> Person:
    """Change what is given. Tokens with the rights from before are void."""
    before = await _lock_below(act.conn, principal, staff_id)
    [person] = await open_names(act.conn, keyring, [before])
    new_role = role or before.role
    new_stores = None if every_store else stores or before.stores
    new_name = name or person.name
    if (new_name, new_role, new_stores) == (person.name, before.role, before.stores):
        return person
    require_grantable(principal, actions=ROLE_ACTIONS[new_role], stores=new_stores)
    await require_stores(act.conn, before.merchant, new_stores)
    sealed = seal_names(keyring, before.merchant, staff_id, login=person.login, name=new_name)
    changed = await queries.update_staff(
        act.conn, staff_id, name_sealed=sealed.name, role=new_role, stores=new_stores
    )
    _record(act, changed, "staff.changed")
    if (new_role, new_stores) != (before.role, before.stores):
        await _void_tokens(act, changed, "rights changed")
    return Person(changed, person.login, new_name)


async def deactivate_person(
    act: Act, principal: Principal, keyring: Keyring, staff_id: UUID, *, reason: str
) -> Person:
    """For good. Asking again changes nothing."""
    before = _reachable(principal, await queries.lock_staff(act.conn, staff_id))
    _require_below(principal, before)
    after = await queries.deactivate_staff(act.conn, staff_id)
    if after is not None:
        _record(act, after, "staff.deactivated", reason=reason)
        await _void_tokens(act, after, reason)
    [person] = await open_names(act.conn, keyring, [after or before])
    return person


async def reset_password(
    act: Act, principal: Principal, keyring: Keyring, staff_id: UUID, *, password_hash: str
) -> Person:
    """Set a new password for somebody: their tokens are void, their lock-out is lifted."""
    if principal.subject == f"staff:{staff_id}":
        raise OwnPassword
    await _lock_below(act.conn, principal, staff_id)
    changed = await set_password(act, staff_id, password_hash, action="staff.password_reset")
    await forget_attempts_of_staff(act.conn, staff_id)
    [person] = await open_names(act.conn, keyring, [changed])
    return person


async def set_password(act: Act, staff_id: UUID, password_hash: str, *, action: str) -> Staff:
    changed = await queries.set_password(act.conn, staff_id, password_hash)
    if changed is None:
        raise StaffDeactivated
    _record(act, changed, action)
    await _void_tokens(act, changed, "password changed")
    return changed


async def _lock_below(conn: Connection, principal: Principal, staff_id: UUID) -> Staff:
    """The active person, whom the principal may change."""
    found = _reachable(principal, await queries.lock_staff(conn, staff_id))
    _require_below(principal, found)
    if found.state is not StaffState.ACTIVE:
        raise StaffDeactivated
    return found


def _require_below(principal: Principal, staff: Staff) -> None:
    """A manager who resets an owner's password would be an owner."""
    require_grantable(principal, actions=ROLE_ACTIONS[staff.role], stores=staff.stores)


def _reachable(principal: Principal, found: Staff | None) -> Staff:
    if found is None:
        raise missing("person")
    unless_hidden(principal, what="person", merchant=found.merchant, stores=found.stores)
    return found


async def _void_tokens(act: Act, staff: Staff, reason: str) -> None:
    await act.revoke(
        "staff",
        str(staff.staff_id),
        merchant=staff.merchant,
        version=staff.version,
        reason=reason,
    )


def _record(act: Act, staff: Staff, action: str, **details: str) -> None:
    act.record(
        action,
        subject=f"staff:{staff.staff_id}",
        merchant=staff.merchant,
        role=staff.role.value,
        stores=list(staff.stores) if staff.stores is not None else None,
        **details,
    )
