"""Access tokens of a platform: what they are and where a client gets them from."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class AccessToken:
    value: str = field(repr=False)
    expires_at: datetime

    @property
    def digest(self) -> str:
        """Names the token without telling it."""
        return digest_of(self.value)


def digest_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


class TokenSource(Protocol):
    """What a client asks before each call."""

    async def token(self, *, rejected: str | None = None) -> str:
        """Give a token. `rejected` is one that the platform has just turned away: give another."""
        ...


class TokenKeeper(TokenSource, Protocol):
    """What holds the application's secret and fetches the tokens for everybody."""

    async def access_token(self, *, rejected_digest: str | None = None) -> AccessToken:
        """The same, with its expiry; the rejected token is only named, by its digest."""
        ...
