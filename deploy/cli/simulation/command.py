"""`qiao simulate`."""

import sys
from typing import Annotated

import typer

from deploy.cli.output import Json, print_json
from deploy.cli.simulation.display import displaying
from deploy.cli.simulation.faults import read_faults
from deploy.cli.simulation.report import print_report
from deploy.cli.simulation.run import Options, rehearse
from deploy.cli.simulation.verdict import Verdict
from deploy.cli.system import Data, Qiao, ask, tell_problems


def simulate(
    scenario: Annotated[str, typer.Argument(help="剧本:quiet-day、live-show · the scenario")],
    data: Data = None,
    orders: Annotated[
        int | None, typer.Option(min=1, max=1_000_000, help="订单数 · how many [the scenario's]")
    ] = None,
    rate: Annotated[
        float | None, typer.Option(min=0.1, help="平均每秒下单 · orders a second on average")
    ] = None,
    faults: Annotated[
        str,
        typer.Option(
            help="故障:none、all 或千分数 lost=5,late=10,verify.dropped_after=20 · faults"
        ),
    ] = "none",
    seed: Annotated[int, typer.Option(help="随机种子 · the same seed is the same day")] = 1,
    terminals: Annotated[
        int, typer.Option(min=2, max=200, help="收银终端数 · how many tills serve")
    ] = 16,
    settle_seconds: Annotated[
        float, typer.Option(min=1, help="最后最多等多久追平 · how long to wait until all agrees")
    ] = 300,
    *,
    as_json: Json = False,
) -> None:
    """演练一天,并核对一切是否一致 · Rehearse a day, then check that everything agrees.

    Customers order at the simulated platform, tills of the demo's stores redeem over HTTP, and in
    the end the platform's books are compared with ours. Exit status 1 if anything is off.
    """
    options = Options(
        scenario=scenario,
        orders=orders,
        rate_per_second=rate,
        faults=tell_problems(lambda: read_faults(faults, seed=seed)),
        faults_text=faults,
        seed=seed,
        terminals=terminals,
        settle_seconds=settle_seconds,
    )

    async def work(qiao: Qiao) -> Verdict:
        async with displaying() as display:
            return await rehearse(qiao, options, display)

    verdict = ask(data, work)
    if as_json:
        print_json(verdict.as_json())
    else:
        print_report(verdict)
    sys.exit(0 if verdict.good else 1)
