"""Sealed values open only with their key, in their place, unchanged."""

import os
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from shared.sealing.derivation import blind_index, derive
from shared.sealing.keyring import CannotOpen, Keyring

_MASTER = bytes(range(32))


def a_keyring(merchant: str = "acme", master: bytes = _MASTER) -> Keyring:
    keyring = Keyring(master, service="intake")
    keyring._remember(keyring._make(merchant))
    return keyring


@given(st.binary(max_size=2000), st.text(max_size=50))
def test_what_was_sealed_opens_in_its_context(value: bytes, context: str) -> None:
    keyring = a_keyring()
    assert keyring.open(keyring.seal("acme", value, context=context), context=context) == value


def test_text_travels_in_json_and_back() -> None:
    keyring = a_keyring()
    sealed = keyring.seal_text("acme", "13800001234", context="mobile")
    assert sealed.startswith("sealed:v1:")
    assert "13800001234" not in sealed
    assert keyring.open_text(sealed, context="mobile") == "13800001234"


@pytest.mark.parametrize("position", [0, 1, 20, 35, -1])
def test_a_changed_byte_does_not_open(position: int) -> None:
    keyring = a_keyring()
    sealed = bytearray(keyring.seal("acme", b"secret", context="row 1"))
    sealed[position] ^= 1
    with pytest.raises(CannotOpen):
        keyring.open(bytes(sealed), context="row 1")


def test_a_value_moved_elsewhere_does_not_open() -> None:
    keyring = a_keyring()
    sealed = keyring.seal("acme", b"secret", context="row 1")
    with pytest.raises(CannotOpen):
        keyring.open(sealed, context="row 2")


def test_nothing_opens_after_its_key_is_gone() -> None:
    keyring = a_keyring()
    sealed = keyring.seal("acme", b"secret", context="row")
    keyring.forget("acme")
    with pytest.raises(CannotOpen):
        keyring.open(sealed, context="row")


def test_another_master_key_says_so() -> None:
    wrapped = Keyring(_MASTER, service="intake")._make("acme")
    with pytest.raises(CannotOpen, match="QIAO_MASTER_KEY"):
        Keyring(os.urandom(32), service="intake")._remember(wrapped)


def test_services_do_not_share_wrapping_keys() -> None:
    wrapped = Keyring(_MASTER, service="intake")._make("acme")
    with pytest.raises(CannotOpen):
        Keyring(_MASTER, service="redemption")._remember(wrapped)


def test_each_purpose_has_its_own_key() -> None:
    assert derive(_MASTER, "one") != derive(_MASTER, "two")
    assert derive(_MASTER, "one") == derive(_MASTER, "one")
    AESGCM(derive(_MASTER, "one"))


def test_a_blind_index_depends_on_key_and_value() -> None:
    first = blind_index(b"key", "13800001234")
    assert first == blind_index(b"key", "13800001234")
    assert first != blind_index(b"other", "13800001234")
    assert first != blind_index(b"key", str(uuid4()))
