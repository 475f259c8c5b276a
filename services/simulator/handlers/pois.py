"""Stores as the platform has them, and matching tasks that find callers' stores among them."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from services.simulator.domain import shapes
from services.simulator.domain.codes import Code, PlatformError
from services.simulator.domain.numbers import entity_id
from services.simulator.domain.webhooks import Message, other_event, plan
from services.simulator.handlers.goods import owned
from services.simulator.handlers.world import World
from services.simulator.queries import pois, webhooks
from services.simulator.queries.pois import MatchStore
from shared.clock import utc_now
from shared.postgres.connection import Connection

MATCH_EVENT = "life_poi_match_notify"
TASKS_MAX = 100
_RUNNING, _FINISHED = 2, 5
_FOUND, _NOT_FOUND, _TAKEN = 1, 2, 6
_TIED, _LOOSE = 2, 3


async def query(
    world: World, *, client_key: str, account_id: str, poi_id: str | None, page: int, size: int
) -> shapes.Json:
    async with world.pool.acquire() as conn:
        await owned(conn, client_key, account_id)
        total = await pois.count_pois(conn, account_id, poi_id=poi_id)
        found = await pois.page_pois(
            conn, account_id, poi_id=poi_id, offset=(page - 1) * size, limit=size
        )
    return {
        "pois": [
            {
                "account": {
                    "parent_account": {
                        "account_id": one.account_id,
                        "account_name": one.merchant_name,
                        "account_type": "Trademark",
                    },
                    "poi_account": {
                        "account_id": one.account_id,
                        "account_name": one.name,
                        "account_type": "Shop",
                    },
                },
                "poi": {
                    "address": "",
                    "latitude": 0.0,
                    "longitude": 0.0,
                    "poi_id": one.poi_id,
                    "poi_name": one.name,
                },
            }
            for one in found
        ],
        "total": total,
    }


async def submit(
    world: World, *, client_key: str, stores: Sequence[tuple[str, str, str | None]]
) -> int:
    """`stores`: the caller's id, name, and guess of each."""
    now = utc_now()
    due_at = now + timedelta(seconds=world.pace.poi_match_seconds)
    async with world.pool.acquire() as conn, conn.transaction():
        (number,) = await world.numbers.take(conn, 1)
        task_id = entity_id(number, now)
        await pois.add_task(conn, task_id, client_key, now=now, due_at=due_at)
        await pois.add_stores(
            conn,
            [
                MatchStore(task_id, place, ext_id, name, poi_id, 0, None)
                for place, (ext_id, name, poi_id) in enumerate(stores)
            ],
        )
    return task_id


async def task(world: World, *, client_key: str, task_id: int) -> shapes.Json:
    async with world.pool.acquire() as conn:
        found = await pois.find_task(conn, task_id, client_key)
        if found is None:
            raise PlatformError(Code.BAD_PARAMETER, "任务不存在")
        stores = await pois.find_stores(conn, task_id)
    return {"results": [_result(store, finished=found[0]) for store in stores]}


def _result(store: MatchStore, *, finished: bool) -> shapes.Json:
    return {
        "ext_id": store.ext_id,
        "match_poi_id": store.match_poi_id or "",
        "match_status": _FINISHED if finished else _RUNNING,
        "match_result": store.match_result,
    }


async def relations(world: World, *, client_key: str, ext_ids: Sequence[str]) -> shapes.Json:
    async with world.pool.acquire() as conn:
        tied = await pois.find_relations(conn, client_key, ext_ids)
    return {
        "relations": [
            {
                "ext_id": ext_id,
                "match_poi_id": tied.get(ext_id, ""),
                "match_relation_status": _TIED if ext_id in tied else _LOOSE,
            }
            for ext_id in ext_ids
        ]
    }


async def end_tasks(world: World) -> int:
    """How many ended; fewer than a batch means that nothing is left for now."""
    now = utc_now()
    async with world.pool.acquire() as conn, conn.transaction():
        due = await pois.lock_due_tasks(conn, now, TASKS_MAX)
        for task_id, client_key in due:
            messages = [
                await _match(conn, client_key, store)
                for store in await pois.find_stores(conn, task_id)
            ]
            await pois.finish_task(conn, task_id, now)
            await _tell(world, conn, messages, now)
    if due:
        world.webhooks_queued.ring()
    return len(due)


async def _match(conn: Connection, client_key: str, store: MatchStore) -> Message:
    candidate = await pois.find_candidate(conn, client_key, store)
    result, poi_id = _NOT_FOUND, None
    if candidate is not None:
        tied = (await pois.find_relations(conn, client_key, [store.ext_id])).get(store.ext_id)
        same = tied == candidate or await pois.tie(conn, client_key, store.ext_id, candidate)
        result, poi_id = (_FOUND, candidate) if same else (_TAKEN, None)
    await pois.save_result(conn, store, result=result, poi_id=poi_id)
    return other_event(
        client_key=client_key,
        event=MATCH_EVENT,
        from_user_id="",
        content={
            "task_id": str(store.task_id),
            "ext_id": store.ext_id,
            "match_poi_id": poi_id or "",
            "match_status": _FINISHED,
            "match_result": result,
        },
        key=f"{store.task_id}:{store.place}",
    )


async def _tell(world: World, conn: Connection, messages: Sequence[Message], now: datetime) -> None:
    await webhooks.enqueue(conn, plan(messages, world.faults, now), now)
