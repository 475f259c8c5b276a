"""`qiao` on a whole system: what an operator does from a terminal."""

import asyncio
import json
import stat
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import nats
import pytest

from tests.support.cli import Said, run_qiao
from tests.support.launched import Launched
from tests.support.waiting import eventually

SECRET = "made-up-secret-of-an-app"
TEA = {"title": "杨枝甘露", "price_fen": 990, "original_price_fen": 1900}


async def ok(qiao: Launched, *arguments: str, given: str = "") -> Any:
    """Any: the JSON that the command printed."""
    return (await run_qiao(*arguments, "--json", data=qiao.data, given=given)).json


async def refused(qiao: Launched, *arguments: str, given: str = "") -> str:
    said = await run_qiao(*arguments, data=qiao.data, given=given)
    assert said.status == 1, said
    assert "Traceback" not in said.err
    return said.err


@pytest.fixture
async def store_id(qiao: Launched) -> str:
    """A store of a merchant of this test's own."""
    name = f"m-{uuid4().hex[:8]}"
    await ok(qiao, "merchant", "add", name, "--name", "测试商家", "--account-id", name)
    added = await ok(
        qiao, "store", "add", "--merchant", name, "--name", "测试门店", "--poi-id", f"poi-{name}"
    )
    return str(added["store_id"])


async def test_what_was_added_is_listed(qiao: Launched, store_id: str) -> None:
    (store,) = [one for one in await ok(qiao, "store", "list") if one["store_id"] == store_id]
    assert store["name"] == "测试门店"
    merchants = {one["merchant"] for one in await ok(qiao, "merchant", "list")}
    assert store["merchant"] in merchants
    table = await run_qiao("store", "list", "--merchant", store["merchant"], data=qiao.data)
    assert table.status == 0
    assert "测试门店" in table.out


async def test_adding_the_same_again_changes_nothing_and_something_else_is_refused(
    qiao: Launched,
) -> None:
    name = f"m-{uuid4().hex[:8]}"
    added = await ok(qiao, "merchant", "add", name, "--name", "甲")
    assert await ok(qiao, "merchant", "add", name, "--name", "甲") == added
    assert "merchant_exists" in await refused(qiao, "merchant", "add", name, "--name", "乙")


async def test_a_terminals_key_file_is_for_its_owner_only_and_gives_tokens(
    qiao: Launched, store_id: str, tmp_path: Path
) -> None:
    key_file = tmp_path / "key.json"
    added = await ok(
        qiao,
        *("terminal", "add", "--store", store_id, "--name", "1 号机"),
        *("--key-file", str(key_file)),
    )
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    token = await run_qiao("token", "--terminal", str(key_file), data=None)
    assert token.status == 0, token.err
    assert await status_at(qiao, token.out.strip(), store_id) in (200, 404)

    listed = await ok(qiao, "terminal", "list", "--store", store_id)
    assert [one["terminal_id"] for one in listed] == [added["terminal_id"]]
    assert "不覆盖" in await refused(
        qiao,
        *("terminal", "add", "--store", store_id, "--name", "2 号机"),
        *("--key-file", str(key_file)),
    )
    assert len(await ok(qiao, "terminal", "list", "--store", store_id)) == 1


async def test_a_revoked_terminal_is_turned_away_within_seconds(
    qiao: Launched, store_id: str, tmp_path: Path
) -> None:
    key_file = tmp_path / "key.json"
    added = await ok(
        qiao,
        *("terminal", "add", "--store", store_id, "--name", "1 号机"),
        *("--key-file", str(key_file)),
    )
    token = (await run_qiao("token", "--terminal", str(key_file), data=None)).out.strip()
    said = await run_qiao(
        "terminal", "revoke", added["terminal_id"], "--reason", "设备丢失", data=qiao.data
    )
    assert said.status == 0, said.err

    async def turned_away() -> bool:
        return await status_at(qiao, token, store_id) == 401

    await eventually(turned_away, within_seconds=10, what="the token is void")
    said = await run_qiao("token", "--terminal", str(key_file), data=None)
    assert said.status == 1
    assert "terminal_revoked" in said.err


async def status_at(qiao: Launched, token: str, store_id: str) -> int:
    url = f"{qiao.ready['redemption']}/v1/redemptions?store_id={store_id}"
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(headers=headers) as session, session.get(url) as response:
        return response.status


