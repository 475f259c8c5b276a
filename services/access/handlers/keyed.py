"""Keyed hashes: what is found and compared without being kept."""

import hashlib
import hmac
import unicodedata
from datetime import datetime

from shared.sealing.derivation import blind_index, derive


class KeyedHashes:
    """A key of its own for each purpose, all derived from the master key."""

    def __init__(self, master_key: bytes) -> None:
        self._codes = derive(master_key, "enrolment codes of access")
        self._secrets = derive(master_key, "client secrets of access")
        self._logins = derive(master_key, "logins of access")

    def of_code(self, code: str) -> bytes:
        return blind_index(self._codes, code)

    def of_secret(self, secret: str) -> bytes:
        return blind_index(self._secrets, secret)

    def of_login(self, merchant: str, login: str) -> bytes:
        """Capitals and full-width letters do not tell two people apart."""
        normal = unicodedata.normalize("NFKC", login).casefold()
        return blind_index(self._logins, f"{merchant}\n{normal}")


def same(given: str, expected: str) -> bool:
    """Compare secrets in a time that tells nothing, not even their lengths."""
    left, right = (hashlib.sha256(text.encode()).digest() for text in (given, expected))
    return hmac.compare_digest(left, right)


def seconds_until(moment: datetime, now: datetime) -> int:
    return max(1, int((moment - now).total_seconds()) + 1)
