"""A terminal proves itself with a short JWT signed by its device's key."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import jwt

from services.access.domain.actions import TERMINAL_ACTIONS
from services.access.domain.states import TerminalState
from services.access.handlers.authority import Authority, Grant, Token
from services.access.queries import terminals as queries
from services.access.queries.terminals import Device
from shared.clock import from_unix_seconds, utc_now
from shared.errors import Unauthorized, Unreadable
from shared.postgres.connection import Connection

AUDIENCE = "qiao/access"
_LIFE_MAX = timedelta(seconds=120)
_SKEW_MAX = timedelta(seconds=30)
_JTI_CHARACTERS_MAX = 64
_ALGORITHMS = {"Ed25519": "EdDSA", "P-256": "ES256"}
_MEMBERS = {"Ed25519": ("kty", "crv", "x"), "P-256": ("kty", "crv", "x", "y")}


class AssertionRefused(Unauthorized):
    reason = "assertion_refused"


@dataclass(frozen=True, slots=True)
class Assertion:
    """One that was checked, and the key it was checked with."""

    public_key: Mapping[str, str]
    jti: str
    expires_at: datetime


def read_public_key(given: Mapping[str, str]) -> Mapping[str, str]:
    """The public members of an Ed25519 or P-256 key. Raises Unreadable."""
    if "d" in given or "k" in given:
        message = "public_key: send the public half only; this key is known to others now"
        raise Unreadable(message, reason="private_key_sent")
    curve = given.get("crv", "")
    if curve not in _ALGORITHMS:
        message = "public_key: a JWK of curve Ed25519 or P-256"
        raise Unreadable(message)
    public_key = {name: given.get(name, "") for name in _MEMBERS[curve]}
    try:
        jwt.PyJWK.from_dict(dict(public_key), _ALGORITHMS[curve])
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        message = f"public_key: not a valid {curve} key"
        raise Unreadable(message) from None
    return public_key


def check_assertion(device: Device | None, terminal_id: UUID, assertion: str) -> Assertion:
    """Check signature, names and times. Raises AssertionRefused, with clock_skew if it is that."""
    if device is None or device.public_key is None:
        raise _refused()
    public_key = device.public_key
    claims = _verified(public_key, assertion)
    if claims.get("sub") != str(terminal_id):
        message = "sub: must be the terminal id in the path"
        raise AssertionRefused(message)
    checked = Assertion(public_key, _jti(claims), _in_time(claims))
    if device.state is TerminalState.REVOKED:
        message = "this terminal was revoked"
        raise AssertionRefused(message, reason="terminal_revoked")
    return checked


def _verified(public_key: Mapping[str, str], assertion: str) -> Mapping[str, object]:
    algorithm = _ALGORITHMS[public_key["crv"]]
    key = jwt.PyJWK.from_dict(dict(public_key), algorithm)
    # Times are looked at by _in_time, which can say by how much a clock is off.
    options: jwt.types.Options = {
        "require": ["aud", "sub", "iat", "exp", "jti"],
        "verify_exp": False,
        "verify_iat": False,
        "verify_nbf": False,
    }
    try:
        claims: Mapping[str, object] = jwt.decode(
            assertion, key, algorithms=[algorithm], audience=AUDIENCE, options=options
        )
    except jwt.MissingRequiredClaimError as missing:
        message = f"{missing.claim}: missing in the assertion"
        raise AssertionRefused(message) from None
    except jwt.PyJWTError:
        raise _refused() from None
    return claims


def _in_time(claims: Mapping[str, object]) -> datetime:
    """When the assertion expires."""
    issued_at, expires_at = _time(claims, "iat"), _time(claims, "exp")
    if not timedelta(0) < expires_at - issued_at <= _LIFE_MAX:
        message = f"exp: after iat, by {_LIFE_MAX.seconds} s at most"
        raise AssertionRefused(message)
    now = utc_now()
    if issued_at > now + _SKEW_MAX or expires_at < now - _SKEW_MAX:
        raise _skewed(issued_at, now)
    return expires_at


def _jti(claims: Mapping[str, object]) -> str:
    jti = claims["jti"]
    if not isinstance(jti, str) or not (jti.isascii() and jti.isprintable()):
        message = "jti: a text of its own in each assertion"
        raise AssertionRefused(message)
    if not 1 <= len(jti) <= _JTI_CHARACTERS_MAX:
        message = f"jti: 1 to {_JTI_CHARACTERS_MAX} characters"
        raise AssertionRefused(message)
    return jti


def _time(claims: Mapping[str, object], name: str) -> datetime:
    value = claims[name]
    if isinstance(value, int | float) and not isinstance(value, bool):
        # Not a number, infinite, or past the year 9999.
        with contextlib.suppress(ValueError, OverflowError, OSError):
            return from_unix_seconds(value)
    message = f"{name}: seconds since 1970"
    raise AssertionRefused(message)


def _skewed(issued_at: datetime, now: datetime) -> AssertionRefused:
    seconds = round((issued_at - now).total_seconds())
    direction = "ahead" if seconds > 0 else "behind"
    message = (
        f"the device's clock or the assertion is {abs(seconds)} s {direction}; "
        f"server_time is {now.isoformat(timespec='seconds')}"
    )
    return AssertionRefused(message, reason="clock_skew")


def _refused() -> AssertionRefused:
    return AssertionRefused("unknown terminal, or not signed by its key: enrol the device anew")


async def spend_assertion(
    conn: Connection, authority: Authority, terminal_id: UUID, assertion: Assertion
) -> Token:
    """A token for the terminal's store, once per assertion."""
    terminal = await queries.see_terminal(conn, terminal_id, public_key=assertion.public_key)
    if terminal is None:
        raise _refused()
    if not await queries.spend_assertion(
        conn, terminal_id=terminal_id, jti=assertion.jti, expires_at=assertion.expires_at
    ):
        message = "this assertion was used before: sign a new one with another jti"
        raise AssertionRefused(message, reason="assertion_replayed")
    return authority.mint(
        Grant(
            subject=f"terminal:{terminal_id}",
            merchant=terminal.merchant,
            stores=(terminal.store_id,),
            actions=TERMINAL_ACTIONS,
        )
    )
