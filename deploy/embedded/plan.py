"""From what the caller asked for to addresses, environment and programs. Starts nothing."""

import asyncio
import contextlib
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from deploy.embedded.data import DataFolder
from deploy.embedded.process import Program
from deploy.embedded.services import NATS_PORT_OFFSET, Service, services_for

LOOPBACK = "127.0.0.1"
_EVERYWHERE = {"0.0.0.0": LOOPBACK, "::": "::1", "": LOOPBACK}
_PROBE_SECONDS = 2.0
_PROJECT = Path(__file__).parent.parent.parent


@dataclass(frozen=True, kw_only=True)
class Options:
    """The command line of `qiao up`."""

    data: Path
    port_base: int
    host: str
    demo: bool
    json_output: bool


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All that is known before anything runs."""

    options: Options
    data: DataFolder
    external_postgres_url: str | None
    external_nats_url: str | None

    @property
    def services(self) -> tuple[Service, ...]:
        return services_for(demo=self.options.demo)

    def ports(self) -> dict[str, tuple[str, int]]:
        """Who listens where. What asks nobody who they are stays on loopback, whatever --host."""
        base, host = self.options.port_base, self.options.host
        listening = {
            service.name: (LOOPBACK if service.demo_only else host, base + service.port_offset)
            for service in self.services
        }
        if self.external_nats_url is None:
            listening["nats"] = (LOOPBACK, base + NATS_PORT_OFFSET)
        return listening

    def url(self, name: str) -> str:
        """Where a service is found from this machine."""
        host, port = self.ports()[name]
        host = _EVERYWHERE.get(host, host)
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def environment(self, *, postgres_url: str, nats_url: str) -> dict[str, str]:
        """What every service is told."""
        told = {
            "QIAO_POSTGRES_URL": postgres_url,
            "QIAO_NATS_URL": nats_url,
            "QIAO_HOST": self.options.host,
            "QIAO_MASTER_KEY": self.data.master_key(),
            **{
                f"QIAO_{service.name.upper()}_URL": self.url(service.name)
                for service in self.services
                if not service.demo_only
            },
            **{
                f"QIAO_{service.name.upper()}_PORT": str(self.ports()[service.name][1])
                for service in self.services
            },
            "QIAO_DATA": str(self.data.root),
            "PYTHONUNBUFFERED": "1",
        }
        if self.options.demo:
            # Never the real platform: the demo's coupons exist in the simulator only.
            told["QIAO_SIMULATOR_URL"] = self.url("simulator")
            told["QIAO_DOUYIN_BASE_URL"] = self.url("simulator")
            told["QIAO_DOUYIN_SHORT_LINK_ORIGINS"] = f"{self.url('simulator')},https://v.douyin.com"
        return told

    def program(self, service: Service, environment: Mapping[str, str]) -> Program:
        own = dict(environment)
        if service.name == "access":
            own["QIAO_ACCESS_OPERATOR_SECRET"] = self.data.operator_secret()
        ready_url = f"{self.url(service.name)}/readyz"
        return Program(
            name=service.name,
            command=(sys.executable, "-m", f"services.{service.name}"),
            environment=own,
            folder=_PROJECT,
            is_ready=lambda: answers(ready_url),
        )

    def cli(
        self, *arguments: str, environment: Mapping[str, str], on_terminal: bool = False
    ) -> Program:
        """One of our own commands, run beside the services."""
        return Program(
            name="-".join(part for part in arguments if not part.startswith("--")),
            command=(sys.executable, "-m", "deploy.cli.entry", *arguments),
            environment=environment,
            folder=_PROJECT,
            on_terminal=on_terminal,
        )


def plan_for(options: Options) -> Plan:
    """Take the servers of the environment where it names some."""
    return Plan(
        options=options,
        data=DataFolder(options.data.absolute()),
        external_postgres_url=os.environ.get("QIAO_POSTGRES_URL") or None,
        external_nats_url=os.environ.get("QIAO_NATS_URL") or None,
    )


async def answers(url: str) -> bool:
    """Whether a GET is answered with 200. By hand: a client library would double our own start."""
    asked = urlsplit(url)
    with contextlib.suppress(OSError, TimeoutError, asyncio.LimitOverrunError):
        async with asyncio.timeout(_PROBE_SECONDS):
            reader, writer = await asyncio.open_connection(asked.hostname, asked.port)
            try:
                writer.write(f"GET {asked.path} HTTP/1.0\r\nHost: {asked.netloc}\r\n\r\n".encode())
                return (await reader.readline()).split()[1:2] == [b"200"]
            finally:
                writer.close()
    return False
