"""The keys that tokens are signed with: made once, sealed, rotated with an overlap."""

import base64
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.access.handlers.act import Act
from services.access.queries import signing_keys as queries
from services.access.queries.signing_keys import StoredKey
from shared.clock import utc_now
from shared.errors import Rejection
from shared.ids import new_id
from shared.postgres.connection import Connection
from shared.sealing.derivation import derive
from shared.sealing.keyring import CannotOpen

_NONCE_BYTES = 12
# Tokens are taken a few seconds past their expiry; clocks of hosts differ a little more.
_GRACE = timedelta(minutes=1)

log = structlog.get_logger()


class RotationUnderWay(Rejection):
    reason = "rotation_under_way"


@dataclass(frozen=True, slots=True)
class SigningKey:
    key_id: UUID
    private_key: Ed25519PrivateKey
    public_key: Mapping[str, str]
    signs_from: datetime


@dataclass(frozen=True, slots=True)
class Rotation:
    """How keys follow each other."""

    every: timedelta
    # A new key is published this long before it signs.
    lead: timedelta
    token_life: timedelta


class KeySeal:
    """Seals private keys with a key derived from the master key."""

    def __init__(self, master_key: bytes) -> None:
        self._cipher = AESGCM(derive(master_key, "seal signing keys of access"))

    def make(self, *, signs_from: datetime) -> StoredKey:
        key_id, private_key = new_id(), Ed25519PrivateKey.generate()
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, private_key.private_bytes_raw(), key_id.bytes)
        public = private_key.public_key().public_bytes_raw()
        jwk = {
            "kty": "OKP",
            "crv": "Ed25519",
            "x": base64.urlsafe_b64encode(public).rstrip(b"=").decode(),
            "kid": str(key_id),
            "use": "sig",
            "alg": "EdDSA",
        }
        return StoredKey(key_id, jwk, nonce + sealed, signs_from, None)

    def open(self, stored: StoredKey) -> SigningKey:
        """Raises CannotOpen if the master key is another than at the time of sealing."""
        nonce = stored.private_key_sealed[:_NONCE_BYTES]
        sealed = stored.private_key_sealed[_NONCE_BYTES:]
        try:
            raw = self._cipher.decrypt(nonce, sealed, stored.key_id.bytes)
        except InvalidTag:
            message = "QIAO_MASTER_KEY is not the one the signing keys were sealed with"
            raise CannotOpen(message) from None
        private_key = Ed25519PrivateKey.from_private_bytes(raw)
        return SigningKey(stored.key_id, private_key, stored.public_key, stored.signs_from)


async def ensure_key(conn: Connection, seal: KeySeal) -> None:
    """Make the first key. Of any number of workers that start together one makes it."""
    await queries.lock_keys(conn)
    if not await queries.find_live_keys(conn, now=utc_now()):
        await queries.add_key(conn, seal.make(signs_from=utc_now()), created_by="service:access")
        log.info("signing_key_made")


async def rotate(act: Act, seal: KeySeal, rotation: Rotation, *, at_once: bool) -> StoredKey:
    """Add a key that signs after the lead; at once (a key was stolen) voids every older one."""
    await queries.lock_keys(act.conn)
    now = utc_now()
    live = await queries.find_live_keys(act.conn, now=now)
    if not at_once and live and live[-1].signs_from > now:
        message = f"the next key signs from {live[-1].signs_from.isoformat()} on"
        raise RotationUnderWay(message)
    return await _succeed(act, seal, rotation, at_once=at_once)


async def rotate_if_due(act: Act, seal: KeySeal, rotation: Rotation) -> None:
    await queries.lock_keys(act.conn)
    live = await queries.find_live_keys(act.conn, now=utc_now())
    if _is_due(live, rotation):
        await _succeed(act, seal, rotation, at_once=False)


def _is_due(live: Sequence[StoredKey], rotation: Rotation) -> bool:
    return not live or live[-1].signs_from + rotation.every <= utc_now()


async def _succeed(act: Act, seal: KeySeal, rotation: Rotation, *, at_once: bool) -> StoredKey:
    now = utc_now()
    key = seal.make(signs_from=now if at_once else now + rotation.lead)
    await queries.add_key(act.conn, key, created_by=act.actor)
    void_from = now if at_once else key.signs_from + rotation.token_life + _GRACE
    await queries.expire_keys(act.conn, but=key.key_id, at=void_from)
    act.record(
        "signing_key.rotated",
        subject=f"signing_key:{key.key_id}",
        merchant=None,
        at_once=at_once,
        signs_from=key.signs_from.isoformat(),
    )
    log.info("signing_key_rotated", key_id=str(key.key_id), at_once=at_once)
    return key
