"""From the commit to the relay without a detour: what is at hand is not fetched, opened and parsed.

Only a short cut. What is not here, because of a limit, a restart or another worker, is in the
record, and the relay reads it there.
"""

from collections.abc import Sequence
from uuid import UUID

from services.intake.domain.deliveries import Delivery

_ENTRIES_MAX = 2000
_BYTES_MAX = 2 * 1024 * 1024


class Handover:
    """Deliveries that are durable, oldest first."""

    def __init__(self) -> None:
        # By bytes: a UUID hashes and compares in Python.
        self._deliveries: dict[bytes, Delivery] = {}
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._deliveries)

    def put(self, deliveries: Sequence[Delivery]) -> None:
        """When full, what is new stays out: the relay wants the oldest first."""
        for delivery in deliveries:
            if len(self._deliveries) >= _ENTRIES_MAX or self._bytes > _BYTES_MAX:
                return
            self._deliveries[delivery.delivery_id.bytes] = delivery
            self._bytes += len(delivery.raw)

    def take(self, delivery_id: UUID) -> Delivery | None:
        delivery = self._deliveries.pop(delivery_id.bytes, None)
        if delivery is not None:
            self._bytes -= len(delivery.raw)
        return delivery

    def forget_until(self, delivery_id: UUID) -> None:
        """Whatever is older than what the relay claims, another worker has claimed before."""
        last = delivery_id.bytes
        while self._deliveries:
            oldest = next(iter(self._deliveries))
            if oldest > last:
                return
            self._bytes -= len(self._deliveries.pop(oldest).raw)
