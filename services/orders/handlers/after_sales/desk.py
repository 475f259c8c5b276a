"""What the handlers of after-sales need, and how long they wait between attempts."""

from dataclasses import dataclass
from datetime import timedelta

from prometheus_client import Counter

from services.orders.gateway import Gateway, Locks
from services.orders.settings import Settings
from shared.messaging.outbox import Database
from shared.sealing.keyring import Keyring

# Longer than the calls made under it may take.
LEASE = timedelta(seconds=60)
AT_ONCE = 20
_WAIT_MAX = timedelta(minutes=5)

MOVES = Counter("qiao_orders_after_sale_moves_total", "Steps of after-sales", ["move", "state"])
ATTEMPTS = Counter(
    "qiao_orders_after_sale_attempts_total",
    "Calls made for after-sales: locks at redemption, answers to platforms",
    ["call", "ending"],
)


@dataclass(frozen=True, slots=True)
class Desk:
    database: Database
    gateway: Gateway
    locks: Locks
    keyring: Keyring
    settings: Settings


def wait_after(attempts: int) -> timedelta:
    return min(timedelta(seconds=2.0 ** min(attempts, 20) / 2), _WAIT_MAX)
