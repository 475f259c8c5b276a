"""The table of all commands of `qiao`."""

import typer

from deploy.cli import dead_letters, stream
from deploy.cli.tail import tail
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
app.add_typer(dead_letters.app, name="dead-letters", no_args_is_help=True)
app.add_typer(stream.app, name="stream", no_args_is_help=True)


@app.callback()
def prepare() -> None:
    """Logs go to stderr: stdout is for what was asked for."""
    configure_logging("cli", form="console")


if __name__ == "__main__":
    app()
