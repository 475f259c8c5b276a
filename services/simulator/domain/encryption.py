"""The encrypted codes that stand for a coupon in links and calls: only we can read them."""

import base64
import binascii
import os
from enum import IntEnum

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

# What the codes of the platform's own samples begin and end with.
_HEAD = base64.b64decode("CgwIARDhJxjLLyABKAESLgos")
_TAIL = b"\x1a\x00"
_BODY_BYTES = 44
_NONCE_BYTES = 19


class Purpose(IntEnum):
    # In the QR code, for prepare.
    SCAN = 1
    # In prepare's answer, for verify.
    VERIFY = 2


class CodeCipher:
    def __init__(self, key: bytes) -> None:
        self._cipher = AESSIV(key)

    def scan_code(self, certificate_id: int) -> str:
        """The same for one coupon at any time: it stands behind the printed link."""
        return self._seal(Purpose.SCAN, certificate_id, b"\x00" * _NONCE_BYTES)

    def verify_code(self, certificate_id: int) -> str:
        """Another one at each call, as the platform does it."""
        return self._seal(Purpose.VERIFY, certificate_id, os.urandom(_NONCE_BYTES))

    def open(self, code: str, *purposes: Purpose) -> int | None:
        """The coupon's id, or None if this is no code of ours for these purposes."""
        try:
            raw = base64.b64decode(code, validate=True)
        except (binascii.Error, ValueError):
            return None
        body = raw[len(_HEAD) : -len(_TAIL)]
        if not raw.startswith(_HEAD) or not raw.endswith(_TAIL) or len(body) != _BODY_BYTES:
            return None
        try:
            plain = self._cipher.decrypt(body, None)
        except InvalidTag:
            return None
        return int.from_bytes(plain[1:9]) if plain[0] in purposes else None

    def _seal(self, purpose: Purpose, certificate_id: int, nonce: bytes) -> str:
        plain = bytes([purpose]) + certificate_id.to_bytes(8) + nonce
        return base64.b64encode(_HEAD + self._cipher.encrypt(plain, None) + _TAIL).decode()
