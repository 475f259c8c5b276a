"""`qiao stream`: the events in NATS, rebuilt from PostgreSQL."""

from datetime import datetime
from typing import Annotated

import typer

from deploy.cli.output import Json, print_list
from deploy.cli.system import SERVICES, Data, Qiao, ask, tell_problems
from deploy.cli.times import read_time

app = typer.Typer(help="事件流 · the stream of events")


@app.command("rebuild")
def rebuild(
    since: Annotated[str, typer.Option(help="从何时起:2h、3d 或带时区的时间 · from when on")],
    data: Data = None,
    *,
    as_json: Json = False,
) -> None:
    """用数据库重发某时之后的事件 · Say again what was said since then, from the record.

    For a stream that was lost. Subscribers get events twice and drop what they have seen.
    """
    start = tell_problems(lambda: read_time(since, option="--since"))
    queued = ask(data, lambda qiao: _rebuild(qiao, start))
    columns = {"服务 Service": "service", "事件数 Events": "queued"}
    print_list(queued, columns, as_json=as_json)


async def _rebuild(qiao: Qiao, since: datetime) -> list[dict[str, object]]:
    queued: list[dict[str, object]] = []
    for name in SERVICES:
        answer = await qiao.service(name).call(
            "POST", "/v1/outbox/republish", body={"since": since.isoformat()}
        )
        queued.append({"service": name, "queued": answer["queued"]})
    return queued
