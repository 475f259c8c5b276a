"""Applications at a platform, their secrets, and whom they may speak for."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from shared.platforms.questions import TradeEntry, TradeKeys


class AppKind(StrEnum):
    # One merchant's own: what it delivers is that merchant's, whatever account it names.
    LIFE = "life"
    # A service provider's: it delivers for every merchant that has granted it.
    PROVIDER = "provider"
    # Signs with a webhook secret of its own, which fetches no token.
    MINI_PROGRAM = "mini_program"


@dataclass(frozen=True, slots=True)
class Secret:
    secret_id: UUID
    value: str = field(repr=False)
    created_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class TradeKey:
    """A public key of the platform, as the platform has loaded it, or a token."""

    value: object = field(repr=False)
    is_token: bool
    expires_at: datetime | None

    def lives(self, now_seconds: float) -> bool:
        return self.expires_at is None or self.expires_at.timestamp() > now_seconds


@dataclass(frozen=True, slots=True)
class Trade:
    """The mini-program of an application, and what may sign its callbacks."""

    app_id: str
    entry: TradeEntry
    keys: tuple[TradeKey, ...] = ()

    def live_keys(self, now_seconds: float) -> TradeKeys:
        """None means that the mini-program's callbacks are disabled."""
        living = [key for key in self.keys if key.lives(now_seconds)]
        return TradeKeys(
            public_keys=tuple(key.value for key in living if not key.is_token),
            tokens=tuple(str(key.value) for key in living if key.is_token),
        )


class App:
    """One application with its secrets, newest first."""

    __slots__ = (
        "_live",
        "_live_until",
        "client_key",
        "kind",
        "merchant",
        "platform",
        "secrets",
        "trade",
    )

    def __init__(
        self,
        *,
        client_key: str,
        platform: str,
        merchant: str,
        kind: AppKind,
        secrets: Sequence[Secret],
        trade: Trade | None = None,
    ) -> None:
        self.trade = trade
        self.client_key = client_key
        self.platform = platform
        self.merchant = merchant
        self.kind = kind
        self.secrets = tuple(sorted(secrets, key=lambda secret: secret.created_at, reverse=True))
        self._live: tuple[str, ...] = ()
        self._live_until: float = 0.0

    def live_secrets(self, now_seconds: float) -> tuple[str, ...]:
        """The values that may sign now; none means that the application is disabled."""
        if now_seconds >= self._live_until:
            living = [
                secret
                for secret in self.secrets
                if secret.expires_at is None or secret.expires_at.timestamp() > now_seconds
            ]
            ends = [secret.expires_at.timestamp() for secret in living if secret.expires_at]
            self._live = tuple(secret.value for secret in living)
            self._live_until = min(ends, default=float("inf"))
        return self._live

    @property
    def speaks_for_others(self) -> bool:
        return self.kind is AppKind.PROVIDER

    @property
    def fetches_tokens(self) -> bool:
        return self.kind is not AppKind.MINI_PROGRAM
