"""What makes `qiao up` show something: example merchants, a quiet day of orders, a live view."""

import asyncio
import json
import sys
from collections.abc import Mapping
from typing import Any

from deploy.embedded import logs
from deploy.embedded.data import write_private
from deploy.embedded.plan import Plan
from deploy.embedded.problems import Text
from deploy.embedded.process import Program, kill_group, start
from deploy.embedded.view import View

_SEED_SECONDS = 60.0
_LAST_LINES = 3


def known_sign_in(plan: Plan) -> dict[str, Any] | None:
    """How to sign in, as an earlier start on this data learned it."""
    try:
        sign_in: dict[str, Any] = json.loads(plan.data.demo_sign_in_file.read_text())
    except (FileNotFoundError, ValueError):
        return None
    return sign_in


async def seed(plan: Plan, view: View, environment: Mapping[str, str]) -> dict[str, Any] | None:
    """Create the example data where it is missing; return how to sign in.

    Everything runs without it, so a failure is a warning.
    """
    program = plan.cli("demo", "seed", "--json", environment=environment)
    log = plan.data.log_of(program.name)
    errors_end = log.stat().st_size if log.exists() else 0
    with logs.appending(log) as output:
        process = await start(program, output=asyncio.subprocess.PIPE, errors=output)
    try:
        async with asyncio.timeout(_SEED_SECONDS):
            printed, _ = await process.communicate()
        sign_in: dict[str, Any] = json.loads(printed)
    except (TimeoutError, ValueError):
        last_lines = logs.last_lines(log, _LAST_LINES) if log.stat().st_size > errors_end else ""
        view.warn(Text(f"演示数据未能准备:{log}", f"the demo could not be prepared\n{last_lines}"))
        return None
    finally:
        if process.returncode is None:
            kill_group(process)
            await process.wait()
    write_private(plan.data.demo_sign_in_file, json.dumps(sign_in) + "\n")
    return sign_in


def programs(plan: Plan, environment: Mapping[str, str]) -> tuple[Program, ...]:
    """What to keep running beside the services."""
    if not plan.options.demo:
        return ()
    flow = plan.cli("demo", "run", environment=environment)
    if plan.options.json_output or not sys.stdout.isatty():
        return (flow,)
    return (flow, plan.cli("tail", "--pretty", environment=environment, on_terminal=True))
