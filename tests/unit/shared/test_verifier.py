"""Tokens are checked offline: signature, audience, expiry, revocation."""

import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.clock import utc_now
from shared.errors import Forbidden, Unauthorized, Unavailable
from shared.platforms.reasons import GUIDANCE, Reason
from shared.web.verifier import TokenRevoked, TokenVerifier

_KEY = Ed25519PrivateKey.generate()
_OTHER_KEY = Ed25519PrivateKey.generate()


def a_token(key: Ed25519PrivateKey = _KEY, kid: str = "one", **claims: Any) -> str:
    now = int(time.time())
    payload = {
        "iss": "qiao/access",
        "aud": "qiao",
        "sub": "terminal:7",
        "merchant": "acme",
        "stores": ["s-1"],
        "actions": ["redemption:write"],
        "iat": now,
        "exp": now + 600,
    }
    return jwt.encode(payload | claims, key, algorithm="EdDSA", headers={"kid": kid})


@pytest.fixture
def verifier() -> TokenVerifier:
    key = jwt.algorithms.OKPAlgorithm.to_jwk(_KEY.public_key(), as_dict=True)
    verifier = TokenVerifier()
    verifier.use_keys({"keys": [{**key, "kid": "one", "alg": "EdDSA", "use": "sig"}]})
    return verifier


def test_a_good_token_says_who_and_what(verifier: TokenVerifier) -> None:
    principal = verifier.verify(a_token())
    assert principal.subject == "terminal:7"
    assert principal.identity == "7"
    assert principal.stores == ("s-1",)
    principal.require("redemption:write")
    with pytest.raises(Forbidden):
        principal.require("orders:read")
    with pytest.raises(Forbidden):
        principal.require_merchant("other")


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        (a_token(_OTHER_KEY), "token_invalid"),
        (a_token(kid="unknown"), "token_invalid"),
        (a_token(aud="somebody else"), "token_invalid"),
        (a_token(iss="somebody else"), "token_invalid"),
        (a_token(exp=int(time.time()) - 60), "token_expired"),
        (a_token(actions="all of them"), "token_invalid"),
        (
            jwt.encode({"sub": "x"}, "secret-of-32-bytes-or-more-for-hs256", algorithm="HS256"),
            "token_invalid",
        ),
        ("not a token", "token_invalid"),
        ("", "token_invalid"),
    ],
)
def test_any_other_token_is_refused(verifier: TokenVerifier, token: str, reason: str) -> None:
    with pytest.raises(Unauthorized) as refused:
        verifier.verify(token)
    assert refused.value.reason == reason


def test_a_revoked_principal_is_refused_until_a_newer_token(verifier: TokenVerifier) -> None:
    verifier.revoke("terminal:7", utc_now())
    verifier.revoke("terminal:7", utc_now() - timedelta(hours=1))
    with pytest.raises(Unauthorized) as refused:
        verifier.verify(a_token())
    assert refused.value.reason == "token_revoked"
    assert isinstance(refused.value, TokenRevoked)
    assert refused.value.guidance is GUIDANCE[Reason.TERMINAL_REVOKED]
    assert verifier.verify(a_token(iat=int(time.time()) + 2)).identity == "7"


def test_an_unknown_key_asks_for_a_refresh(verifier: TokenVerifier) -> None:
    assert not verifier.refresh_wanted.is_set()
    with pytest.raises(Unauthorized):
        verifier.verify(a_token(kid="rotated"))
    assert verifier.refresh_wanted.is_set()


def test_without_keys_the_answer_is_not_now() -> None:
    with pytest.raises(Unavailable):
        TokenVerifier().verify(a_token())


def test_old_revocations_are_forgotten(verifier: TokenVerifier) -> None:
    verifier.revoke("terminal:1", utc_now() - timedelta(hours=1))
    verifier.forget_old_revocations()
    assert verifier._void_before == {}


def test_a_token_checked_before_is_void_once_its_key_is_withdrawn(
    verifier: TokenVerifier,
) -> None:
    token = a_token()
    assert verifier.verify(token) is verifier.verify(token)
    key = jwt.algorithms.OKPAlgorithm.to_jwk(_OTHER_KEY.public_key(), as_dict=True)
    verifier.use_keys({"keys": [{**key, "kid": "two", "alg": "EdDSA", "use": "sig"}]})
    with pytest.raises(Unauthorized):
        verifier.verify(token)


def test_a_token_checked_before_is_void_once_its_principal_is_revoked(
    verifier: TokenVerifier,
) -> None:
    token = a_token()
    verifier.verify(token)
    verifier.revoke("terminal:7", utc_now())
    with pytest.raises(Unauthorized):
        verifier.verify(token)


def test_a_token_checked_before_expires_all_the_same(verifier: TokenVerifier) -> None:
    expired = a_token(exp=int(time.time()) - 60)
    verifier._checked[expired] = replace(
        verifier.verify(a_token()), expires_at=utc_now() - timedelta(minutes=1)
    )
    with pytest.raises(Unauthorized):
        verifier.verify(expired)


def test_only_so_many_checked_tokens_are_kept(verifier: TokenVerifier) -> None:
    principal = verifier.verify(a_token())
    for number in range(5000):
        verifier._remember(f"token {number}", principal)
    assert len(verifier._checked) <= 4096
