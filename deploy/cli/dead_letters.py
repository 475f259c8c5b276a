"""`qiao dead-letters`: events that a service gave up on, in every service at once."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from deploy.cli.output import Json, print_item, print_list, say
from deploy.cli.system import SERVICES, Data, Qiao, ask, everything
from shared.errors import NotFound, Rejection
from shared.web.client import ServiceClient

app = typer.Typer(help="死信:反复失败而搁下的事件 · events that a service gave up on")
Service = Annotated[
    str | None, typer.Option("--service", help="只看这个服务 · this service only [all]")
]
DeadLetterId = Annotated[str, typer.Argument(help="list 所示编号 · the id that list shows")]
_NOT_FOUND = 404


@app.command("list")
def list_dead_letters(
    data: Data = None,
    service: Service = None,
    state: Annotated[str, typer.Option(help="dead | retried | dropped")] = "dead",
    *,
    as_json: Json = False,
) -> None:
    """列出死信 · What waits for a decision: retry or drop."""
    letters = ask(data, lambda qiao: _list(qiao, service, state))
    columns = {
        "服务 Service": "service",
        "编号 Id": "dead_letter_id",
        "时间 Died": "died_at",
        "主题 Subject": "subject",
        "原因 Cause": "cause",
        "详情 Detail": "detail",
    }
    print_list(letters, columns, as_json=as_json)


@app.command("show")
def show_dead_letter(
    dead_letter_id: DeadLetterId,
    data: Data = None,
    service: Service = None,
    *,
    as_json: Json = False,
) -> None:
    """看一封死信,连同其事件 · One dead letter with its event."""
    letter = ask(data, lambda qiao: _find(qiao, service, dead_letter_id))
    print_item(letter, as_json=as_json)


@app.command("retry")
def retry_dead_letter(
    dead_letter_id: DeadLetterId, data: Data = None, service: Service = None
) -> None:
    """再处理一次 · Apply the event once more; only if that works is the letter settled."""
    _settle(data, service, dead_letter_id, "retry", None)
    say("✓ 已重新处理 · applied")


@app.command("drop")
def drop_dead_letter(
    dead_letter_id: DeadLetterId,
    reason: Annotated[str, typer.Option(help="为什么可以不管 · why it may be dropped")],
    data: Data = None,
    service: Service = None,
) -> None:
    """不再处理,并记下原因 · Drop it, and keep the reason."""
    _settle(data, service, dead_letter_id, "drop", {"reason": reason})
    say("✓ 已放弃 · dropped")


async def _list(qiao: Qiao, service: str | None, state: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for name in _named(service):
        letters = await everything(qiao.service(name), "/v1/dead-letters", {"state": state})
        found += [{"service": name, **letter} for letter in letters]
    return found


async def _find(qiao: Qiao, service: str | None, dead_letter_id: str) -> dict[str, Any]:
    """Ids are unique over all services, so whoever knows it is the one."""
    for name in _named(service):
        try:
            letter = await qiao.service(name).call("GET", f"/v1/dead-letters/{dead_letter_id}")
        except Rejection as rejection:
            if rejection.status != _NOT_FOUND:
                raise
        else:
            return {"service": name, **letter}
    raise NotFound(f"no dead letter {dead_letter_id}")


def _settle(
    data: Path | None,
    service: str | None,
    dead_letter_id: str,
    verb: str,
    body: Mapping[str, str] | None,
) -> None:
    async def settle(qiao: Qiao) -> None:
        letter = await _find(qiao, service, dead_letter_id)
        owner: ServiceClient = qiao.service(letter["service"])
        await owner.call("POST", f"/v1/dead-letters/{dead_letter_id}/{verb}", body=body)

    ask(data, settle)


def _named(service: str | None) -> tuple[str, ...]:
    return SERVICES if service is None else (service,)
