"""Device keys and assertions, without a server."""

import base64
import time
from typing import Any
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.access.domain.states import TerminalState
from services.access.handlers.assertions import (
    AssertionRefused,
    check_assertion,
    read_public_key,
)
from services.access.queries.terminals import Device
from shared.errors import Unreadable
from tests.support.access import public_jwk

_ID = uuid4()
_KEY = Ed25519PrivateKey.generate()
_DEVICE = Device(TerminalState.ACTIVE, read_public_key(public_jwk(_KEY)))


def _signed(key: Any = _KEY, algorithm: str = "EdDSA", **changes: Any) -> str:
    now = int(time.time())
    claims = {"aud": "qiao/access", "sub": str(_ID), "iat": now, "exp": now + 60, "jti": "1"}
    kept = {name: value for name, value in (claims | changes).items() if value is not None}
    return jwt.encode(kept, key, algorithm=algorithm)


def _reason(assertion: str, device: Device | None = _DEVICE) -> str:
    with pytest.raises(AssertionRefused) as refused:
        check_assertion(device, _ID, assertion)
    return refused.value.reason


def test_a_good_assertion_of_either_curve_is_taken() -> None:
    assert check_assertion(_DEVICE, _ID, _signed()).jti == "1"
    key = ec.generate_private_key(ec.SECP256R1())
    device = Device(TerminalState.ACTIVE, read_public_key(public_jwk(key)))
    assert check_assertion(device, _ID, _signed(key, "ES256")).jti == "1"


def test_whatever_is_not_signed_by_the_terminals_key_is_refused_alike() -> None:
    other = Ed25519PrivateKey.generate()
    unsigned = _signed().rpartition(".")[0] + "."
    secret = base64.urlsafe_b64decode(str(_DEVICE.public_key["x"]) + "=")  # type: ignore[index]
    forged = [
        _signed(other),
        unsigned,
        _signed(ec.generate_private_key(ec.SECP256R1()), "ES256"),
        # The public key taken for a shared secret.
        _signed(secret, "HS256"),
        _signed(aud="qiao"),
        "a.b.c",
        "",
        "益禾堂",
    ]
    assert {_reason(one) for one in forged} == {"assertion_refused"}
    assert _reason(_signed(), device=None) == "assertion_refused"


@pytest.mark.parametrize("claim", ["aud", "sub", "iat", "exp", "jti"])
def test_each_claim_is_needed(claim: str) -> None:
    changes: dict[str, Any] = {claim: None}
    assert _reason(_signed(**changes)) == "assertion_refused"


@pytest.mark.parametrize(
    "changes",
    [
        {"sub": "somebody else"},
        {"jti": ""},
        {"jti": "x" * 65},
        {"jti": "a\x00b"},
        # From when tests are collected: far enough for the longest run.
        {"exp": int(time.time()) + 36_000},
        {"exp": int(time.time()) - 10},
        {"iat": "yesterday"},
        {"iat": True},
        {"iat": float("nan")},
        {"exp": float("inf")},
        {"exp": 10**300},
        {"exp": 10**400},
        {"iat": -(10**30)},
    ],
)
def test_claims_out_of_bounds_are_refused(changes: dict[str, Any]) -> None:
    assert _reason(_signed(**changes)) == "assertion_refused"


@pytest.mark.parametrize("off_seconds", [-600, 600])
def test_a_wrong_clock_is_named_with_the_servers_time(off_seconds: int) -> None:
    then = int(time.time()) + off_seconds
    with pytest.raises(AssertionRefused, match="server_time is 20") as refused:
        check_assertion(_DEVICE, _ID, _signed(iat=then, exp=then + 60))
    assert refused.value.reason == "clock_skew"


@pytest.mark.parametrize("off_seconds", [-60, 20])
def test_a_clock_that_is_a_little_off_is_no_obstacle(off_seconds: int) -> None:
    then = int(time.time()) + off_seconds
    check_assertion(_DEVICE, _ID, _signed(iat=then, exp=then + 60))


def test_only_the_holder_of_the_key_hears_that_it_was_revoked() -> None:
    revoked = Device(TerminalState.REVOKED, _DEVICE.public_key)
    assert _reason(_signed(), revoked) == "terminal_revoked"
    assert _reason(_signed(Ed25519PrivateKey.generate()), revoked) == "assertion_refused"


def test_a_private_key_is_refused_with_a_warning() -> None:
    with pytest.raises(Unreadable, match="known to others") as refused:
        read_public_key(public_jwk(_KEY) | {"d": "AAAA"})
    assert refused.value.reason == "private_key_sent"


@pytest.mark.parametrize(
    "jwk",
    [
        {"kty": "OKP", "crv": "Ed448", "x": "AAAA"},
        {"kty": "OKP", "crv": "Ed25519", "x": "AAAA"},
        {"kty": "OKP", "crv": "Ed25519", "x": "not base64 !"},
        {"kty": "EC", "crv": "Ed25519", "x": "AAAA"},
        {"kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA"},
        {"kty": "EC", "crv": "P-256", "x": "A" * 43, "y": "A" * 43},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
        {},
    ],
)
def test_what_is_no_key_of_ours_is_unreadable(jwk: dict[str, str]) -> None:
    with pytest.raises(Unreadable):
        read_public_key(jwk)


def test_members_that_are_not_needed_are_left_out() -> None:
    kept = read_public_key(public_jwk(_KEY) | {"ext": "true", "key_ops": "verify"})
    assert set(kept) == {"kty", "crv", "x"}