async def test_a_code_is_for_a_device_that_enrols_itself(qiao: Launched, store_id: str) -> None:
    invited = await ok(
        qiao, "terminal", "add", "--store", store_id, "--name", "平板", "--code-only"
    )
    (terminal,) = await ok(qiao, "terminal", "list", "--store", store_id)
    assert terminal["state"] == "awaiting_enrolment"
    again = await ok(qiao, "terminal", "roll", terminal["terminal_id"], "--code-only")
    assert again["enrolment_code"] != invited["enrolment_code"]


async def test_the_secret_of_an_app_is_piped_in_and_never_comes_out(qiao: Launched) -> None:
    merchant, client_key = f"m-{uuid4().hex[:8]}", f"aw{uuid4().hex[:14]}"
    await ok(qiao, "merchant", "add", merchant, "--name", "甲")
    added = await app_added(qiao, client_key, merchant)
    assert added["webhook_url"] == f"{qiao.ready['intake']}/webhooks/douyin/{client_key}"
    listed = await run_qiao("app", "list", "--merchant", merchant, "--json", data=qiao.data)
    assert client_key in listed.out
    assert SECRET not in listed.out + json.dumps(added)
    assert "secret" in await refused(qiao, "app", "add", client_key, "--merchant", merchant)


async def app_added(qiao: Launched, client_key: str, merchant: str) -> Any:
    """Intake hears of the merchant by event: at once or a moment later. Any: JSON."""

    async def add() -> Said | None:
        said = await run_qiao(
            *("app", "add", client_key, "--merchant", merchant, "--json"),
            data=qiao.data,
            given=SECRET,
        )
        return said if said.status == 0 else None

    said = await eventually(add, within_seconds=30, what="intake knows the merchant")
    assert said is not None
    return said.json


async def test_a_person_is_added_with_a_password_that_is_piped_in(qiao: Launched) -> None:
    login = f"clerk-{uuid4().hex[:6]}"
    person = ("--merchant", "yihetang", "--login", login, "--name", "小李", "--role", "clerk")
    added = await ok(qiao, "staff", "add", *person, given="quiet-otter-73-lamp\n")
    listed = await ok(qiao, "staff", "list", "--merchant", "yihetang")
    assert added["staff_id"] in {one["staff_id"] for one in listed}
    weak = await refused(qiao, "staff", "add", *person, given="aaaaaaaaaaaa\n")
    assert "password" in weak


async def test_a_program_gets_a_token_for_what_it_may_do_until_it_is_revoked(
    qiao: Launched, tmp_path: Path
) -> None:
    added = await ok(
        qiao,
        *("client", "add", "--merchant", "yihetang", "--name", "POS 网关"),
        *("--action", "orders:read"),
    )
    secret_file = tmp_path / "secret"
    secret_file.write_text(added["client_secret"])
    token = ("token", "--client", added["client_id"], "--secret-file", str(secret_file))
    assert (await ok(qiao, *token))["token_type"] == "Bearer"
    listed = await run_qiao("client", "list", "--json", data=qiao.data)
    assert added["client_id"] in listed.out
    assert added["client_secret"] not in listed.out
    said = await run_qiao(
        "client", "revoke", added["client_id"], "--reason", "换供应商", data=qiao.data
    )
    assert said.status == 0, said.err
    assert "client_refused" in await refused(qiao, *token)


async def test_a_product_is_added_stocked_and_put_on_sale(qiao: Launched, tmp_path: Path) -> None:
    name = f"tea-{uuid4().hex[:8]}"
    file = tmp_path / "product.json"
    file.write_text(json.dumps({"kind": "meal", "title": name, "skus": [TEA | {"sku_id": name}]}))

    async def added() -> Any:
        said = await run_qiao(*adding, "--json", data=qiao.data)
        return said.status == 0 and said.json

    adding = (
        *("product", "add", "--merchant", "yihetang", "--file", str(file), "--id", name),
        *("--stock", "5", "--publish"),
    )
    product = await eventually(added, what="the merchant known")
    assert (product["state"], product["skus"][0]["price_fen"]) == ("on_sale", 990)
    (listed,) = await ok(qiao, "product", "list", "--text", name)
    assert listed["product_id"] == (await ok(qiao, "product", "show", name))["product_id"] == name
    (counted,) = await ok(qiao, "stock", "set", name, "8")
    assert counted["left"] == 8
    assert [one["total"] for one in await ok(qiao, "stock", "show", "--sku", name)] == [8]
    assert (await ok(qiao, "product", "withdraw", name))["state"] == "off_shelf"
    assert "product_unknown" in await refused(qiao, "product", "publish", "nobody-sells-this")
    by_options = ("product", "add", "--merchant", "yihetang", "--title", "奶茶", "--price")
    assert (await ok(qiao, *by_options, "9.9"))["skus"][0]["price_fen"] == 990
    said = await run_qiao(*by_options, "9.999", data=qiao.data)
    assert (said.status, "--price" in said.err) == (2, True)


