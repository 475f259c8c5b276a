"""Follows events without a durable name: for a tail on a terminal and for revocations."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from pydantic import ValidationError

from shared.contracts.envelope import Event
from shared.messaging.broker import BROKER_OUTAGES, STREAM, Broker

_BATCH = 100
_FETCH_SECONDS = 1.0
_FORGET_SECONDS = 60.0


async def follow(
    broker: Broker,
    subjects: Sequence[str],
    *,
    since: datetime | None = None,
    from_start: bool = False,
) -> AsyncIterator[Event]:
    """Yield events as they come, after an outage from where it left off; never ends by itself.

    Without `since` and `from_start` only what is new. An event may come twice after an outage.
    """
    seen = 0
    while True:
        with contextlib.suppress(*BROKER_OUTAGES):
            jetstream = await broker.jetstream()
            config = _config(subjects, seen=seen, since=since, from_start=from_start)
            info = await jetstream.add_consumer(STREAM, config)
            pull = await jetstream.pull_subscribe_bind(consumer=info.name, stream=STREAM)
            try:
                while True:
                    try:
                        messages = await pull.fetch(_BATCH, timeout=_FETCH_SECONDS)
                    except TimeoutError:
                        # Raises if the server lost the consumer, which a fetch does not tell.
                        await pull.consumer_info()
                        continue
                    for message in messages:
                        seen = message.metadata.sequence.stream
                        with contextlib.suppress(ValidationError):
                            yield Event.model_validate_json(message.data)
            finally:
                with contextlib.suppress(*BROKER_OUTAGES):
                    await pull.unsubscribe()


def _config(
    subjects: Sequence[str], *, seen: int, since: datetime | None, from_start: bool
) -> ConsumerConfig:
    config = ConsumerConfig(
        ack_policy=AckPolicy.NONE,
        filter_subjects=list(subjects),
        inactive_threshold=_FORGET_SECONDS,
        deliver_policy=DeliverPolicy.NEW,
    )
    if seen:
        return config.evolve(deliver_policy=DeliverPolicy.BY_START_SEQUENCE, opt_start_seq=seen + 1)
    if since is not None:
        return config.evolve(deliver_policy=DeliverPolicy.BY_START_TIME, opt_start_time=since)
    return config.evolve(deliver_policy=DeliverPolicy.ALL) if from_start else config
