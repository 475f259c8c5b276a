"""Every signature of the Douyin Open Platform: the checks, and the halves that sign.

All checks work on the bytes as they came, try every live secret without stopping early, and
compare in constant time. An empty secret or an empty list of secrets never verifies.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_public_key

WEBHOOK_HEADER = "X-Douyin-Signature"
LIFE_HEADER = "x-life-sign"

QueryPairs = Iterable[tuple[str, str]]


def sign_webhook(raw: bytes, secret: str) -> str:
    """`X-Douyin-Signature`: sha1 over the secret followed by the body."""
    return hashlib.sha1(secret.encode() + raw, usedforsecurity=False).hexdigest()


def verify_webhook(signature: str | None, raw: bytes, secrets: Sequence[str]) -> bool:
    return _any_matches(signature, secrets, lambda secret: sign_webhook(raw, secret))


def sign_life(query: QueryPairs, raw: bytes, secret: str) -> str:
    """`x-life-sign`: a plain sha256, not an HMAC, over secret, query and body."""
    return hashlib.sha256(_life_text(query, raw, secret)).hexdigest()


def verify_life(
    signature: str | None, query: QueryPairs, raw: bytes, secrets: Sequence[str]
) -> bool:
    pairs = tuple(query)
    return _any_matches(signature, secrets, lambda secret: sign_life(pairs, raw, secret))


def sign_life_old(query: QueryPairs, raw: bytes, secret: str) -> str:
    """The `sign` of the URL: md5 over the same text."""
    return hashlib.md5(_life_text(query, raw, secret), usedforsecurity=False).hexdigest()


def verify_life_old(
    signature: str | None, query: QueryPairs, raw: bytes, secrets: Sequence[str]
) -> bool:
    pairs = tuple(query)
    return _any_matches(signature, secrets, lambda secret: sign_life_old(pairs, raw, secret))


def _life_text(query: QueryPairs, raw: bytes, secret: str) -> bytes:
    pairs = sorted(f"{key}={value}" for key, value in query if key != "sign")
    text = "&".join([secret, *pairs]).encode("utf-8", "surrogateescape")
    return text + b"&http_body=" + raw if raw else text


def sign_ecpay(members: Mapping[str, object], token: str) -> str:
    """`msg_signature` of the older payment callbacks: sha1 over the sorted values and the token."""
    values = [
        str(value)
        for key, value in members.items()
        if key not in {"msg_signature", "type"} and value not in (None, "")
    ]
    text = "".join(sorted([token, *values]))
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def verify_ecpay(members: Mapping[str, object], tokens: Sequence[str]) -> bool:
    signature = members.get("msg_signature")
    return _any_matches(
        signature if isinstance(signature, str) else None,
        tokens,
        lambda token: sign_ecpay(members, token),
    )


def _any_matches(signature: str | None, secrets: Sequence[str], sign: Callable[[str], str]) -> bool:
    """Compare with the signature under each secret; the time does not tell which one matched."""
    given = (signature or "").encode("utf-8", "replace").lower()
    matched = False
    for secret in secrets:
        if secret:
            matched |= hmac.compare_digest(given, sign(secret).encode())
    return matched


def load_public_key(text: str) -> RSAPublicKey:
    """Read a public key as the platform shows it: PEM, or the bare Base64 inside a PEM."""
    if "-----BEGIN" in text:
        key = load_pem_public_key(text.encode())
    else:
        key = load_der_public_key(base64.b64decode("".join(text.split()), validate=True))
    if not isinstance(key, RSAPublicKey):
        raise TypeError("the platform signs with RSA; this is another kind of key")
    return key


def sign_bytes(key: RSAPrivateKey, *, timestamp: str, nonce: str, raw: bytes) -> str:
    """`Byte-Signature` of the trade callbacks, as the platform makes it."""
    return _sign(key, _lines(timestamp, nonce, body=raw))


def verify_bytes(
    signature: str | None,
    *,
    timestamp: str,
    nonce: str,
    raw: bytes,
    keys: Sequence[RSAPublicKey],
) -> bool:
    """Check `Byte-Signature`, Base64 of RSA PKCS#1 v1.5 over SHA-256, against every live key."""
    message = _lines(timestamp, nonce, body=raw)
    return _any_key_verifies(signature, message, keys)


def sign_request(
    key: RSAPrivateKey, *, method: str, uri: str, timestamp: str, nonce: str, body: bytes
) -> str:
    """The signature of a call from a mini-program's server to the platform."""
    return _sign(key, _lines(method, uri, timestamp, nonce, body=body))


def byte_authorization(
    key: RSAPrivateKey,
    *,
    app_id: str,
    method: str,
    uri: str,
    timestamp: str,
    nonce: str,
    body: bytes,
    key_version: str = "1",
    quoted: bool = True,
) -> str:
    """The `Byte-Authorization` header. The documents show values both quoted and bare."""
    members = {
        "appid": app_id,
        "nonce_str": nonce,
        "timestamp": timestamp,
        "key_version": key_version,
        "signature": sign_request(
            key, method=method, uri=uri, timestamp=timestamp, nonce=nonce, body=body
        ),
    }
    mark = '"' if quoted else ""
    return "SHA256-RSA2048 " + ",".join(
        f"{name}={mark}{value}{mark}" for name, value in members.items()
    )


_AUTHORIZATION_MEMBER = re.compile(r'(\w+)=(?:"([^"]*)"|([^,"]*))(?:,|$)')


def verify_byte_authorization(
    header: str | None, *, method: str, uri: str, body: bytes, keys: Sequence[RSAPublicKey]
) -> bool:
    """Check a `Byte-Authorization` header, quoted or bare, as the platform would."""
    scheme, _, rest = (header or "").partition(" ")
    found = {
        name: quoted or bare for name, quoted, bare in _AUTHORIZATION_MEMBER.findall(rest.strip())
    }
    if scheme != "SHA256-RSA2048" or not {"timestamp", "nonce_str"} <= found.keys():
        return False
    message = _lines(method, uri, found["timestamp"], found["nonce_str"], body=body)
    return _any_key_verifies(found.get("signature"), message, keys)


def _lines(*parts: str, body: bytes) -> bytes:
    head = "".join(f"{part}\n" for part in parts)
    return head.encode("utf-8", "surrogateescape") + body + b"\n"


def _sign(key: RSAPrivateKey, message: bytes) -> str:
    return base64.b64encode(key.sign(message, PKCS1v15(), SHA256())).decode()


def _any_key_verifies(signature: str | None, message: bytes, keys: Sequence[RSAPublicKey]) -> bool:
    try:
        given = base64.b64decode((signature or "").encode(), validate=True)
    except (binascii.Error, ValueError):
        return False
    matched = False
    for key in keys:
        matched |= _verifies(key, given, message)
    return matched


def _verifies(key: RSAPublicKey, signature: bytes, message: bytes) -> bool:
    try:
        key.verify(signature, message, PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True
