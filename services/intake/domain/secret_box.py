"""Seals secrets that belong to no merchant's data, with a key made for one purpose."""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.sealing.derivation import blind_index, derive
from shared.sealing.keyring import CannotOpen

_NONCE_BYTES = 12
_FINGERPRINT_CHARACTERS = 16


class SecretBox:
    """The context is authenticated: a value moved to another row no longer opens."""

    def __init__(self, master_key: bytes, *, purpose: str) -> None:
        self._cipher = AESGCM(derive(master_key, f"seal {purpose}"))
        self._fingerprints = derive(master_key, f"fingerprint {purpose}")

    def seal(self, value: str, *, context: str) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, value.encode(), context.encode())

    def open(self, sealed: bytes, *, context: str) -> str:
        """Raises CannotOpen."""
        try:
            return self._cipher.decrypt(
                sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], context.encode()
            ).decode()
        except InvalidTag:
            raise CannotOpen("sealed with another master key, changed, or moved") from None

    def fingerprint(self, value: str) -> str:
        """Tells two secrets apart and tells nothing else about them."""
        return blind_index(self._fingerprints, value).hex()[:_FINGERPRINT_CHARACTERS]
