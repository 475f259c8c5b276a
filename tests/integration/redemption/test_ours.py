"""Coupons whose codes are ours: issued once, found by their code, spent once."""

from uuid import uuid4

import pytest_asyncio

from services.redemption.domain.codes import ALPHABET, Code, check_character, new_code, read_code
from shared.contracts.products import ProductKind
from tests.integration.redemption.ours import Shop, put, spend
from tests.integration.redemption.platform import OTHER_POI
from tests.integration.redemption.support import Till, World, gather


@pytest_asyncio.fixture(loop_scope="session")
async def shop(world: World) -> Shop:
    return Shop(world)


async def test_a_question_for_codes_is_answered_the_same_for_ever(shop: Shop) -> None:
    first = await shop.issue(coupons=3)
    again = await shop.issue(coupons=3, order_id=first.body["order_id"])
    assert first.status == 200, first.body
    assert first.raw == again.raw
    codes = [each["code"] for each in first.body["codes"]]
    assert len(set(codes)) == 3
    assert all(isinstance(read_code(code), Code) for code in codes)


async def test_the_same_question_64_times_at_once_issues_once(shop: Shop, world: World) -> None:
    order_id = f"many-{uuid4()}"
    answers = await gather(*(shop.issue(coupons=2, order_id=order_id) for _ in range(64)))
    assert {answer.status for answer in answers} == {200}
    assert len({answer.raw for answer in answers}) == 1
    rows = await world.fetch("SELECT FROM issued_coupons WHERE order_id = $1", order_id)
    assert len(rows) == 2


async def test_two_skus_of_one_order_are_two_questions(shop: Shop) -> None:
    first = await shop.issue(third_sku_id="a")
    second = await shop.issue(third_sku_id="b", order_id=first.body["order_id"])
    assert first.body["codes"] != second.body["codes"]


async def test_another_question_under_the_same_order_is_refused(shop: Shop) -> None:
    first = await shop.issue(coupons=1)
    other = await shop.issue(coupons=2, order_id=first.body["order_id"])
    assert (other.status, other.reason) == (409, "ask_conflicted")


async def test_only_a_service_that_may_ask_is_given_codes(till: Till) -> None:
    answer = await till.ask("POST", "/v1/issues", {})
    assert answer.status == 403


async def test_a_code_is_stored_hashed_and_sealed_and_said_nowhere(
    shop: Shop, till: Till, world: World
) -> None:
    issued = await shop.code()
    code = issued["code"]
    await spend(till, code)
    tables = ("issued_coupons", "issues", "preparations", "redemptions", "refusals", "outbox")
    for table in tables:
        rows = await world.fetch(f"SELECT t::text AS row FROM {table} t")  # noqa: S608
        hits = [row for row in rows if code in row["row"] or code.encode().hex() in row["row"]]
        assert hits == [], table
    said = await shop.said(issued["coupon_id"])
    assert [each.type for each in said] == ["coupon.issued", "coupon.redeemed"]
    assert [each.version for each in said] == [1, 2]


async def test_a_coupon_of_ours_is_prepared_and_redeemed_without_the_platform(
    shop: Shop, till: Till
) -> None:
    issued = await shop.code()
    prepared = await till.scan(issued["code"])
    assert prepared.status == 200, prepared.body
    (coupon,) = prepared.body["coupons"]
    assert coupon["coupon_id"] == issued["coupon_id"]
    assert coupon["usable"] is True
    assert coupon["pay_amount_fen"] == 8_800
    done = await put(till, prepared)
    assert (done.status, done.outcome) == (200, "redeemed"), done.body
    (row,) = await shop.ledger(issued["coupon_id"])
    assert (row["state"], row["pay_amount_fen"]) == ("spent", 8_800)


async def test_the_same_redemption_id_gets_the_same_answer_for_ever(shop: Shop, till: Till) -> None:
    issued = await shop.code()
    prepared = await till.scan(issued["code"])
    redemption_id = str(uuid4())
    first = await put(till, prepared, redemption_id=redemption_id)
    again = await put(till, prepared, redemption_id=redemption_id)
    assert first.status == 200
    assert first.raw == again.raw
    shown = await till.ask("GET", f"/v1/redemptions/{redemption_id}")
    assert shown.body["outcome"] == "redeemed"
    other = await put(till, prepared, redemption_id=redemption_id, times=2)
    assert (other.status, other.reason) == (409, "redemption_id_reused")


async def test_64_terminals_race_and_one_wins(shop: Shop, world: World) -> None:
    issued = await shop.code()
    tills = await gather(*(world.till() for _ in range(8)))
    scans = await gather(*(till.scan(issued["code"]) for till in tills * 8))
    answers = await gather(
        *(put(till, prepared) for till, prepared in zip(tills * 8, scans, strict=True))
    )
    outcomes = [answer.outcome for answer in answers]
    assert outcomes.count("redeemed") == 1
    losers = [answer for answer in answers if answer.outcome != "redeemed"]
    assert {answer.reason for answer in losers} == {"already_redeemed"}
    assert all(answer.body["claim"]["redeemed_at"] for answer in losers)
    assert len(await shop.ledger(issued["coupon_id"])) == 1


async def test_a_code_that_is_spent_says_when_and_where(shop: Shop, till: Till) -> None:
    issued = await shop.code()
    await spend(till, issued["code"])
    again = await till.scan(issued["code"])
    assert (again.status, again.reason) == (409, "already_redeemed")
    assert again.body["claim"]["store_name"] == "人民广场店"


