"""Seals and opens bytes with the merchant's data key (AES-256-GCM).

A sealed value is `version(1) | key id(16) | nonce(12) | ciphertext and tag`. The context is
authenticated with it, so a value moved to another row or field no longer opens.
"""

import base64
import os
from collections.abc import Iterable
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.ids import new_id
from shared.postgres.connection import Connection
from shared.sealing import queries
from shared.sealing.derivation import derive
from shared.sealing.queries import WrappedKey

_VERSION = b"\x01"
_NONCE_BYTES = 12
_KEY_BYTES = 32
_HEADER_BYTES = 1 + 16 + _NONCE_BYTES
_TEXT_PREFIX = "sealed:v1:"


class CannotOpen(Exception):
    """The key was destroyed, or the value was changed or moved."""


class Keyring:
    """The data keys of one service. Load a merchant's key before sealing for it."""

    def __init__(self, master_key: bytes, *, service: str) -> None:
        self._wrapping = AESGCM(derive(master_key, f"wrap data keys of {service}"))
        self._by_merchant: dict[str, tuple[UUID, AESGCM]] = {}
        self._by_id: dict[UUID, AESGCM] = {}

    async def load(self, conn: Connection, merchants: Iterable[str]) -> None:
        """Have the keys of these merchants at hand, making those that are missing.

        Outside any transaction: a key that is rolled back after it was used opens nothing again.
        """
        missing = sorted(set(merchants) - self._by_merchant.keys())
        if not missing:
            return
        found = await queries.find_keys(conn, missing)
        new = set(missing) - {key.merchant for key in found}
        if new:
            if conn.is_in_transaction():
                message = "data keys are made outside transactions"
                raise RuntimeError(message)
            await queries.add_keys(conn, [self._make(merchant) for merchant in sorted(new)])
            found = await queries.find_keys(conn, missing)
        for key in found:
            self._remember(key)

    async def load_for(self, conn: Connection, sealed_values: Iterable[bytes]) -> None:
        """Have the keys at hand that these values were sealed with; destroyed ones stay away."""
        missing = {_key_id(sealed) for sealed in sealed_values} - self._by_id.keys()
        if missing:
            for key in await queries.find_keys_by_id(conn, sorted(missing)):
                self._remember(key)

    def seal(self, merchant: str, value: bytes, *, context: str) -> bytes:
        """Raises KeyError if the merchant's key was not loaded."""
        key_id, key = self._by_merchant[merchant]
        nonce = os.urandom(_NONCE_BYTES)
        return _VERSION + key_id.bytes + nonce + key.encrypt(nonce, value, context.encode())

    def open(self, sealed: bytes, *, context: str) -> bytes:
        """Raises CannotOpen."""
        key = self._by_id.get(_key_id(sealed))
        if key is None:
            message = "the data key is not at hand or was destroyed"
            raise CannotOpen(message)
        nonce = sealed[17:_HEADER_BYTES]
        try:
            return key.decrypt(nonce, sealed[_HEADER_BYTES:], context.encode())
        except InvalidTag:
            message = "the value was changed or belongs elsewhere"
            raise CannotOpen(message) from None

    def seal_text(self, merchant: str, value: str, *, context: str) -> str:
        """Sealed, as text that fits into JSON."""
        sealed = self.seal(merchant, value.encode(), context=context)
        return _TEXT_PREFIX + base64.urlsafe_b64encode(sealed).decode()

    def open_text(self, sealed: str, *, context: str) -> str:
        return self.open(text_to_bytes(sealed), context=context).decode()

    def forget(self, merchant: str) -> None:
        key_id, _ = self._by_merchant.pop(merchant, (None, None))
        if key_id is not None:
            self._by_id.pop(key_id, None)

    def _make(self, merchant: str) -> WrappedKey:
        key_id, nonce = new_id(), os.urandom(_NONCE_BYTES)
        wrapped = self._wrapping.encrypt(nonce, os.urandom(_KEY_BYTES), key_id.bytes)
        return WrappedKey(key_id, merchant, nonce + wrapped)

    def _remember(self, key: WrappedKey) -> None:
        nonce, wrapped = key.wrapped_key[:_NONCE_BYTES], key.wrapped_key[_NONCE_BYTES:]
        try:
            cipher = AESGCM(self._wrapping.decrypt(nonce, wrapped, key.key_id.bytes))
        except InvalidTag:
            message = "QIAO_MASTER_KEY is not the one this data was sealed with"
            raise CannotOpen(message) from None
        self._by_merchant[key.merchant] = (key.key_id, cipher)
        self._by_id[key.key_id] = cipher


def text_to_bytes(sealed: str) -> bytes:
    if not sealed.startswith(_TEXT_PREFIX):
        message = "not a sealed value"
        raise CannotOpen(message)
    return base64.urlsafe_b64decode(sealed[len(_TEXT_PREFIX) :])


def _key_id(sealed: bytes) -> UUID:
    if sealed[:1] != _VERSION or len(sealed) < _HEADER_BYTES:
        message = "not a sealed value"
        raise CannotOpen(message)
    return UUID(bytes=sealed[1:17])