async def test_an_order_is_listed_shown_and_explained(qiao: Launched) -> None:
    async def some() -> list[Any]:
        found: list[Any] = await ok(qiao, "order", "list", "--limit", "3")
        return found

    order, *_ = await eventually(some, within_seconds=30, what="the demo's first orders")
    shown = await ok(qiao, "order", "show", order["order_id"])
    assert shown["order_id"] == order["order_id"]
    explained = await run_qiao("order", "explain", order["order_id"], data=qiao.data)
    assert explained.status == 0, explained.err
    assert order["order_id"] in explained.out
    assert "not_found" in await refused(qiao, "order", "show", "1")


async def test_an_event_that_nobody_can_read_waits_as_a_dead_letter(qiao: Launched) -> None:
    subject = f"qiao.v1.yihetang.platform.garbled_{uuid4().hex[:8]}"
    client = await nats.connect(qiao.ready["nats"])
    await client.jetstream().publish(subject, b"not an event")
    await client.close()

    async def buried() -> list[Any]:
        letters = await ok(qiao, "dead-letters", "list", "--service", "orders")
        return [one for one in letters if one["subject"] == subject]

    (letter,) = await eventually(buried, within_seconds=30, what="a dead letter")
    letter_id = letter["dead_letter_id"]
    shown = await ok(qiao, "dead-letters", "show", letter_id)
    assert (shown["service"], shown["subject"]) == ("orders", subject)
    assert "Refused" in await refused(qiao, "dead-letters", "retry", letter_id)
    everywhere = await ok(qiao, "dead-letters", "list")
    for one in everywhere:
        if one["subject"] == subject:
            said = await run_qiao(
                *("dead-letters", "drop", one["dead_letter_id"], "--reason", "made up"),
                data=qiao.data,
            )
            assert said.status == 0, said.err
    assert await buried() == []
    dropped = await ok(qiao, "dead-letters", "list", "--state", "dropped")
    assert letter_id in {one["dead_letter_id"] for one in dropped}


async def test_the_operator_reaches_a_system_by_its_addresses_alone(
    qiao: Launched, tmp_path: Path
) -> None:
    environment = {
        "QIAO_OPERATOR_SECRET_FILE": str(qiao.data / "secrets" / "operator"),
        "QIAO_ACCESS_URL": qiao.ready["access"],
    }
    said = await run_qiao("merchant", "list", "--json", data=None, environment=environment)
    assert "yihetang" in {one["merchant"] for one in said.json}
    said = await run_qiao("order", "list", data=None, environment=environment)
    assert said.status == 1
    assert "QIAO_ORDERS_URL" in said.err


async def test_seeding_the_demo_again_changes_nothing(qiao: Launched) -> None:
    before = await ok(qiao, "terminal", "list")
    first, second = await asyncio.gather(ok(qiao, "demo", "seed"), ok(qiao, "merchant", "list"))
    assert await ok(qiao, "demo", "seed") == first
    assert {one["merchant"] for one in second} >= {"yihetang", "shouke"}
    assert len(await ok(qiao, "terminal", "list")) == len(before)
    body = {name: first[name] for name in ("merchant", "login", "password")}
    url = f"{qiao.ready['access']}/v1/sign-in"
    async with aiohttp.ClientSession() as session, session.post(url, json=body) as response:
        assert response.status == 200


async def test_a_service_that_is_away_is_said_without_a_traceback(tmp_path: Path) -> None:
    secret = tmp_path / "operator"
    secret.write_text("nobody-listens-here")
    environment = {
        "QIAO_OPERATOR_SECRET_FILE": str(secret),
        "QIAO_ACCESS_URL": "http://127.0.0.1:9",
    }
    said = await run_qiao("merchant", "list", data=None, environment=environment)
    assert said.status == 1
    assert "No answer" in said.err
    assert "Traceback" not in said.err
