"""Adds terminals, enrols their devices, voids them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from services.access.domain.actions import TERMINAL_ACTIONS
from services.access.domain.codes import new_code, read_code, show_code
from services.access.domain.grants import missing, require_grantable, unless_hidden
from services.access.domain.records import Store, Terminal
from services.access.domain.states import TerminalState
from services.access.handlers.act import Act
from services.access.handlers.keyed import KeyedHashes
from services.access.handlers.stores import find_store
from services.access.queries import terminals as queries
from services.access.queries.stores import find_store as find_any_store
from shared.contracts.access import TerminalEnrolled
from shared.errors import Rejection
from shared.ids import new_id
from shared.postgres.connection import Connection
from shared.web.principal import Principal


class CodeRefused(Rejection):
    reason = "enrolment_code_refused"

    def __init__(self) -> None:
        super().__init__("the code is unknown, used or too old: ask for a new one")


class TerminalRevoked(Rejection):
    reason = "terminal_revoked"


@dataclass(frozen=True, slots=True)
class Invitation:
    """A terminal that waits for its device, and the code to show, once."""

    terminal: Terminal
    code: str


async def add_terminal(
    act: Act,
    principal: Principal,
    keyed: KeyedHashes,
    *,
    store_id: str,
    name: str,
    code_life: timedelta,
) -> Invitation:
    store = await find_store(act.conn, principal, store_id)
    require_grantable(principal, actions=TERMINAL_ACTIONS, stores=(store_id,))
    code = new_code()
    terminal = await queries.add_terminal(
        act.conn,
        terminal_id=new_id(),
        merchant=store.merchant,
        store_id=store_id,
        name=name,
        code_hash=keyed.of_code(code),
        code_life=code_life,
    )
    _record(act, terminal, "terminal.added", name=name)
    return Invitation(terminal, show_code(code))


async def enrol_terminal(
    act: Act, keyed: KeyedHashes, *, code: str, public_key: Mapping[str, str]
) -> tuple[Terminal, Store]:
    """Spend the code: the key's device is the terminal from now on."""
    terminal = await queries.enrol_terminal(
        act.conn, code_hash=keyed.of_code(read_code(code)), public_key=public_key
    )
    if terminal is None or terminal.enrolled_at is None:
        raise CodeRefused
    store = await find_any_store(act.conn, terminal.store_id)
    if store is None:
        raise missing("store")
    act.actor = f"terminal:{terminal.terminal_id}"
    act.say(
        TerminalEnrolled(
            terminal_id=str(terminal.terminal_id),
            store_id=terminal.store_id,
            name=terminal.name,
            enrolled_at=terminal.enrolled_at,
        ),
        subject=str(terminal.terminal_id),
        merchant=terminal.merchant,
        version=terminal.version,
        event_type="terminal.enrolled",
    )
    _record(act, terminal, "terminal.enrolled", key_type=public_key["crv"])
    return terminal, store


async def find_terminal(conn: Connection, principal: Principal, terminal_id: UUID) -> Terminal:
    return _reachable(principal, await queries.find_terminal(conn, terminal_id))


async def roll_terminal(
    act: Act,
    principal: Principal,
    keyed: KeyedHashes,
    terminal_id: UUID,
    *,
    code_life: timedelta,
) -> Invitation:
    """Void the device's key and tokens; a new device enrols with the new code."""
    before = _reachable(principal, await queries.lock_terminal(act.conn, terminal_id))
    code = new_code()
    rolled = await queries.roll_terminal(
        act.conn, terminal_id, code_hash=keyed.of_code(code), code_life=code_life
    )
    if rolled is None:
        message = "the terminal was revoked for good: add a new one"
        raise TerminalRevoked(message)
    _record(act, rolled, "terminal.rolled")
    if before.state is TerminalState.ACTIVE:
        await _void_tokens(act, rolled, "rolled")
    return Invitation(rolled, show_code(code))


async def revoke_terminal(
    act: Act, principal: Principal, terminal_id: UUID, *, reason: str
) -> Terminal:
    """For good. Asking again changes nothing."""
    before = _reachable(principal, await queries.lock_terminal(act.conn, terminal_id))
    revoked = await queries.revoke_terminal(act.conn, terminal_id)
    if revoked is None:
        return before
    _record(act, revoked, "terminal.revoked", reason=reason)
    await _void_tokens(act, revoked, reason)
    return revoked


async def _void_tokens(act: Act, terminal: Terminal, reason: str) -> None:
    await act.revoke(
        "terminal",
        str(terminal.terminal_id),
        merchant=terminal.merchant,
        version=terminal.version,
        reason=reason,
    )


def _reachable(principal: Principal, found: Terminal | None) -> Terminal:
    if found is None:
        raise missing("terminal")
    unless_hidden(principal, what="terminal", merchant=found.merchant, stores=[found.store_id])
    return found


def _record(act: Act, terminal: Terminal, action: str, **details: str) -> None:
    act.record(
        action,
        subject=f"terminal:{terminal.terminal_id}",
        merchant=terminal.merchant,
        store_id=terminal.store_id,
        **details,
    )
