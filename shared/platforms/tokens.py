"""Where a client gets the platform's access token from."""

from typing import Protocol


class TokenSource(Protocol):
    async def token(self, *, rejected: str | None = None) -> str:
        """Give a token. `rejected` is one that the platform has just turned away: give another."""
        ...
