"""`qiao product import | export | sync`: product lists, and how far platforms have them."""

import io
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import aiohttp
import typer
from rich.markup import escape

from deploy.cli import problems
from deploy.cli.output import Json, console, new_table, print_item, print_json, print_list, say
from deploy.cli.system import Data, Qiao, ask, everything, tell_problems
from shared.errors import Rejection, Unavailable

_REFUSED = 409
# Thousands of products are one transaction.
_PATIENCE = aiohttp.ClientTimeout(total=300)
_SYNCS = {
    "编号 Id": "product_id",
    "名称 Title": "title",
    "商家 Merchant": "merchant",
    "状态 State": "state",
    "货架 Shelf": "shelf",
    "审核 Audit": "audit",
    "原因 Reason": "reason",
    "详情 Detail": "detail",
    "再试于 Next": "next_at",
}
Merchant = Annotated[str, typer.Option(help="商家短名 · the merchant's slug")]


class Language(StrEnum):
    ZH = "zh"
    EN = "en"


class Whose(StrEnum):
    PUSH = "push"
    ACCEPT = "accept"


def add_commands(app: typer.Typer) -> None:
    app.command("import")(import_products)
    app.command("export")(export_products)
    app.command("sync")(sync_products)


def import_products(
    file: Annotated[Path, typer.Argument(help="CSV 或 .xlsx · CSV or .xlsx")],
    merchant: Merchant,
    data: Data = None,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="只检查,不写入 · check it, keep nothing")
    ] = False,
    as_json: Json = False,
) -> None:
    """导入商品表 · Read a product list in: all of it or nothing.

    The same list again changes nothing. A fault is told with its line and column.
    """
    raw = tell_problems(lambda: _read(file))
    query = {"merchant": merchant, "dry_run": "true" if dry_run else "false"}
    status, answer = ask(data, lambda qiao: _send(qiao, raw, query))
    if as_json:
        print_json(answer)
    elif status == _REFUSED:
        _print_faults(answer)
    else:
        print_item(answer, as_json=False)
    if status == _REFUSED:
        raise typer.Exit(1)


def export_products(
    file: Annotated[Path, typer.Argument(help="写到哪里:.csv 或 .xlsx · .csv or .xlsx")],
    merchant: Merchant,
    data: Data = None,
    language: Annotated[Language, typer.Option(help="表头语言 · of the header")] = Language.ZH,
) -> None:
    """导出商品表 · Write a merchant's products to a list that can be read in again."""
    form = "xlsx" if file.suffix.lower() == ".xlsx" else "csv"
    query = {"merchant": merchant, "format": form, "language": language.value}
    raw = ask(data, lambda qiao: _fetch(qiao, query))
    tell_problems(lambda: _write(file, raw))
    say(str(file))


def sync_products(
    product_id: Annotated[
        str | None, typer.Argument(help="商品编号,不给则列出 · the product's id [all of them]")
    ] = None,
    data: Data = None,
    whose: Annotated[
        Whose | None,
        typer.Option(
            "--action",
            help="push 立即以我为准再推,accept 接受平台的 · ours again now, or the platform's",
        ),
    ] = None,
    state: Annotated[
        str | None, typer.Option(help="pending | in_audit | synced | failed | drifted")
    ] = None,
    merchant: Annotated[str | None, typer.Option(help="只看此商家 · of this merchant")] = None,
    *,
    as_json: Json = False,
) -> None:
    """平台同步 · How far platforms have what the catalog wants; or decide a drift."""
    if product_id is None:
        query = {"merchant": merchant, "state": state}
        found = ask(data, lambda qiao: everything(qiao.catalog, "/v1/sync", query))
        print_list(found, _SYNCS, as_json=as_json)
        return
    path = f"/v1/products/{product_id}/sync"

    async def look(qiao: Qiao) -> dict[str, Any]:
        if whose is None:
            shown: dict[str, Any] = await qiao.catalog.call("GET", path)
            return shown
        body = {"action": whose.value}
        changed: dict[str, Any] = await qiao.catalog.call("POST", path, body=body)
        return changed

    print_item(ask(data, look), as_json=as_json)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        raise problems.unreadable_file(file, expected="a product list, CSV or .xlsx") from None


def _write(file: Path, raw: bytes) -> None:
    try:
        file.write_bytes(raw)
    except OSError:
        raise problems.unreadable_file(file, expected="a place that can be written to") from None


async def _send(qiao: Qiao, raw: bytes, query: dict[str, str]) -> tuple[int, dict[str, Any]]:
    """The list of faults is an answer too. Raises Rejection or Unavailable."""
    status, response = await _exchange(qiao, "POST", "import", query, raw)
    answer = await _json(response)
    if status == _REFUSED and "faults" in answer:
        return status, answer
    _must_be_done(status, answer)
    return status, answer


async def _fetch(qiao: Qiao, query: dict[str, str]) -> bytes:
    status, response = await _exchange(qiao, "GET", "export", query, None)
    if not response.ok:
        _must_be_done(status, await _json(response))
    return await response.read()


async def _exchange(
    qiao: Qiao, method: str, what: str, query: dict[str, str], raw: bytes | None
) -> tuple[int, aiohttp.ClientResponse]:
    url = f"{qiao.system.address('catalog')}/v1/products/{what}"
    headers = {"Authorization": f"Bearer {await qiao.credentials.token(qiao.session)}"}
    try:
        response = await qiao.session.request(
            method,
            url,
            params=query,
            data=None if raw is None else io.BytesIO(raw),
            headers=headers,
            timeout=_PATIENCE,
        )
        await response.read()
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        message = f"{url} did not answer: {type(error).__name__}"
        raise Unavailable(message) from error
    return response.status, response


async def _json(response: aiohttp.ClientResponse) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = await response.json(content_type=None)
    except ValueError:
        return {}
    return answer


def _must_be_done(status: int, answer: dict[str, Any]) -> None:
    if status >= 500:  # noqa: PLR2004 - the callee's fault or outage: asking again may help
        message = f"catalog answered {status}"
        raise Unavailable(message)
    if status >= 400:  # noqa: PLR2004
        rejection = Rejection(answer.get("detail", ""), reason=answer.get("reason", "unexpected"))
        rejection.status = status
        raise rejection


def _print_faults(answer: dict[str, Any]) -> None:
    table = new_table("行 Line", "列 Column", "内容 Value", "问题 Problem", "怎么办 What to do")
    for fault in answer["faults"]:
        problem, action = fault["problem"], fault["action"]
        table.add_row(
            str(fault["line"] or ""),
            escape(fault["column"] or ""),
            escape(fault["value"] or ""),
            escape(f"{problem['zh']} · {problem['en']}"),
            escape(f"{action['zh']} · {action['en']}"),
        )
    console().print(table)
    say(f"{answer['faults_total']} 处有误,什么都没有写入 · faults: nothing was imported")
