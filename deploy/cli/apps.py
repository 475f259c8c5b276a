"""`qiao app`: applications at a platform and their secrets."""

from pathlib import Path
from typing import Annotated, Any

import typer

from deploy.cli.output import Json, print_item, print_list, say
from deploy.cli.secret_input import read_secret
from deploy.cli.system import Data, Qiao, ask, everything, tell_problems

app = typer.Typer(help="平台应用及其 secret · applications at a platform")
ClientKey = Annotated[str, typer.Argument(help="client_key")]
SecretFile = Annotated[
    Path | None,
    typer.Option("--secret-file", metavar="FILE", help="secret 文件 · file with the secret"),
]
AppId = Annotated[
    str | None, typer.Option(help="小程序 app_id · of the application's mini-program")
]
PublicKeyFile = Annotated[
    Path | None,
    typer.Option("--public-key-file", metavar="FILE", help="平台公钥 · the platform's public key"),
]


@app.command("add")
def add_app(
    client_key: ClientKey,
    merchant: Annotated[str, typer.Option(help="商家短名 · whose it is")],
    data: Data = None,
    kind: Annotated[
        str,
        typer.Option(help="life(商家自研) | provider(服务商) | mini_program(小程序)"),
    ] = "life",
    platform: Annotated[str, typer.Option(help="平台 · platform")] = "douyin",
    secret_file: SecretFile = None,
    app_id: AppId = None,
    public_key_file: PublicKeyFile = None,
    *,
    as_json: Json = False,
) -> None:
    """登记应用 · Add an application. The secret is typed when asked, or piped in, or in a file.

    With a mini-program of its own, give its app id and the platform's public key too.
    """
    trade = tell_problems(lambda: _trade(app_id, public_key_file))
    secret = tell_problems(lambda: read_secret("client_secret", file=secret_file))
    body = {
        "client_key": client_key,
        "merchant": merchant,
        "platform": platform,
        "kind": kind,
        "secret": secret,
    }

    async def add(qiao: Qiao) -> dict[str, Any]:
        # intake takes any slug, since events may bring the merchant later; a person mistypes one.
        await qiao.access.call("GET", f"/v1/merchants/{merchant}")
        added: dict[str, Any] = await qiao.intake.call("POST", "/v1/apps", body=body)
        address = qiao.system.address("intake")
        addresses = {
            "webhook_url": f"{address}/webhooks/{platform}/{client_key}",
            "spi_url": f"{address}/spi/{platform}/{{action}}",
        }
        if trade is None:
            return {**added, **addresses}
        path = f"/v1/apps/{client_key}/trade"
        shown = await qiao.intake.call("PUT", path, body=trade)
        addresses["trade_url"] = f"{address}/trade/{platform}/{trade['app_id']}"
        return {**added, "trade": shown, **addresses}

    print_item(ask(data, add), as_json=as_json)


@app.command("keys")
def put_keys(
    client_key: ClientKey,
    app_id: Annotated[str, typer.Option(help="小程序 app_id · of the mini-program")],
    data: Data = None,
    public_key_file: PublicKeyFile = None,
    token_file: Annotated[
        Path | None,
        typer.Option(
            "--token-file", metavar="FILE", help="旧版担保支付 Token · token of older payments"
        ),
    ] = None,
    order_path: Annotated[
        str, typer.Option(help="小程序的订单页 · the page of an order")
    ] = "pages/order/detail",
    pay_notify_url: Annotated[
        str | None, typer.Option(help="支付回调地址 · where to report payments")
    ] = None,
    overlap_hours: Annotated[
        float, typer.Option(help="旧密钥还能用多久 · how long the old one lives on")
    ] = 24,
    *,
    as_json: Json = False,
) -> None:
    """小程序与平台公钥 · An application's mini-program, and what signs its trade callbacks."""
    body = {
        "app_id": app_id,
        "order_path": order_path,
        "pay_notify_url": pay_notify_url,
        "public_key": tell_problems(lambda: _read(public_key_file)),
        "token": tell_problems(lambda: _read(token_file)),
        "overlap_seconds": int(overlap_hours * 3600),
    }
    path = f"/v1/apps/{client_key}/trade"
    print_item(ask(data, lambda qiao: qiao.intake.call("PUT", path, body=body)), as_json=as_json)


def _trade(app_id: str | None, public_key_file: Path | None) -> dict[str, Any] | None:
    if app_id is None:
        return None
    return {"app_id": app_id, "public_key": _read(public_key_file)}


def _read(file: Path | None) -> str | None:
    return None if file is None else read_secret("", file=file)


@app.command("rotate")
def rotate_secret(
    client_key: ClientKey,
    data: Data = None,
    overlap_hours: Annotated[
        float, typer.Option(help="旧 secret 还能用多久 · how long the old one lives on")
    ] = 24,
    secret_file: SecretFile = None,
    *,
    as_json: Json = False,
) -> None:
    """更换 secret · Add a new secret; the old ones live on for a while."""
    secret = tell_problems(lambda: read_secret("client_secret", file=secret_file))
    body = {"secret": secret, "overlap_seconds": int(overlap_hours * 3600)}
    path = f"/v1/apps/{client_key}/secrets"
    print_item(ask(data, lambda qiao: qiao.intake.call("POST", path, body=body)), as_json=as_json)


@app.command("revoke")
def revoke_secret(
    client_key: ClientKey,
    secret_id: Annotated[str, typer.Argument(help="list 所示 · the secret's id, see list --json")],
    data: Data = None,
) -> None:
    """立即作废一个 secret · Void one secret now."""
    path = f"/v1/apps/{client_key}/secrets/{secret_id}"
    ask(data, lambda qiao: qiao.intake.call("DELETE", path))
    say("✓ 已作废 · void")


@app.command("list")
def list_apps(
    data: Data = None,
    merchant: Annotated[str | None, typer.Option(help="只看此商家 · of this merchant")] = None,
    *,
    as_json: Json = False,
) -> None:
    """应用列表 · Every application; secrets are never shown."""
    found = ask(data, lambda qiao: everything(qiao.intake, "/v1/apps", {"merchant": merchant}))
    columns = {
        "client_key": "client_key",
        "商家 Merchant": "merchant",
        "平台 Platform": "platform",
        "种类 Kind": "kind",
        "登记于 Since": "created_at",
    }
    print_list(found, columns, as_json=as_json)
