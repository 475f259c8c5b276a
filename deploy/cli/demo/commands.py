"""`qiao demo`: a world to look at, and orders that flow through it."""

from typing import Annotated

import typer

from deploy.cli.demo.flow import flow
from deploy.cli.demo.seeding import seed
from deploy.cli.output import Json, print_item, print_json
from deploy.cli.system import Data, ask

app = typer.Typer(help="演示 · the demo that qiao up shows")


@app.command("seed")
def seed_demo(data: Data = None, *, as_json: Json = False) -> None:
    """准备演示数据(可重复) · Make the demo's merchants, stores, apps, people and terminals.

    What is there already stays as it is. Prints how to sign in.
    """
    sign_in = ask(data, seed)
    if as_json:
        print_json(sign_in)
        return
    print_item(sign_in, as_json=False)


@app.command("run")
def run_demo(
    data: Data = None,
    rate: Annotated[float, typer.Option(min=0.1, max=50, help="每秒订单 · orders a second")] = 1.0,
) -> None:
    """不停地有顾客来 · Let customers come until Ctrl-C; pauses while somebody rehearses."""
    ask(data, lambda qiao: flow(qiao, orders_per_second=rate))
