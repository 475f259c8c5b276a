"""Products and stores at the simulator, called through our own typed client."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from shared.clock import utc_now
from shared.contracts.products import CodeOrigin, ProductKind, RefundRules, UsageRules
from shared.platforms.douyin.goods import DouyinGoodsClient
from shared.platforms.goods import (
    AuditState,
    MatchState,
    OnlineProduct,
    ProductContent,
    Shelf,
    SkuContent,
    StoreToMatch,
    matched,
)
from shared.platforms.outcomes import OutcomeUnknown, Refused
from tests.integration.simulator.support import ACCOUNT, OTHER_POI, POI, Client, Json, Receiver
from tests.support.waiting import eventually

CONTENT = ProductContent(
    out_id="afternoon-tea",
    kind=ProductKind.MEAL,
    title="双人下午茶",
    sale_from=utc_now().replace(microsecond=0),
    sale_to=utc_now().replace(microsecond=0) + timedelta(days=30),
    poi_ids=(POI,),
    category_id="1002001",
    skus=(SkuContent("s1", "标准", 8_800, 12_800, 500),),
    usage=UsageRules(days_after_purchase=30),
    refund=RefundRules(),
    code_origin=CodeOrigin.PLATFORM,
)
GOODS = "/goodlife/v1/goods"


class Token:
    def __init__(self, value: str) -> None:
        self._value = value

    async def token(self, *, rejected: str | None = None) -> str:
        assert rejected is None
        return self._value


@pytest_asyncio.fixture(loop_scope="session")
async def goods(simulator: Client) -> AsyncIterator[DouyinGoodsClient]:
    await simulator.control("PUT", "pace", {"product_audit_seconds": 0, "poi_match_seconds": 0})
    yield DouyinGoodsClient(
        simulator.session, tokens=Token(simulator.token), base_url=simulator.url
    )


async def online(goods: DouyinGoodsClient, out_id: str = "afternoon-tea") -> OnlineProduct | None:
    found = await goods.online_get([out_id], account_id=ACCOUNT)
    return found[0] if found else None


async def on_sale(goods: DouyinGoodsClient, content: ProductContent = CONTENT) -> OnlineProduct:
    await goods.product_save(content, account_id=ACCOUNT)

    async def shown() -> OnlineProduct | None:
        found = await online(goods, content.out_id)
        return found if found and found.product.title == content.title else None

    found = await eventually(shown)
    assert found is not None
    return found


def told(receiver: Receiver, event: str) -> list[Json]:
    return [one.content for one in receiver.received if one.body["event"] == event]


async def test_a_saved_product_is_audited_put_on_the_shelf_and_told_of(
    goods: DouyinGoodsClient, simulator: Client, receiver: Receiver
) -> None:
    await simulator.control("PUT", "pace", {"product_audit_seconds": 3600})
    saved = await goods.product_save(CONTENT, account_id=ACCOUNT)
    again = await goods.product_save(CONTENT, account_id=ACCOUNT)
    (draft,) = await goods.draft_get(["afternoon-tea"], account_id=ACCOUNT)
    assert (again.product_id, again.sku_ids) == (saved.product_id, saved.sku_ids)
    assert draft.audit is AuditState.RUNNING
    assert await online(goods) is None
    with pytest.raises(Refused, match="未审核"):
        await goods.product_operate("afternoon-tea", account_id=ACCOUNT, on_shelf=False)

    await simulator.control("PUT", "pace", {"product_audit_seconds": 0})
    found = await on_sale(goods)

    assert found.shelf is Shelf.ON
    product, (sku,) = found.product, found.product.skus
    assert (product.product_id, product.out_id) == (saved.product_id, "afternoon-tea")
    assert (product.sale_from, product.sale_to) == (CONTENT.sale_from, CONTENT.sale_to)
    assert (product.category_id, product.poi_ids) == ("1002001", (POI,))
    assert (sku.out_sku_id, sku.sku_id) == ("s1", saved.sku_ids["s1"])
    assert (sku.price_fen, sku.stock_total, sku.stock_available) == (8_800, 500, 500)
    await eventually(simulator.idle)
    assert told(receiver, "life_product_audit") == [
        {"product_id": saved.product_id, "status": "PASS", "reason": ""}
    ]
    assert told(receiver, "life_product_status_change") == [
        {"product_id": saved.product_id, "status": "GOODS_ONLINE"}
    ]


async def test_a_failed_audit_names_its_reason_and_leaves_what_is_online(
    goods: DouyinGoodsClient, simulator: Client, receiver: Receiver
) -> None:
    first = await on_sale(goods)
    verdict = {"account_id": ACCOUNT, "out_id": "afternoon-tea", "reason": "图片不清晰"}
    await simulator.control("PUT", "goods/verdict", verdict)
    await goods.product_save(replace(CONTENT, title="三人下午茶"), account_id=ACCOUNT)

    async def failed() -> str | None:
        (draft,) = await goods.draft_get(["afternoon-tea"], account_id=ACCOUNT)
        return draft.reason if draft.audit is AuditState.FAILED else None

    assert await eventually(failed) == "图片不清晰"
    assert await online(goods) == first
    page = await goods.draft_query(account_id=ACCOUNT, audit=AuditState.FAILED)
    assert [draft.product.title for draft in page.drafts] == ["三人下午茶"]
    await eventually(simulator.idle)
    assert told(receiver, "life_product_audit")[-1]["reason"] == "图片不清晰"

    await simulator.control("PUT", "goods/verdict", verdict | {"reason": None})
    changed = await on_sale(goods, replace(CONTENT, title="三人下午茶"))
    assert changed.product.product_id == first.product.product_id


async def test_shelf_price_and_stock_change_without_audit(
    goods: DouyinGoodsClient, simulator: Client, receiver: Receiver
) -> None:
    await on_sale(goods)
    await goods.product_operate("afternoon-tea", account_id=ACCOUNT, on_shelf=False)
    await goods.product_operate("afternoon-tea", account_id=ACCOUNT, on_shelf=False)
    await goods.product_free_audit("afternoon-tea", account_id=ACCOUNT, price_fen=7_700)
    await goods.stock_sync("afternoon-tea", 88, account_id=ACCOUNT)

    found = await online(goods)
    assert found is not None
    (sku,) = found.product.skus
    assert found.shelf is Shelf.OFF
    assert (sku.price_fen, sku.stock_available) == (7_700, 88)
    await goods.stock_sync("afternoon-tea", None, account_id=ACCOUNT)
    endless = await online(goods)
    assert endless is not None
    assert endless.product.skus[0].unlimited
    await eventually(simulator.idle)
    statuses = [one["status"] for one in told(receiver, "life_product_status_change")]
    assert statuses == ["GOODS_ONLINE", "GOODS_OFFLINE"]


async def test_a_product_of_several_skus_is_stocked_sku_by_sku(goods: DouyinGoodsClient) -> None:
    both = (*CONTENT.skus, SkuContent("s2", "大份", 9_900, 12_800, 10))
    found = await on_sale(goods, replace(CONTENT, skus=both))
    assert [sku.out_sku_id for sku in found.product.skus] == ["s1", "s2"]
    with pytest.raises(Refused):
        await goods.stock_sync("afternoon-tea", 1, account_id=ACCOUNT)

    third = SkuContent("s3", "小份", 1_000, 1_000, 5)
    ids = await goods.sku_batch_save(
        "afternoon-tea", (replace(both[1], stock=3), third), account_id=ACCOUNT
    )
    changed = await online(goods)
    assert changed is not None
    stocks = {sku.out_sku_id: sku.stock_available for sku in changed.product.skus}
    assert stocks == {"s1": 500, "s2": 3, "s3": 5}
    assert ids["s2"] == found.product.skus[1].sku_id


async def test_the_operator_makes_drift_and_bans(
    goods: DouyinGoodsClient, simulator: Client, receiver: Receiver
) -> None:
    await on_sale(goods)
    named = {"account_id": ACCOUNT, "out_id": "afternoon-tea"}
    await simulator.control("POST", "goods/drift", {**named, "price_fen": 1, "shelf": 2})
    drifted = await online(goods)
    assert drifted is not None
    assert (drifted.shelf, drifted.product.skus[0].price_fen) == (Shelf.OFF, 1)

    await simulator.control("POST", "goods/ban", named)
    with pytest.raises(Refused, match="封禁"):
        await goods.product_operate("afternoon-tea", account_id=ACCOUNT, on_shelf=True)
    page = await goods.online_query(account_id=ACCOUNT, shelf=Shelf.BANNED)
    assert [one.shelf for one in page.products] == [Shelf.BANNED]
    await eventually(simulator.idle)
    assert told(receiver, "life_product_status_change")[-1]["status"] == "GOODS_BAN"
    books = await simulator.control("GET", "goods", account_id=ACCOUNT)
    assert books["items"][0]["online"]["online_status"] == 3
    missing = await simulator.control("POST", "goods/ban", {**named, "out_id": "nothing"})
    assert missing["status"] == 404


async def test_lists_come_page_by_page(goods: DouyinGoodsClient, simulator: Client) -> None:
    for place in range(3):
        await on_sale(goods, replace(CONTENT, out_id=f"p{place}"))
    first = await simulator.data(
        "GET", f"{GOODS}/product/online/query/", account_id=ACCOUNT, count="2"
    )
    second = await simulator.data(
        "GET",
        f"{GOODS}/product/online/query/",
        account_id=ACCOUNT,
        count="2",
        cursor=first["next_cursor"],
    )
    assert (first["has_more"], second["has_more"]) == (True, False)
    pages = [one["product"]["out_id"] for page in (first, second) for one in page["products"]]
    assert sorted(pages) == ["p0", "p1", "p2"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("product/save", {"account_id": "someone else"}),
        ("product/save", {"account_id": ACCOUNT, "product": {"product_name": "x"}}),
        ("product/operate", {"account_id": ACCOUNT, "out_id": "none", "op_type": 1}),
        ("product/operate", {"account_id": ACCOUNT, "out_id": "none", "op_type": 9}),
        ("stock/sync", {"account_id": ACCOUNT, "out_id": "x", "stock": {"limit_type": 1}}),
        ("sku/batch_save", {"account_id": ACCOUNT, "out_id": "x", "skus": []}),
    ],
)
async def test_what_cannot_be_is_refused(
    goods: DouyinGoodsClient, simulator: Client, path: str, body: Any
) -> None:
    answer = await simulator.data("POST", f"{GOODS}/{path}/", body)
    assert answer["error_code"] in {2100005, 1508}


async def test_categories_and_templates_are_there_and_others_are_refused(
    goods: DouyinGoodsClient,
) -> None:
    (food, *_) = await goods.category_get(account_id=ACCOUNT)
    below = await goods.category_get(food.category_id)
    template = await goods.template_get("1002001", ProductKind.MEAL)
    assert (food.leaf, {one.parent_id for one in below}) == (False, {food.category_id})
    assert "use_date" in {one.key for one in template.product}
    with pytest.raises(Refused, match="类目"):
        await goods.product_save(replace(CONTENT, category_id="1"), account_id=ACCOUNT)
    with pytest.raises(Refused, match="未授权"):
        await goods.product_save(CONTENT, account_id="another")


async def test_a_save_whose_answer_is_lost_took_effect_all_the_same(
    goods: DouyinGoodsClient, simulator: Client
) -> None:
    await simulator.control("PUT", "faults", {"calls": {"goods_write": {"dropped_after": 1000}}})
    with pytest.raises(OutcomeUnknown):
        await goods.product_save(CONTENT, account_id=ACCOUNT)
    (draft,) = await goods.draft_get(["afternoon-tea"], account_id=ACCOUNT)
    assert draft.product.title == CONTENT.title


async def test_stores_are_matched_by_name_and_tied_once(
    goods: DouyinGoodsClient, simulator: Client, receiver: Receiver
) -> None:
    await simulator.control("PUT", "pace", {"poi_match_seconds": 3600})
    stores = [
        StoreToMatch("ours-1", "人民 广场店", "上海市", "上海市", "西藏中路1号"),
        StoreToMatch("ours-2", "没有的店", "上海市", "上海市", "西藏中路2号"),
    ]
    task = await goods.poi_match_submit(stores)
    running = await goods.poi_match_query(task)
    assert {one.state for one in running} == {MatchState.RUNNING}

    await simulator.control("PUT", "pace", {"poi_match_seconds": 0})
    task = await goods.poi_match_submit(stores)

    async def ended() -> dict[str, MatchState] | None:
        found = {one.ext_id: one.state for one in await goods.poi_match_query(task)}
        return None if MatchState.RUNNING in found.values() else found

    assert await eventually(ended) == {
        "ours-1": MatchState.MATCHED,
        "ours-2": MatchState.UNMATCHED,
    }
    relations = await goods.poi_relation_query(["ours-1", "ours-2"])
    assert matched(relations) == {"ours-1": POI}
    await eventually(simulator.idle)
    assert {one["match_result"] for one in told(receiver, "life_poi_match_notify")} == {1, 2}

    taken = await goods.poi_match_submit([replace(stores[0], ext_id="ours-3", poi_id=POI)])

    async def rejected() -> bool:
        (found,) = await goods.poi_match_query(taken)
        return found.state is MatchState.REJECTED

    await eventually(rejected)
    page = await goods.poi_query(account_id=ACCOUNT)
    assert {poi.poi_id for poi in page.pois} == {POI, OTHER_POI}
    assert page.total == 2
