"""Keys for one purpose each, derived from the master key (HKDF, RFC 5869)."""

import hashlib
import hmac

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_KEY_BYTES = 32


def derive(master_key: bytes, purpose: str) -> bytes:
    """32 bytes that tell nothing of the master key or of the keys for other purposes."""
    return HKDF(
        algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=f"qiao {purpose}".encode()
    ).derive(master_key)


def blind_index(key: bytes, value: str) -> bytes:
    """What a value can be found by without being readable: a keyed hash."""
    return hmac.new(key, value.encode(), hashlib.sha256).digest()
