"""Other events of the platform, announced on request: audits, members, store changes."""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from services.simulator.domain.fields import Identifier, Text, TextOrEmpty
from services.simulator.domain.webhooks import other_event, plan
from services.simulator.handlers.world import World
from services.simulator.queries import apps, webhooks
from shared.clock import utc_now
from shared.errors import NotFound
from shared.ids import new_id

EVENTS_MAX = 1000


class EventRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    account_id: Identifier
    event: Identifier
    content: dict[str, Any]
    from_user_id: TextOrEmpty = ""
    # Two events with one reference are one message.
    reference: Text | None = None


class EventsRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    events: list[EventRequest] = Field(min_length=1, max_length=EVENTS_MAX)


async def announce(world: World, requests: Sequence[EventRequest]) -> list[str]:
    """Queue them; returns their message ids."""
    now = utc_now()
    async with world.pool.acquire() as conn, conn.transaction():
        client_keys = await apps.find_client_keys(conn, [one.account_id for one in requests])
        missing = {one.account_id for one in requests} - client_keys.keys()
        if missing:
            message = f"no merchant {min(missing)}: register it with an app first"
            raise NotFound(message)
        messages = [
            other_event(
                client_key=client_keys[one.account_id],
                event=one.event,
                from_user_id=one.from_user_id,
                content=_filled(one),
                key=one.reference or str(new_id()),
            )
            for one in requests
        ]
        await webhooks.enqueue(conn, plan(messages, world.faults, now), now)
    world.webhooks_queued.ring()
    return [message.msg_id for message in messages]


def _filled(request: EventRequest) -> dict[str, Any]:
    """Scenarios leave the merchant open."""
    if request.content.get("account_id") == "":
        return {**request.content, "account_id": request.account_id}
    return request.content
