"""`qiao up`: check, run everything until told to stop, and answer the shell."""

import asyncio
import contextlib
import json
import signal
from collections.abc import Iterator

from deploy.embedded import checks, problems
from deploy.embedded.account import NoAccess, NoAccount
from deploy.embedded.nats import NatsFailed
from deploy.embedded.plan import Options, Plan, plan_for
from deploy.embedded.postgres import PostgresFailed
from deploy.embedded.problems import Problem, Text
from deploy.embedded.system import System
from deploy.embedded.view import View, view_on

_INTERRUPTED_EXIT_CODE = 130


def launch(options: Options) -> int:
    """Run until told to stop; return the exit status for the shell."""
    view = view_on(json_output=options.json_output)
    plan = plan_for(options)
    try:
        checks.check_python()
        if plan.external_postgres_url is None:
            checks.check_user()
        checks.check_data(plan.data)
        plan.data.create()
        with plan.data.locked():
            checks.check_ports(plan.ports(), port_base=options.port_base)
            asyncio.run(_run_until_stopped(plan, view))
    except Problem as problem:
        view.problem(problem)
        if options.json_output:
            print(json.dumps(_as_json(problem), ensure_ascii=False), flush=True)
        return 1
    except KeyboardInterrupt:
        return _INTERRUPTED_EXIT_CODE
    finally:
        # Everything is stopped: pressed once more, it has nothing left to say.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    return 0


def _as_json(problem: Problem) -> dict[str, object]:
    """For a program that waits for the one line: it need not read what is for people."""
    what, remedy = problem.what, problem.remedy
    return {
        "ready": False,
        "problem": {"zh": what.zh, "en": what.en},
        "remedy": {"zh": remedy.zh, "en": remedy.en},
    }


async def _run_until_stopped(plan: Plan, view: View) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def ask_to_stop() -> None:
        # Pressed again while everything is being stopped: there is nothing to add to that.
        if not stop.is_set():
            view.step(Text("正在停止…", "stopping"))
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, ask_to_stop)
    system = asyncio.create_task(System(plan, view).run())
    told = asyncio.create_task(stop.wait())
    await asyncio.wait({system, told}, return_when=asyncio.FIRST_COMPLETED)
    told.cancel()
    system.cancel()
    with contextlib.suppress(asyncio.CancelledError), _translated(plan):
        await system


@contextlib.contextmanager
def _translated(plan: Plan) -> Iterator[None]:
    """Turn what only the embedded servers know into something a person can act on."""
    try:
        yield
    except (PostgresFailed, NatsFailed, NoAccount) as failure:
        raise problems.did_not_start(
            "PostgreSQL / NATS", log=plan.data.logs, last_lines=str(failure)
        ) from failure
    except NoAccess as failure:
        raise problems.folder_closed(failure.folder, failure.account) from failure
