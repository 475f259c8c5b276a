"""Mints tokens with the current key, and knows what the other services will accept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import jwt
from prometheus_client import Counter

from services.access.handlers.signing_keys import KeySeal, SigningKey, ensure_key
from services.access.queries.revocations import Revocation, list_revocations
from services.access.queries.signing_keys import StoredKey, find_live_keys
from shared.clock import from_unix_seconds, utc_now
from shared.errors import Unavailable
from shared.ids import new_id
from shared.messaging.outbox import Database
from shared.postgres.connection import Connection
from shared.web.principal import AUDIENCE, EVERY_MERCHANT, ISSUER
from shared.web.verifier import TokenVerifier

TOKENS_ISSUED = Counter("qiao_access_tokens_issued_total", "Tokens issued", ["kind"])
# Longer than any token lives: what was revoked earlier has expired.
_REVOCATIONS_COUNT_FOR = timedelta(minutes=20)
REVOCATIONS_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token says. `merchant` None is every merchant, `stores` None every store."""

    subject: str
    merchant: str | None
    stores: tuple[str, ...] | None
    actions: frozenset[str]
    signed_in_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Token:
    access_token: str
    expires_in_seconds: int


class Authority:
    """The live keys of this worker. `refresh` brings them level with the other workers'."""

    def __init__(self, seal: KeySeal, verifier: TokenVerifier, *, token_life: timedelta) -> None:
        self._seal = seal
        self._verifier = verifier
        self._token_life = token_life
        self._keys: Sequence[SigningKey] = ()
        self.jwks: Mapping[str, Sequence[Mapping[str, str]]] = {"keys": []}

    async def start(self, database: Database) -> None:
        async with database.transaction() as transaction:
            await ensure_key(transaction.conn, self._seal)
        async with database.pool.acquire() as conn:
            await self.refresh(conn)

    async def refresh(self, conn: Connection) -> None:
        """Take over keys and revocations that other workers committed."""
        self._use_keys(await find_live_keys(conn, now=utc_now()))
        for revocation in await recent_revocations(conn, since=None):
            self._verifier.revoke(revocation.principal, revocation.revoked_at)
        self._verifier.forget_old_revocations()

    def mint(self, grant: Grant) -> Token:
        """Sign a token. Call it while the principal's row is locked: what is revoked later
        then carries a later time than the token.
        """
        now = utc_now()
        key = self._signing_key(now)
        life = int(self._token_life.total_seconds())
        # Milliseconds, so that a token issued just after a revocation is not void with the rest.
        issued_at = int(now.timestamp() * 1000) / 1000
        claims: dict[str, Any] = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": grant.subject,
            "merchant": grant.merchant or EVERY_MERCHANT,
            "stores": None if grant.stores is None else list(grant.stores),
            "actions": sorted(grant.actions),
            "iat": issued_at,
            "exp": int(issued_at) + life,
            "jti": str(new_id()),
        }
        if grant.signed_in_at is not None:
            claims["auth_time"] = int(grant.signed_in_at.timestamp())
        encoded = jwt.encode(
            claims, key.private_key, algorithm="EdDSA", headers={"kid": str(key.key_id)}
        )
        TOKENS_ISSUED.labels(grant.subject.partition(":")[0]).inc()
        return Token(encoded, life)

    def signed_in_at(self, token: str) -> datetime | None:
        """When the person of this token gave the password. The token must be verified."""
        claims = jwt.decode(token, options={"verify_signature": False})
        return from_unix_seconds(claims["auth_time"]) if "auth_time" in claims else None

    def _signing_key(self, now: datetime) -> SigningKey:
        """The newest whose time has come; the others still wait or only verify."""
        ready = [key for key in self._keys if key.signs_from <= now]
        if not ready:
            message = "there is no signing key at this moment"
            raise Unavailable(message)
        return ready[-1]

    def _use_keys(self, stored: Sequence[StoredKey]) -> None:
        known = {key.key_id: key for key in self._keys}
        self._keys = [known.get(key.key_id) or self._seal.open(key) for key in stored]
        jwks = {"keys": [dict(key.public_key) for key in self._keys]}
        if jwks != self.jwks:
            self.jwks = jwks
            self._verifier.use_keys(jwks)


async def recent_revocations(conn: Connection, *, since: datetime | None) -> Sequence[Revocation]:
    """Those since then, by default all that still matter; tokens issued before are void."""
    return await list_revocations(
        conn, since=since or utc_now() - _REVOCATIONS_COUNT_FOR, limit=REVOCATIONS_MAX
    )
