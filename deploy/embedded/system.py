"""Everything that `qiao up` runs: started in order, watched, and stopped in reverse."""

import asyncio
import contextlib
import json
import os
from collections.abc import Coroutine, Mapping
from typing import Any

from deploy.embedded import checks, demo, logs, problems
from deploy.embedded.database import create_database, initialise
from deploy.embedded.nats import prepare_nats
from deploy.embedded.plan import Plan
from deploy.embedded.postgres import prepare_postgres
from deploy.embedded.problems import Text
from deploy.embedded.supervisor import News, Supervised, Supervisor
from deploy.embedded.view import View

_READY_SECONDS = 60.0
_LAST_LINES = 20
_LOOK_EVERY_SECONDS = 5.0
_NEARLY_FULL_MB = 200
# Together under five seconds, which is what we promise for a stop.
_SERVICES_STOP_SECONDS = 2.6
_SERVERS_STOP_SECONDS = 1.6
_SERVERS = frozenset({"postgres", "nats"})


class System:
    """Runs for as long as `run` runs; nothing of it is left afterwards."""

    def __init__(self, plan: Plan, view: View) -> None:
        self._plan = plan
        self._view = view
        self._supervisor = Supervisor(plan.data.logs, self._on_news)
        self._addresses: dict[str, str | None] = {}
        self._disk_is_full = False

    async def run(self) -> None:
        try:
            environment = await self._start()
            await self._greet(environment)
            await self._watch()
        finally:
            await self._stop()

    async def _start(self) -> Mapping[str, str]:
        plan = self._plan
        postgres_url, nats_url = await _together(self._start_postgres(), self._start_nats())
        environment = plan.environment(postgres_url=postgres_url, nats_url=nats_url)
        self._view.step(Text("启动各服务…", "starting the services"))
        programs = [plan.program(service, environment) for service in plan.services]
        await _together(*(self._ready(self._supervisor.add(program)) for program in programs))
        self._addresses = {
            "console": None,
            **{service.name: plan.url(service.name) for service in plan.services},
            "nats": nats_url,
            "postgres": postgres_url,
        }
        self._write_run_file()
        return environment

    async def _start_postgres(self) -> str:
        if self._plan.external_postgres_url:
            return await initialise(self._plan.external_postgres_url)
        self._view.step(Text("启动 PostgreSQL…", "starting PostgreSQL"))
        server = await prepare_postgres(self._plan.data.postgres)
        await self._ready(self._supervisor.add(server.program))
        await create_database(server)
        return await initialise(server.url())

    async def _start_nats(self) -> str:
        if self._plan.external_nats_url:
            return self._plan.external_nats_url
        self._view.step(Text("启动 NATS…", "starting NATS"))
        host, port = self._plan.ports()["nats"]
        server = prepare_nats(self._plan.data.nats, host=host, port=port)
        await self._ready(self._supervisor.add(server.program))
        return server.url

    async def _ready(self, supervised: Supervised) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_READY_SECONDS):
                await supervised.settled.wait()
        if not supervised.ready.is_set():
            raise problems.did_not_start(
                supervised.program.name,
                log=supervised.log,
                last_lines=logs.last_lines(supervised.log, _LAST_LINES),
            )

    async def _greet(self, environment: Mapping[str, str]) -> None:
        """Say that all is ready; in the demo, let things happen from then on."""
        plan = self._plan
        sign_in = demo.known_sign_in(plan) if plan.options.demo else None
        known = sign_in is not None
        if plan.options.demo and not known:
            self._view.step(Text("准备演示数据…", "preparing the demo"))
            sign_in = await demo.seed(plan, self._view, environment)
        if plan.options.json_output:
            print(json.dumps({"ready": True, **self._addresses}), flush=True)
        else:
            addresses = {name: address for name, address in self._addresses.items() if address}
            self._view.banner(addresses, data=plan.data.root, sign_in=sign_in)
        self._view.started()
        if known:
            # Not waited for above: what is there already stays, and that is nearly always all.
            await demo.seed(plan, self._view, environment)
        for program in demo.programs(plan, environment):
            self._supervisor.add(program)

    async def _watch(self) -> None:
        while True:
            with contextlib.suppress(OSError):
                logs.keep_short(self._plan.data.logs)
            if not self._plan.data.version_file.exists():
                raise problems.data_gone(self._plan.data.root)
            self._watch_disk()
            await asyncio.sleep(_LOOK_EVERY_SECONDS)

    def _watch_disk(self) -> None:
        free_mb = checks.free_mb(self._plan.data.root)
        was_full, self._disk_is_full = self._disk_is_full, free_mb < _NEARLY_FULL_MB
        if self._disk_is_full and not was_full:
            self._view.warn(
                Text(
                    f"磁盘只剩 {free_mb} MB,请尽快清理:写满后新的推送会以 503 拒绝,平台会重试",
                    f"{free_mb} MB left on the disk, free some: once it is full, new deliveries "
                    "are refused with 503 and the platform sends them again",
                )
            )
        if was_full and not self._disk_is_full:
            self._view.warn(Text("磁盘空间已恢复", "there is space on the disk again"))
            # A stream whose write failed once takes nothing more until its server starts anew.
            self._supervisor.restart("nats")

    def _on_news(self, news: News) -> None:
        self._view.news(news)
        if self._addresses:
            self._write_run_file()

    def _write_run_file(self) -> None:
        content: dict[str, Any] = {
            "process_id": os.getpid(),
            "process_ids": dict(self._supervisor.process_ids()),
            "addresses": self._addresses,
            "operator_secret_file": str(self._plan.data.operator_secret_file),
            "demo": self._plan.options.demo,
        }
        # On a full disk the old file stays; only the process numbers in it are out of date.
        with contextlib.suppress(OSError):
            self._plan.data.write_run_file(content)

    async def _stop(self) -> None:
        self._addresses = {}
        self._plan.data.run_file.unlink(missing_ok=True)
        running = set(self._supervisor.names())
        await self._supervisor.stop(running - _SERVERS, patience_seconds=_SERVICES_STOP_SECONDS)
        await self._supervisor.stop(running & _SERVERS, patience_seconds=_SERVERS_STOP_SECONDS)


async def _together(*parts: Coroutine[Any, Any, Any]) -> list[Any]:
    """Run them side by side; when one fails, cancel the others and raise what it raised."""
    tasks = [asyncio.create_task(part) for part in parts]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
