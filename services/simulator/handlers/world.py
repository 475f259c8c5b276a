"""What all handlers of one process share."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from prometheus_client import Counter

from services.simulator.domain.codes import Code
from services.simulator.domain.encryption import CodeCipher
from services.simulator.domain.faults import NO_FAULTS, CallKind, Faults
from services.simulator.domain.pace import Pace
from services.simulator.domain.questions import Action
from services.simulator.handlers.numbers import Numbers
from services.simulator.queries.apps import ClientToken
from services.simulator.queries.controls import find_control
from services.simulator.settings import Settings
from shared.messaging.wake import Wake
from shared.postgres.connection import Pool
from shared.sealing.derivation import derive

CALLS = Counter("qiao_simulator_calls_total", "Calls of the platform", ["call", "code"])
_CIPHER_KEY = "encrypted codes of the simulator"


@dataclass(slots=True)
class World:
    pool: Pool
    settings: Settings
    cipher: CodeCipher
    pace: Pace
    faults: Faults = NO_FAULTS
    numbers: Numbers = field(default_factory=Numbers)
    # Rung when webhooks have been queued.
    webhooks_queued: Wake = field(default_factory=Wake)
    # Rung when questions have been queued.
    questions_queued: Wake = field(default_factory=Wake)
    statuses_asked_at_seconds: float = 0.0
    platform_key: RSAPrivateKey | None = None
    # Valid tokens by text, each with when it was last looked up, in seconds of the event loop.
    tokens: dict[str, tuple[ClientToken, float]] = field(default_factory=dict)
    # Calls by kind and code since they were last written down.
    calls: defaultdict[tuple[str, int], int] = field(default_factory=lambda: defaultdict(int))

    def count_call(self, call: CallKind, code: Code) -> None:
        self.calls[call, code] += 1
        CALLS.labels(call, int(code)).inc()

    def count_second_answer(self, action: Action, *, agrees: bool) -> None:
        self.calls[f"second_answer:{action}", 0 if agrees else 1] += 1

    def ring(self) -> None:
        self.webhooks_queued.ring()
        self.questions_queued.ring()

    @property
    def cancel_window(self) -> timedelta:
        return timedelta(seconds=self.pace.cancel_window_seconds)


def new_world(pool: Pool, settings: Settings) -> World:
    cipher = CodeCipher(derive(settings.master_key_bytes, _CIPHER_KEY))
    return World(pool, settings, cipher, default_pace(settings))


def default_pace(settings: Settings) -> Pace:
    return Pace(
        preparation_seconds=settings.simulator_preparation_seconds,
        cancel_window_seconds=settings.simulator_cancel_window_seconds,
        refund_seconds=settings.simulator_refund_seconds,
        settle_seconds=settings.simulator_settle_seconds,
        unpaid_seconds=settings.simulator_unpaid_seconds,
        prepare_per_second=settings.simulator_prepare_per_second,
        verify_record_per_second=settings.simulator_verify_record_per_second,
        order_query_per_second=settings.simulator_order_query_per_second,
        retry_scale=settings.simulator_retry_scale,
        issue_seconds=settings.simulator_issue_seconds,
        audit_seconds=settings.simulator_audit_seconds,
        mini_audit_seconds=settings.simulator_mini_audit_seconds,
        status_check_seconds=settings.simulator_status_check_seconds,
    )


async def reload_controls(world: World) -> None:
    """What another process, or an earlier life of this one, was told."""
    async with world.pool.acquire() as conn:
        faults = await find_control(conn, "faults")
        pace = await find_control(conn, "pace")
    world.faults = NO_FAULTS if faults is None else Faults.model_validate_json(faults)
    world.pace = default_pace(world.settings) if pace is None else Pace.model_validate_json(pace)
