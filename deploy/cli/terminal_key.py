"""A terminal's key file: what a POS engineer or a script needs to act as one terminal."""

import base64
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from deploy.cli import problems
from shared.clock import utc_now
from shared.ids import new_id
from shared.web.client import call

_ALGORITHM = "EdDSA"
_AUDIENCE = "qiao/access"
_ASSERTION_LIFE = timedelta(seconds=60)
_EXPECTED = "a key file written by qiao terminal add"


@dataclass(frozen=True, slots=True)
class TerminalKey:
    """`private_key` is a JWK (Ed25519) with its secret half `d`."""

    terminal_id: str
    merchant: str
    store_id: str
    store_name: str
    access_url: str
    redemption_url: str
    private_key: Mapping[str, str]

    def assertion(self) -> str:
        """What proves at access that we hold the key; it counts once."""
        now = utc_now()
        claims = {
            "aud": _AUDIENCE,
            "sub": self.terminal_id,
            "iat": int(now.timestamp()),
            "exp": int((now + _ASSERTION_LIFE).timestamp()),
            "jti": str(new_id()),
        }
        key = jwt.PyJWK.from_dict(dict(self.private_key), _ALGORITHM)
        return jwt.encode(claims, key.key, algorithm=_ALGORITHM)

    async def token(self, session: aiohttp.ClientSession) -> dict[str, Any]:
        """Any: the JSON of the answer, with access_token and expires_in."""
        url = f"{self.access_url}/v1/terminals/{self.terminal_id}/token"
        answer: dict[str, Any] = await call(
            session, "POST", url, body={"assertion": self.assertion()}
        )
        return answer


def new_private_key() -> dict[str, str]:
    """A fresh Ed25519 key as a JWK."""
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": _base64url(public),
        "d": _base64url(key.private_bytes_raw()),
    }


def public_half(private_key: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in private_key.items() if name != "d"}


def write_key_file(file: Path, key: TerminalKey, *, replace: bool = False) -> None:
    """Only we may read it. Raises Problem rather than overwrite, unless told to replace."""
    flags = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if replace else os.O_EXCL)
    try:
        descriptor = os.open(file, flags, 0o600)
    except FileExistsError:
        raise problems.file_exists(file) from None
    except OSError as failure:
        raise problems.unwritable_file(file, reason=failure.strerror or str(failure)) from None
    with os.fdopen(descriptor, "w") as opened:
        json.dump(asdict(key), opened, ensure_ascii=False, indent=2)
        opened.write("\n")


def read_key_file(file: Path) -> TerminalKey:
    """Raises Problem."""
    try:
        return TerminalKey(**json.loads(file.read_text()))
    except (OSError, ValueError, TypeError):
        raise problems.unreadable_file(file, expected=_EXPECTED) from None


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
