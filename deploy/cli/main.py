"""The table of all commands of `qiao`."""

import typer

from deploy.cli import (
    after_sales,
    apps,
    clients,
    dead_letters,
    merchants,
    orders,
    product_lists,
    products,
    staff,
    stock,
    stores,
    stream,
    terminals,
)
from deploy.cli.demo import commands as demo
from deploy.cli.simulation.command import simulate
from deploy.cli.tail import tail
from deploy.cli.token import token
from deploy.cli.up import up
from shared.logging import configure_logging

app = typer.Typer(
    name="qiao",
    help="桥 Qiao:从平台的推送到门店的核销 · from a platform's webhook to a store's counter",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("up")(up)
app.command("tail")(tail)
app.command("token")(token)
app.command("simulate")(simulate)
product_lists.add_commands(products.app)
for name, group in (
    ("order", orders.app),
    ("after-sales", after_sales.app),
    ("product", products.app),
    ("stock", stock.app),
    ("merchant", merchants.app),
    ("store", stores.app),
    ("staff", staff.app),
    ("terminal", terminals.app),
    ("client", clients.app),
    ("app", apps.app),
    ("dead-letters", dead_letters.app),
    ("stream", stream.app),
    ("demo", demo.app),
):
    app.add_typer(group, name=name, no_args_is_help=True)


@app.callback()
def prepare() -> None:
    """Logs go to stderr: stdout is for what was asked for."""
    configure_logging("cli", form="console")


if __name__ == "__main__":
    app()
