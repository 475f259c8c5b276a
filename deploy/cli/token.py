"""`qiao token`: a short-lived token for curl and scripts."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer

from deploy.cli.output import Json, print_json, say
from deploy.cli.secret_input import read_secret
from deploy.cli.system import Data, ask, locate, tell_problems
from deploy.cli.terminal_key import read_key_file
from shared.web.client import call, client_session


def token(
    data: Data = None,
    terminal: Annotated[
        Path | None, typer.Option(metavar="FILE", help="终端的密钥文件 · key file of a terminal")
    ] = None,
    client: Annotated[
        str | None, typer.Option(metavar="ID", help="客户端编号 · client credentials")
    ] = None,
    secret_file: Annotated[
        Path | None, typer.Option("--secret-file", metavar="FILE", help="客户端的 secret")
    ] = None,
    *,
    as_json: Json = False,
) -> None:
    """取一个令牌 · Print a token: of a terminal, of a client, or else of the operator.

    curl -H "Authorization: Bearer $(qiao token)" http://127.0.0.1:7002/v1/orders
    """
    if terminal is not None:
        answer = _of_terminal(terminal)
    elif client is not None:
        secret = tell_problems(lambda: read_secret("client_secret", file=secret_file))
        answer = _of_client(data, client, secret)
    else:
        operator = tell_problems(lambda: locate(data))
        answer = _of_client(data, "operator", operator.operator_secret)
    if as_json:
        print_json(answer)
        return
    print(answer["access_token"])
    say(f"# 有效 · valid for {answer['expires_in']} s")


def _of_terminal(file: Path) -> dict[str, Any]:
    async def fetch() -> dict[str, Any]:
        async with client_session() as session:
            return await read_key_file(file).token(session)

    return tell_problems(lambda: asyncio.run(fetch()))


def _of_client(data: Path | None, client_id: str, secret: str) -> dict[str, Any]:
    body = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}

    async def fetch(qiao: Any) -> dict[str, Any]:
        url = f"{qiao.system.address('access')}/v1/token"
        answer: dict[str, Any] = await call(qiao.session, "POST", url, body=body)
        return answer

    return ask(data, fetch)
