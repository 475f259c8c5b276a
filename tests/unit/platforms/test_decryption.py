"""Encrypts by the platform's description, worked out here, and lets our side decrypt."""

import base64

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Unreadable
from shared.platforms.douyin.decryption import decrypt_field, decrypt_mobile, needs_platform


def encrypt(text: str, key: bytes, vector: bytes) -> str:
    plain = text.encode()
    missing = 16 - len(plain) % 16
    encryptor = Cipher(AES(key), CBC(vector)).encryptor()
    padded = plain + bytes([missing]) * missing
    return base64.b64encode(encryptor.update(padded) + encryptor.finalize()).decode()


@pytest.mark.parametrize(
    ("secret", "key"),
    [
        ("a" * 32, "a" * 32),
        ("b" * 30, "#" + "b" * 30 + "#"),
        ("c" * 31, "#" + "c" * 31),
        ("0123456789abcdef", "########0123456789abcdef########"),
        ("x" + "d" * 32 + "y", "d" * 32),
        ("x" + "e" * 32, "e" * 32),
        ("xx" + "f" * 32 + "y", "f" * 32),
    ],
)
def test_the_secret_is_padded_or_cut_to_the_middle_32_bytes(secret: str, key: str) -> None:
    encrypted = encrypt("13800001234", key.encode(), key.encode()[-16:])
    assert decrypt_field(encrypted, client_secret=secret) == "13800001234"


@given(text=st.text(max_size=100), secret=st.text(alphabet="abc123", min_size=32, max_size=32))
def test_any_text_comes_back(text: str, secret: str) -> None:
    key = secret.encode()
    assert decrypt_field(encrypt(text, key, key[16:]), client_secret=secret) == text
    assert decrypt_mobile(encrypt(text, key, key[:16]), client_secret=secret) == text


@pytest.mark.parametrize("value", ["", "not base64", "AAAA", base64.b64encode(b"x" * 32).decode()])
def test_what_was_not_encrypted_with_this_secret_is_unreadable(value: str) -> None:
    with pytest.raises(Unreadable, match="not encrypted with this secret"):
        decrypt_field(value, client_secret="s" * 32)


def test_a_value_that_only_the_platform_can_decrypt_says_so() -> None:
    assert needs_platform("Enc.abc")
    with pytest.raises(Unreadable, match="by the platform"):
        decrypt_field("Enc.abc", client_secret="s" * 32)


def test_a_mobile_number_needs_a_secret_of_full_length() -> None:
    with pytest.raises(Unreadable, match="32 bytes"):
        decrypt_mobile("AAAA", client_secret="short")
