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
    """`types` is one event type, or a family: `order.paid`, `platform.>`; or several of them.

    What one subscription hears is handled together, once a batch: a handler that locks rows in
    key order does so over all that the batch is about.
    """

    types: str | tuple[str, ...]
    handle: Handler

    @property
    def subjects(self) -> tuple[str, ...]:
        return tuple(filter_subject(each) for each in self._each)

    def hears(self, event_type: str) -> bool:
        return any(_covers(each, event_type) for each in self._each)

    @property
    def _each(self) -> tuple[str, ...]:
        return (self.types,) if isinstance(self.types, str) else self.types


def _covers(types: str, event_type: str) -> bool:
    if types.endswith(".>"):
        return event_type.startswith(types[:-1])
    return event_type == types
