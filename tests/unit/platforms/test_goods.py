"""The goods and store calls, against bodies that mirror the platform's documentation."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import pytest
from aiohttp import web

from shared.contracts.intake import PlatformDelivery
from shared.contracts.products import (
    CodeOrigin,
    Days,
    Hours,
    ProductKind,
    RefundDecision,
    RefundRules,
    UsageRules,
)
from shared.platforms.douyin.goods import DouyinGoodsClient
from shared.platforms.goods import (
    AuditState,
    MatchState,
    PoiMatch,
    ProductContent,
    ProductNotice,
    Shelf,
    SkuContent,
    StoreToMatch,
    matched,
)
from shared.platforms.outcomes import OutcomeUnknown, Refused, Retry
from shared.platforms.registry import platform_named
from tests.unit.platforms.answering import NOW, Platform, Tokens, answering, envelope

SAMPLES = json.loads((Path(__file__).parent / "goods_samples.json").read_text())
ACCOUNT = "7113893944009705516"
CONTENT = ProductContent(
    out_id="migrate_openapi_0711_03",
    kind=ProductKind.MEAL,
    title="双人餐",
    sale_from=datetime.fromtimestamp(1646724999, UTC),
    sale_to=datetime.fromtimestamp(1745607528, UTC),
    poi_ids=("123123123123",),
    category_id="1001001",
    skus=(SkuContent("s1", "测试", 996, 1399, 500),),
    usage=UsageRules(
        dates=Days(first=date(2021, 12, 6), last=date(2033, 3, 3)),
        weekdays=(5, 6),
        hours=(Hours(start=time(10), end=time(22, 30)),),
        blackouts=(Days(first=date(2022, 3, 8), last=date(2022, 3, 9)),),
    ),
    refund=RefundRules(before_use=RefundDecision.ASK),
    code_origin=CodeOrigin.MERCHANT,
    per_buyer_max=9,
    attributes={"rec_person_num": "99"},
)


@asynccontextmanager
async def goods_of(*answers: Any) -> AsyncIterator[tuple[DouyinGoodsClient, Platform]]:
    async with answering(*answers) as platform, aiohttp.ClientSession() as session:
        yield DouyinGoodsClient(session, tokens=Tokens(), base_url=platform.url), platform


def sample(name: str) -> web.Response:
    return web.json_response(SAMPLES[name])


async def test_a_save_is_written_as_the_sample_writes_it() -> None:
    async with goods_of(sample("saved")) as (client, platform):
        saved = await client.product_save(CONTENT, account_id=ACCOUNT)
    (asked,) = platform.asked
    assert (asked.method, asked.path) == ("POST", "/goodlife/v1/goods/product/save/")
    assert asked.headers["rpc-transit-life-account"] == ACCOUNT
    documented = SAMPLES["save"]
    product, sku = asked.body["product"], asked.body["sku"]
    for name in ("biz_line", "category_id", "out_id", "pois", "product_type", "sold_end_time"):
        assert product[name] == documented["product"][name]
    for name in ("actual_amount", "origin_amount", "sku_name", "status"):
        assert sku[name] == documented["sku"][name]
    assert sku["stock"] == {"limit_type": 1, "stock_qty": 500, "avail_qty": 500}
    attributes = product["attr_key_value_map"]
    assert json.loads(attributes["use_date"]) == {
        "use_date_type": 1,
        "use_start_date": "2021-12-06",
        "use_end_date": "2033-03-03",
    }
    assert json.loads(attributes["can_no_use_date"]) == {
        "enable": True,
        "days_of_week": [1, 2, 3, 4, 7],
        "date_list": ["2022-03-08", "2022-03-09"],
    }
    assert json.loads(attributes["use_time"])["time_period_list"] == [
        {"use_start_time": "10:00", "use_end_time": "22:30"}
    ]
    assert attributes["rec_person_num"] == "99"
    assert (attributes["RefundPolicy"], attributes["refund_need_merchant_confirm"]) == ("3", "true")
    limit = json.loads(sku["attr_key_value_map"]["limit_rule"])
    assert limit == {"is_limit": True, "total_buy_num": 9}
    assert sku["attr_key_value_map"]["code_source_type"] == "2"
    assert (saved.product_id, saved.now) == ("111", datetime.fromtimestamp(1651113600, UTC))


async def test_several_skus_travel_in_one_list_and_come_back_with_ids() -> None:
    both = (*CONTENT.skus, SkuContent("s2", "大份", 1200, 1500, None))
    answer = envelope({"product_id": 111, "sku_ids": {"s1": "1", "s2": 2}})
    async with goods_of(answer) as (client, platform):
        saved = await client.product_save(replace(CONTENT, skus=both), account_id=ACCOUNT)
        ids = await client.sku_batch_save("p", both, account_id=ACCOUNT)
    saving, batch = platform.asked
    assert "sku" not in saving.body
    assert [sku["out_sku_id"] for sku in saving.body["skus"]] == ["s1", "s2"]
    assert saving.body["skus"][1]["stock"] == {"limit_type": 2}
    assert (batch.path, batch.body["out_id"]) == ("/goodlife/v1/goods/sku/batch_save/", "p")
    assert saved.sku_ids == ids == {"s1": "1", "s2": "2"}


async def test_changes_without_audit_are_written_as_the_samples_write_them() -> None:
    async with goods_of(envelope()) as (client, platform):
        await client.product_operate("hch-life-0314-ms02", account_id="123123123", on_shelf=False)
        await client.product_free_audit(
            "hch-life-0314-yry01",
            account_id="222",
            sale_to=datetime.fromtimestamp(1746917386, UTC),
            stock=778,
        )
        await client.stock_sync("hch-life-0314-yry01", 88, account_id="123123123")
        await client.stock_sync("hch-life-0314-yry01", None, account_id="123123123")
    operate, free_audit, stock, endless = platform.asked
    assert operate.body == SAMPLES["operate"]
    assert free_audit.body == SAMPLES["free_audit"]
    # The sample says "no limit" and a number at once; the documents say that is meaningless.
    assert stock.body == SAMPLES["stock_sync"] | {"stock": {"avail_qty": 88, "limit_type": 1}}
    assert endless.body["stock"] == {"limit_type": 2}


async def test_what_is_online_is_read_page_by_page() -> None:
    async with goods_of(sample("online_query")) as (client, platform):
        page = await client.online_query(account_id="1", shelf=Shelf.ON, cursor="2")
        got = await client.online_get(["a", "b"], account_id="1")
    assert platform.asked[0].query["status"] == "1"
    assert platform.asked[1].query["out_ids"] == "a,b"
    assert page.next_cursor == "4"
    assert got == page.products
    (online,) = page.products
    product, (sku,) = online.product, online.product.skus
    assert online.shelf is Shelf.ON
    assert (product.product_id, product.out_id) == ("7119054118261606444", "hch-life-0314-tg09")
    assert product.poi_ids == ("6601137575719602180",)
    assert product.sale_to == datetime.fromtimestamp(1799607528, UTC)
    assert (sku.price_fen, sku.original_price_fen, sku.stock_total) == (996, 1399, 88)
    assert sku.unlimited is False


async def test_a_draft_says_how_its_audit_stands() -> None:
    failed = {"product": {"product_id": 1}, "draft_status": 12, "audit_msg": "图片不清晰"}
    answers = (
        sample("draft_get"),
        envelope({"products": [failed, failed | {"draft_status": 99}]}),
    )
    async with goods_of(*answers) as (client, platform):
        (running,) = await client.draft_get(["migrate_openapi_0711_03"], account_id="1")
        page = await client.draft_query(account_id="1", audit=AuditState.FAILED)
    assert running.audit is AuditState.RUNNING
    assert running.product.skus[0].price_fen == 996
    assert platform.asked[1].query["status"] == "12"
    assert [draft.audit for draft in page.drafts] == [AuditState.FAILED, None]
    assert (page.drafts[0].reason, page.next_cursor) == ("图片不清晰", None)


async def test_a_template_and_the_categories_are_read() -> None:
    category = {"category_id": 1001, "name": "美食", "parent_id": 0, "level": 1, "is_leaf": False}
    answers = (sample("template_get"), envelope({"category_infos": [category]}))
    async with goods_of(*answers) as (client, platform):
        template = await client.template_get("1001001", ProductKind.VOUCHER)
        (found,) = await client.category_get(account_id="1")
    assert platform.asked[0].query == {"category_id": "1001001", "product_type": "11"}
    first = template.product[0]
    assert (first.key, first.required, first.several) == ("appointment", True, False)
    assert "code_source_type" in {one.key for one in template.sku}
    assert (found.category_id, found.parent_id, found.leaf, found.open) == (
        "1001",
        None,
        False,
        True,
    )


async def test_stores_are_queried_and_matched() -> None:
    store = SAMPLES["match_submit"]["datas"][0]
    answers = (
        sample("poi_query"),
        sample("match_submitted"),
        sample("match_query"),
        sample("relation_query"),
    )
    async with goods_of(*answers) as (client, platform):
        pois = await client.poi_query(account_id="1")
        task = await client.poi_match_submit(
            [
                StoreToMatch(
                    "kaTest1027",
                    "测试POI",
                    "新疆维吾尔自治区",
                    "阿克苏",
                    store["address"],
                    40.101899,
                    82.582757,
                    "7159188409662000000",
                )
            ]
        )
        results = await client.poi_match_query(task)
        relations = await client.poi_relation_query(["ext_id1"])
    assert platform.asked[1].body == SAMPLES["match_submit"]
    assert platform.asked[2].query == {"task_id": "7135354259311110000"}
    assert (pois.total, pois.pois[0].poi_id, pois.pois[0].account_id) == (1, "111111", "8791273891")
    assert matched(results) == matched(relations) == {"ext_id1": "7000000000011110000"}


@pytest.mark.parametrize(
    ("members", "state"),
    [
        ({"match_status": 1}, MatchState.RUNNING),
        ({"match_status": 2, "match_poi_id": "7"}, MatchState.RUNNING),
        ({"match_status": 5, "match_result": 1, "match_poi_id": "7"}, MatchState.MATCHED),
        ({"match_status": 5, "match_result": 2}, MatchState.UNMATCHED),
        ({"match_status": 5, "match_result": 6, "match_poi_id": "7"}, MatchState.REJECTED),
        ({"match_status": 5, "match_result": 4}, MatchState.REJECTED),
    ],
)
async def test_a_match_ends_in_one_of_few_ways(members: dict[str, Any], state: MatchState) -> None:
    async with goods_of(envelope({"results": {"ext_id": "s", **members}})) as (client, _):
        (found,) = await client.poi_match_query("1")
    assert found.state is state
    assert (found.poi_id is not None) == (state is MatchState.MATCHED)


async def test_goods_calls_fail_as_all_calls_do() -> None:
    async def broken(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    answers = (
        envelope(error_code=2100005, description="参数不合法"),
        broken,
        broken,
        envelope({"products": [{"product": {}}]}),
    )
    async with goods_of(*answers) as (client, _):
        with pytest.raises(Refused, match="参数不合法"):
            await client.product_save(CONTENT, account_id="1")
        with pytest.raises(OutcomeUnknown):
            await client.product_save(CONTENT, account_id="1")
        with pytest.raises(Retry):
            await client.online_get(["1"], account_id="1")
        with pytest.raises(Retry, match="malformed"):
            await client.online_get(["1"], account_id="1")


def delivery(event: str, content: object) -> PlatformDelivery:
    return PlatformDelivery(
        delivery_id=uuid4(),
        platform="douyin",
        client_key="c",
        account_id=None,
        event=event,
        msg_id=None,
        received_at=datetime.fromtimestamp(NOW, UTC),
        content=content,
    )


@pytest.mark.parametrize(
    ("event", "content", "notice"),
    [
        (
            "life_product_audit",
            {"product_id": "6993730008241948703", "reason": "", "status": "PASS"},
            ProductNotice("6993730008241948703", audit=AuditState.PASSED),
        ),
        (
            "life_product_common_audit",
            {"product_id": 7, "reason": "图片", "status": "FAIL"},
            ProductNotice("7", audit=AuditState.FAILED, reason="图片"),
        ),
        (
            "life_product_status_change",
            {"product_id": "7", "status": "GOODS_BAN"},
            ProductNotice("7", shelf=Shelf.BANNED),
        ),
        ("life_product_status_change", {"status": "GOODS_BAN"}, None),
        ("life_product_status_change", {"product_id": "7", "status": "?"}, ProductNotice("7")),
        ("life_product_audit", "?", None),
        ("life_member_join", {"product_id": "7", "status": "PASS"}, None),
    ],
)
def test_a_delivery_says_what_became_of_a_product(
    event: str, content: object, notice: ProductNotice | None
) -> None:
    assert platform_named("douyin").product_notice(delivery(event, content)) == notice


def test_a_delivery_says_which_store_was_matched() -> None:
    content = {"ext_id": "s", "match_poi_id": "7", "match_status": 5, "match_result": 1}
    douyin = platform_named("douyin")
    assert douyin.poi_match(delivery("life_poi_match_notify", content)) == PoiMatch(
        "s", MatchState.MATCHED, "7", 1
    )
    assert douyin.poi_match(delivery("life_poi_match_notify", {})) is None
    assert douyin.poi_match(delivery("life_product_audit", content)) is None
