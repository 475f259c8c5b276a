"""Times cards: each use is a redemption of its own, and each is taken back by itself."""

from uuid import uuid4

from tests.integration.simulator.support import (
    ACCOUNT,
    CERTIFICATE,
    POI,
    Client,
    Json,
    Receiver,
)
from tests.support.waiting import eventually, until

CARD = {"title": "瑜伽五次卡", "price_fen": 50_002, "groupon_type": 3, "times_count": 5}
VERIFY = f"{CERTIFICATE}/verify/"
CANCEL = f"{CERTIFICATE}/cancel/"


async def a_card(simulator: Client) -> Json:
    order = await simulator.order(sku=CARD)
    coupon: Json = order["coupons"][0]
    return coupon


async def in_books(simulator: Client, card: Json) -> Json:
    books = await simulator.control("GET", "books", limit="1000")
    found: Json = next(
        order
        for order in books["items"]
        if order["coupons"][0]["certificate_id"] == card["certificate_id"]
    )
    return found


async def use(simulator: Client, card: Json, times: int = 1, **changes: object) -> list[Json]:
    prepared = await simulator.prepare(card)
    code = prepared["certificates"][0]["encrypted_code"]
    body = {
        "verify_token": prepared["verify_token"],
        "poi_id": POI,
        "encrypted_codes": [code] * times,
        **changes,
    }
    answer = await simulator.data("POST", VERIFY, body)
    results: list[Json] = answer["verify_results"]
    return results


async def test_a_card_is_spent_use_by_use_and_then_it_is_used_up(
    simulator: Client, receiver: Receiver
) -> None:
    card = await a_card(simulator)

    first = (await use(simulator, card))[0]
    prepared = await simulator.prepare(card)

    assert first["result"] == 0
    shown = prepared["certificates"][0]
    assert (shown["time_card"]["times_count"], shown["time_card"]["times_used"]) == (5, 1)
    amounts = [one["amount"]["pay_amount"] for one in shown["time_card"]["serial_amount_list"]]
    assert amounts == [10_001, 10_001, 10_000, 10_000, 10_000]
    assert shown["verify"]["times_card_serial_num"] == 1
    more = await use(simulator, card, times=4)
    assert [one["result"] for one in more] == [0, 0, 0, 0]
    assert len({one["verify_id"] for one in [first, *more]}) == 5
    assert (await simulator.data("GET", f"{CERTIFICATE}/prepare/", code=card["code"], poi_id=POI))[
        "error_code"
    ] == 1208
    await until(lambda: receiver.actions().count("verify") == 5)
    order = await in_books(simulator, card)
    assert (order["state"], order["coupons"][0]["state"]) == ("redeemed", "redeemed")


async def test_more_uses_than_are_left_are_refused_one_by_one(simulator: Client) -> None:
    card = await a_card(simulator)

    results = await use(simulator, card, times=7)

    assert [one["result"] for one in results] == [0] * 5 + [1241] * 2


async def test_a_partly_used_card_is_partly_redeemed(simulator: Client) -> None:
    card = await a_card(simulator)
    await use(simulator, card, times=2)

    order = await in_books(simulator, card)

    assert (order["state"], order["order_status"]) == ("partly_redeemed", 201)
    coupon = order["coupons"][0]
    assert (coupon["state"], coupon["times_used"]) == ("available", 2)
    assert [one["serial"] for one in coupon["verifications"]] == [1, 2]


async def test_all_uses_are_spent_where_the_caller_wants_all(simulator: Client) -> None:
    card = await a_card(simulator)
    await use(simulator, card)
    prepared = await simulator.prepare(card)
    body = {
        "verify_token": prepared["verify_token"],
        "poi_id": POI,
        "encrypted_codes": [prepared["certificates"][0]["encrypted_code"]],
        "verify_extra": {"total_verify": True},
    }

    answer = await simulator.data("POST", VERIFY, body)
    again = await simulator.data("POST", VERIFY, body)

    assert [one["result"] for one in answer["verify_results"]] == [0] * 4
    assert again["verify_results"] == answer["verify_results"]


async def test_uses_are_named_by_their_number(simulator: Client) -> None:
    card = await a_card(simulator)
    code = (await simulator.prepare(card))["certificates"][0]["encrypted_code"]
    named = [{"code": code, "verify_time": "1700000000", "serial_num": 3}]

    results = await use(simulator, card, encrypted_codes=[], code_with_time_list=named)
    again = await use(simulator, card, encrypted_codes=[], code_with_time_list=named)

    amount = results[0]["verify_amount_info"]["times_card_serial_amount"]
    assert (amount["serial_numb"], again[0]["result"]) == (3, 1208)


async def test_one_use_is_taken_back_and_can_be_spent_again(
    simulator: Client, receiver: Receiver
) -> None:
    card = await a_card(simulator)
    results = await use(simulator, card, times=5)

    body = {"verify_id": results[1]["verify_id"], "certificate_id": card["certificate_id"]}
    answer = await simulator.data("POST", CANCEL, body)

    assert answer["cancel_results"][0]["result_code"] == 0
    assert (await in_books(simulator, card))["coupons"][0]["times_used"] == 4
    assert (await simulator.data("POST", CANCEL, body))["error_code"] == 1265
    assert (await use(simulator, card))[0]["result"] == 0
    await until(lambda: receiver.actions().count("verify_cancel") == 1)


async def test_the_latest_uses_are_taken_back_by_count(simulator: Client) -> None:
    card = await a_card(simulator)
    results = await use(simulator, card, times=3)
    body = {
        "verify_id": "0",
        "certificate_id": card["certificate_id"],
        "times_card_cancel_count": "2",
        "cancel_token": str(uuid4()),
    }

    answer = await simulator.data("POST", CANCEL, body)
    again = await simulator.data("POST", CANCEL, body)

    assert again["cancel_results"] == answer["cancel_results"]
    taken = {one["verify_id"] for one in answer["cancel_results"]}
    assert taken == {one["verify_id"] for one in results[1:]}
    assert (await in_books(simulator, card))["coupons"][0]["times_used"] == 1


async def test_the_rest_of_a_card_is_refunded_and_what_was_used_is_kept(
    simulator: Client,
) -> None:
    card = await a_card(simulator)
    await use(simulator, card, times=2)

    await simulator.control("POST", "refunds", {"certificate_ids": [card["certificate_id"]]})

    async def refunded() -> bool:
        state: str = (await in_books(simulator, card))["coupons"][0]["state"]
        return state == "refunded"

    await eventually(refunded)
    order = await in_books(simulator, card)
    money = [order[name] for name in ("paid_fen", "refunded_fen", "settled_fen")]
    assert money == [50_002, 30_000, 20_002]


async def test_each_use_is_a_record(simulator: Client) -> None:
    card = await a_card(simulator)
    await use(simulator, card, times=2)

    answer = await simulator.data("GET", f"{CERTIFICATE}/verify_record/query/", account_id=ACCOUNT)

    assert answer["total"] == 2
    serials = [
        one["verify_amount_info"]["times_card_serial_amount"]["serial_numb"]
        for one in answer["records"]
    ]
    assert sorted(serials) == [1, 2]
