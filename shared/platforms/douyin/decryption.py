"""Reading the fields that Douyin encrypts with the application's secret."""

import base64
import binascii

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

from shared.errors import Unreadable

KEY_LENGTH = 32
BLOCK_LENGTH = 16
# Such a value can only be read by asking the platform.
ONLINE_PREFIX = "Enc."


def needs_platform(value: str) -> bool:
    """Whether only the platform's own decrypt call can read this value."""
    return value.startswith(ONLINE_PREFIX)


def decrypt_field(value: str, *, client_secret: str) -> str:
    """Decrypt a field of the life services: key from the secret, IV the key's last half."""
    if needs_platform(value):
        raise Unreadable("this value can only be decrypted by the platform")
    key = _fitted(client_secret.encode())
    return _decrypt(value, key=key, vector=key[-BLOCK_LENGTH:])


def decrypt_mobile(value: str, *, client_secret: str) -> str:
    """Decrypt the mobile number of a user's OAuth grant: IV is the key's first half."""
    key = client_secret.encode()
    if len(key) != KEY_LENGTH:
        raise Unreadable(f"the client secret is not {KEY_LENGTH} bytes long")
    return _decrypt(value, key=key, vector=key[:BLOCK_LENGTH])


def _fitted(secret: bytes) -> bytes:
    """Make 32 bytes: pad a short secret on both sides with #, cut a long one to its middle."""
    missing = KEY_LENGTH - len(secret)
    if missing >= 0:
        right = missing // 2
        return b"#" * (missing - right) + secret + b"#" * right
    left = -missing - (-missing // 2)
    return secret[left : left + KEY_LENGTH]


def _decrypt(value: str, *, key: bytes, vector: bytes) -> str:
    # One answer for every failure, so that none of them tells about the key.
    try:
        encrypted = base64.b64decode(value.encode(), validate=True)
        decryptor = Cipher(AES256(key), CBC(vector)).decryptor()
        padded = decryptor.update(encrypted) + decryptor.finalize()
        unpadder = PKCS7(BLOCK_LENGTH * 8).unpadder()
        return (unpadder.update(padded) + unpadder.finalize()).decode()
    except (binascii.Error, ValueError):
        raise Unreadable("the value was not encrypted with this secret") from None
