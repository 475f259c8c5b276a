"""`qiao up`: all of Qiao on this machine, with real PostgreSQL and NATS."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from deploy.embedded.launcher import launch
from deploy.embedded.plan import Options


def up(
    data: Annotated[
        Path, typer.Option(readable=False, help="数据目录 · where everything is kept")
    ] = Path(".qiao"),
    port_base: Annotated[int, typer.Option(help="第一个端口 · the first of the ports")] = 7000,
    host: Annotated[str, typer.Option(help="监听地址 · where the services listen")] = "127.0.0.1",
    *,
    demo: Annotated[
        bool, typer.Option("--demo/--no-demo", help="带演示 · with simulator and example data")
    ] = True,
    json_output: Annotated[
        bool,
        typer.Option(
            "--json", help="就绪或失败时输出一行 JSON · one line of JSON when ready, or why not"
        ),
    ] = False,
) -> None:
    """启动全部,Ctrl-C 全部停止 · Start everything; Ctrl-C stops everything."""
    sys.exit(
        launch(
            Options(data=data, port_base=port_base, host=host, demo=demo, json_output=json_output)
        )
    )


def main() -> None:
    """`qiao up` without the other commands, which it need not wait for."""
    app = typer.Typer(
        add_completion=False, context_settings={"help_option_names": ["-h", "--help"]}
    )
    app.command("up")(up)
    app.callback()(lambda: None)
    app(prog_name="qiao")
