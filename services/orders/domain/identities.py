"""What makes two observations the same: their ids are made from what they say."""

from datetime import timedelta
from uuid import UUID, uuid5

from shared.contracts.observations import Observation, ObservationKind

# Longer than a platform's message about a change may claim to be younger than the change.
READING_SETTLES = timedelta(seconds=10)
_NAMESPACE = UUID("2f6c1f0e-9c4b-5d0c-8a0e-6f4f1b7c9a11")


def of_event(event_id: UUID, observation: Observation) -> UUID:
    """Of a delivery: the same event again says nothing new."""
    return uuid5(event_id, f"{observation.kind}/{observation.order_id}/{observation.coupon_id}")


def of_redemption(redemption_id: UUID, coupon_id: str) -> UUID:
    return uuid5(redemption_id, f"redeemed/{coupon_id}")


def of_cancellation(cancel_id: UUID, coupon_id: str) -> UUID:
    return uuid5(cancel_id, f"cancelled/{coupon_id}")


def of_after_sale(out_refund_id: UUID, kind: ObservationKind, coupon_id: str) -> UUID:
    return uuid5(out_refund_id, f"{kind}/{coupon_id}")


def of_reading(observation: Observation) -> UUID:
    """Of a query: what has not changed since is read again without adding a fact."""
    said = observation.model_dump_json(exclude={"occurred_at"}, exclude_none=True)
    return uuid5(_NAMESPACE, said)


def settled(observation: Observation) -> Observation:
    """A reading, counted no later than shortly after the change that it shows.

    Nothing has happened between the change and the reading, so any time between is as true. An
    early one keeps a lagging replica's answer from overruling what happened since, and makes all
    later readings of the same thing the very same fact.
    """
    if observation.since is None:
        return observation
    counted = min(observation.occurred_at, observation.since + READING_SETTLES)
    return observation.model_copy(update={"occurred_at": max(counted, observation.since)})