async def test_a_slip_of_the_finger_is_told(shop: Shop, till: Till) -> None:
    code = (await shop.code())["code"]
    wrong = code[:5] + ("7" if code[5] != "7" else "8") + code[6:]
    answer = await till.scan(wrong.lower())
    assert (answer.status, answer.reason) == (409, "code_mistyped")
    assert "one character is wrong" in answer.body["detail"]
    typed = f" {code[:4].lower()}-{code[4:8]} {code[8:]}".replace("0", "o").replace("1", "l")
    assert (await till.scan(typed)).status == 200


async def test_rules_of_the_product_are_those_of_the_day_of_sale(shop: Shop, world: World) -> None:
    here, there = world.stores.values()
    await shop.sell("only-here", store_ids=[here])
    code = (await shop.code(third_sku_id="only-here"))["code"]
    elsewhere = await world.till(OTHER_POI)
    prepared = await elsewhere.scan(code)
    assert prepared.body["coupons"][0]["reason"] == "wrong_store"
    refused = await put(elsewhere, prepared)
    assert (refused.status, refused.reason) == (409, "wrong_store")
    assert (await spend(await world.till(), code)).status == 200
    assert there


async def test_a_term_that_is_over_is_told(shop: Shop, till: Till) -> None:
    over = await shop.code(valid_to="2026-01-01T00:00:00+08:00")
    early = await shop.code(valid_from="2036-01-01T00:00:00+08:00")
    ticket = await shop.code(kind="ticket", day="2036-01-01", slot="10:00-12:00")
    reasons = []
    for issued in (over, early, ticket):
        prepared = await till.scan(issued["code"])
        reasons.append((await put(till, prepared)).reason)
    assert reasons == ["expired", "not_yet_valid", "wrong_slot"]


async def test_a_card_is_spent_use_by_use_and_several_at_once(shop: Shop, till: Till) -> None:
    await shop.sell("card-10", kind=ProductKind.TIMES_CARD, times=10)
    issued = await shop.code(third_sku_id="card-10", kind="times_card", pay_amount_fen=9_999)
    first = await spend(till, issued["code"])
    assert first.body["coupons"][0]["times_left"] == 9
    three = await spend(till, issued["code"], times=3)
    assert three.body["coupons"][0]["times_left"] == 6
    too_many = await spend(till, issued["code"], times=7)
    assert (too_many.status, too_many.reason) == (409, "times_used_up")
    last = await spend(till, issued["code"], times=6)
    assert last.status == 200
    rows = await shop.ledger(issued["coupon_id"])
    assert sorted(row["use_no"] for row in rows) == list(range(1, 11))
    assert sum(row["pay_amount_fen"] for row in rows) == 9_999
    none = await till.scan(issued["code"])
    assert none.body["coupons"][0]["reason"] == "times_used_up"


async def test_a_card_keeps_its_daily_limit_while_many_race(shop: Shop, world: World) -> None:
    await shop.sell("card-day", kind=ProductKind.TIMES_CARD, times=10, uses_per_day=2)
    issued = await shop.code(third_sku_id="card-day", kind="times_card")
    till = await world.till()
    scans = await gather(*(till.scan(issued["code"]) for _ in range(16)))
    answers = await gather(*(put(till, prepared) for prepared in scans))
    assert [answer.outcome for answer in answers].count("redeemed") == 2
    refused = {answer.reason for answer in answers if answer.outcome == "refused"}
    assert refused == {"used_up_today"}
    await shop.age(issued["coupon_id"], seconds=86_400)
    assert (await spend(till, issued["code"])).status == 200


async def test_unknown_codes_and_those_of_others_are_answered_alike(
    shop: Shop, till: Till, world: World
) -> None:
    other = Shop(world, merchant="other-merchant")
    foreign = await other.issue()
    assert foreign.status == 200
    answers = [await till.scan(foreign.body["codes"][0]["code"]), await till.scan(unknown_code())]
    assert {(each.status, each.reason) for each in answers} == {(409, "code_unknown")}
    assert len({each.raw for each in answers}) == 1


async def test_who_guesses_is_slowed_down_even_all_at_once(world: World) -> None:
    till = await world.till()
    answers = await gather(*(till.scan(unknown_code()) for _ in range(40)))
    reasons = [answer.reason for answer in answers]
    assert reasons.count("code_unknown") == 10
    assert reasons.count("too_many_attempts") == 30
    late = await till.scan(unknown_code())
    assert (late.status, late.headers["Retry-After"]) == (429, "60")


async def test_a_beginning_that_many_guess_is_closed_to_all(world: World, shop: Shop) -> None:
    async with world.worker(
        redemption_wrong_codes_per_prefix=3, redemption_wrong_codes_per_store=1_000
    ) as url:
        code = (await shop.code())["code"]
        tills = [await world.till(url=url) for _ in range(5)]
        answers = [
            await each.scan(guess) for each, guess in zip(tills, guesses(code, 5), strict=True)
        ]
        reasons = [answer.reason for answer in answers]
        assert reasons == ["code_unknown"] * 3 + ["too_many_attempts"] * 2
        real = await (await world.till(url=url)).scan(code)
        assert real.reason == "too_many_attempts"


def unknown_code() -> str:
    return new_code().value


def guesses(code: str, number: int) -> list[str]:
    """Codes with the same beginning and a right check character."""
    endings = (code[8:14] + each for each in ALPHABET if each != code[14])
    found = [code[:8] + ending for ending in endings]
    return [each + check_character(each) for each in found[:number]]
