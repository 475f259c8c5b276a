"""What the operator of the simulator sets: faults, pace, scenarios, a fresh start."""

from pathlib import Path
from typing import Any

import orjson

from services.simulator.domain.faults import Faults
from services.simulator.domain.pace import Pace
from services.simulator.domain.scenarios import Scenario
from services.simulator.handlers.world import World, reload_controls
from services.simulator.queries.books import forget_everything
from services.simulator.queries.controls import set_control
from shared.errors import Unreadable

RESET_WORD = "forget everything"
_SCENARIOS = Path(__file__).parent.parent / "scenarios"


async def set_faults(world: World, faults: Faults) -> None:
    async with world.pool.acquire() as conn:
        await set_control(conn, "faults", faults.model_dump_json())
    world.faults = faults


async def set_pace(world: World, pace: Pace) -> None:
    async with world.pool.acquire() as conn:
        await set_control(conn, "pace", pace.model_dump_json())
    world.pace = pace


def read_object(raw: bytes) -> dict[str, Any]:
    try:
        given = orjson.loads(raw)
    except orjson.JSONDecodeError:
        given = None
    if not isinstance(given, dict):
        message = "send a JSON object"
        raise Unreadable(message)
    return given


def scenario_names() -> frozenset[str]:
    return frozenset(file.stem for file in _SCENARIOS.glob("*.json"))


def read_scenario(name: str) -> Scenario:
    return Scenario.model_validate_json((_SCENARIOS / f"{name}.json").read_bytes())


async def reset(world: World) -> None:
    """Apps and merchants stay, everything that happened is forgotten."""
    async with world.pool.acquire() as conn:
        await forget_everything(conn)
    await reload_controls(world)
