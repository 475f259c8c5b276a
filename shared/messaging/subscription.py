"""Which events a service hears, and what it does with them."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from shared.contracts.envelope import Event, filter_subject
from shared.postgres.connection import Connection

# A handler takes a batch and issues a constant number of statements; it returns what it says.
Handler: TypeAlias = Callable[[Connection, Sequence[Event]], Awaitable[Sequence[Event]]]


@dataclass(frozen=True, slots=True)
class Subscription:
    """`types` is one event type, or a family: `order.paid`, `platform.>`."""

    types: str
    handle: Handler

    @property
    def subject(self) -> str:
        return filter_subject(self.types)

    def hears(self, event_type: str) -> bool:
        if self.types.endswith(".>"):
            return event_type.startswith(self.types[:-1])
        return event_type == self.types
