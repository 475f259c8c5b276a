"""`qiao up`: all of Qiao on this machine, with real PostgreSQL and NATS."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from deploy.embedded.launcher import launch
from deploy.embedded.plan import Options


def up(
    data: Annotated[Path, typer.Option(help="Where everything is kept.")] = Path(".qiao"),
    port_base: Annotated[int, typer.Option(help="The first of the ports that are used.")] = 7000,
    host: Annotated[str, typer.Option(help="Where the services listen.")] = "127.0.0.1",
    *,
    demo: Annotated[
        bool, typer.Option("--demo/--no-demo", help="With simulator, example data and orders.")
    ] = True,
    json_output: Annotated[
        bool,
        typer.Option("--json", help="One line of JSON on stdout when all is ready, or why not."),
    ] = False,
) -> None:
    """Start everything, show what happens, and stop everything with Ctrl-C."""
    sys.exit(
        launch(
            Options(data=data, port_base=port_base, host=host, demo=demo, json_output=json_output)
        )
    )


if __name__ == "__main__":
    # For `make run`: without the other commands it starts sooner.
    typer.run(up)
