"""People sign in with a password: few guesses, and one answer to all that is wrong."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from prometheus_client import Counter

from services.access.domain.actions import ROLE_ACTIONS
from services.access.domain.lockout import FIRST_LOCK, FREE_ATTEMPTS, LONGEST_LOCK
from services.access.handlers.act import Act
from services.access.handlers.authority import Authority, Grant, Token
from services.access.handlers.keyed import seconds_until
from services.access.handlers.people import open_field
from services.access.queries import sign_in as queries
from services.access.queries.sign_in import Known, SignedIn
from shared.clock import utc_now
from shared.errors import TooManyRequests, Unauthorized
from shared.postgres.connection import Connection
from shared.sealing.keyring import Keyring

SIGN_INS = Counter("qiao_access_sign_ins_total", "Passwords given", ["outcome"])


class SignInRefused(Unauthorized):
    reason = "sign_in_refused"

    def __init__(self) -> None:
        super().__init__("merchant, login or password is wrong")


class SessionOver(Unauthorized):
    reason = "session_over"

    def __init__(self) -> None:
        super().__init__("sign in again")


class LockedOut(TooManyRequests):
    reason = "locked_out"


@dataclass(frozen=True, slots=True)
class Claim:
    """One counted attempt, and who has that login, if anybody."""

    login_index: bytes
    merchant: str
    known: Known | None
    locks: bool

    @property
    def password_hash(self) -> str | None:
        return self.known.password_hash if self.known else None


@dataclass(frozen=True, slots=True)
class Session:
    token: Token
    signed_in: SignedIn
    name: str


async def claim_attempt(conn: Connection, *, login_index: bytes, merchant: str) -> Claim:
    """Count an attempt before it is made. Raises LockedOut, whether the login exists or not."""
    attempt = await queries.claim_attempt(
        conn,
        login_index,
        free_attempts=FREE_ATTEMPTS,
        first_lock=FIRST_LOCK,
        longest_lock=LONGEST_LOCK,
    )
    if attempt is None:
        SIGN_INS.labels("locked_out").inc()
        locked_until = await queries.find_lock(conn, login_index) or utc_now()
        message = "too many wrong passwords: wait, or have the password reset"
        raise LockedOut(message, retry_after_seconds=seconds_until(locked_until, utc_now()))
    known = await queries.find_known(conn, login_index)
    return Claim(login_index, merchant, known, locks=attempt.locked_until is not None)


def refuse(act: Act, claim: Claim) -> SignInRefused:
    """What to raise after the commit; a lock-out is kept in the audit, of unknown logins too."""
    SIGN_INS.labels("refused").inc()
    if claim.locks:
        subject = f"staff:{claim.known.staff_id}" if claim.known else "staff:unknown"
        merchant = claim.known.merchant if claim.known else None
        act.record("staff.locked_out", subject=subject, merchant=merchant)
    return SignInRefused()


async def enter(act: Act, claim: Claim) -> SignedIn:
    """The password matched: let the person in, unless they were deactivated meanwhile."""
    if claim.known is None:
        raise SignInRefused
    signed_in = await queries.enter(
        act.conn, claim.known.staff_id, password_hash=claim.known.password_hash
    )
    if signed_in is None:
        raise SignInRefused
    await queries.forget_attempts(act.conn, claim.login_index)
    SIGN_INS.labels("granted").inc()
    act.actor = f"staff:{signed_in.staff_id}"
    return signed_in


async def sign_in(act: Act, claim: Claim, authority: Authority, keyring: Keyring) -> Session:
    signed_in = await enter(act, claim)
    act.record("staff.signed_in", subject=act.actor, merchant=signed_in.merchant)
    return await _session(act.conn, authority, keyring, signed_in, utc_now())


async def renew(
    conn: Connection,
    authority: Authority,
    keyring: Keyring,
    *,
    staff_id: UUID,
    issued_at: datetime,
    signed_in_at: datetime,
) -> Session:
    """A fresh token with the rights of now, while the session lasts."""
    signed_in = await queries.stay(conn, staff_id, issued_at=issued_at)
    if signed_in is None:
        raise SessionOver
    return await _session(conn, authority, keyring, signed_in, signed_in_at)


async def _session(
    conn: Connection,
    authority: Authority,
    keyring: Keyring,
    signed_in: SignedIn,
    signed_in_at: datetime,
) -> Session:
    await keyring.load_for(conn, [signed_in.name_sealed])
    name = open_field(keyring, signed_in.staff_id, "name", signed_in.name_sealed)
    token = authority.mint(
        Grant(
            subject=f"staff:{signed_in.staff_id}",
            merchant=signed_in.merchant,
            stores=signed_in.stores,
            actions=ROLE_ACTIONS[signed_in.role],
            signed_in_at=signed_in_at,
        )
    )
    return Session(token, signed_in, name)
