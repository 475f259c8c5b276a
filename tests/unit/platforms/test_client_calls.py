"""What each call sends and how its answer reads, over real HTTP."""

from datetime import UTC, datetime
from typing import Any

import pytest

from shared.contracts.orders import CouponState
from shared.platforms.answers import CouponKind, CouponToVerify, Outcome
from shared.platforms.douyin.client import OrderToVerify
from shared.platforms.outcomes import Retry
from shared.platforms.reasons import Reason
from shared.platforms.scans import EncryptedData, TypedCode
from tests.unit.platforms.answering import NOW, answering, client_of, envelope

CODE = "CgwIARDhJxjLLyABKAESLgosRSH/OAfU5+MZ9y0u3l=="
AT = datetime.fromtimestamp(NOW, UTC)
CERTIFICATE = {
    "certificate_id": 7382420130108424203,
    "encrypted_code": CODE,
    "status": 1,
    "start_time": NOW - 100,
    "expire_time": str(NOW + 100),
    "sku": {"title": "双人餐", "groupon_type": 3, "account_id": "77", "sku_id": "1"},
    "amount": {"original_amount": 2990, "pay_amount": "1990"},
    "time_card": {"times_count": 5, "times_used": 2},
}


def prepared(**members: Any) -> dict[str, Any]:
    return {"verify_token": "vt", "order_id": "o1", **members}


async def test_prepare_sends_the_code_unharmed_and_reads_the_coupons() -> None:
    async with (
        answering(envelope(prepared(certificates=[CERTIFICATE]))) as platform,
        client_of(platform.url) as client,
    ):
        found = await client.prepare(EncryptedData(CODE), poi_id="p1", account_id="77")
        await client.prepare(TypedCode("102539929601"), poi_id="p1")
    first, second = platform.asked
    assert first.path == "/goodlife/v1/fulfilment/certificate/prepare/"
    assert first.query == {"encrypted_data": CODE, "poi_id": "p1"}
    assert first.headers["access-token"] == "token-0"
    assert first.headers["rpc-transit-life-account"] == "77"
    assert second.query == {"code": "102539929601", "poi_id": "p1"}
    assert "rpc-transit-life-account" not in second.headers

    assert (found.verify_token, found.order_id, found.now) == ("vt", "o1", AT)
    (coupon,) = found.coupons
    assert coupon.coupon_id == "7382420130108424203"
    assert coupon.encrypted_code == CODE
    assert (coupon.state, coupon.kind) == (CouponState.AVAILABLE, CouponKind.TIMES_CARD)
    assert (coupon.original_amount_fen, coupon.pay_amount_fen) == (2990, 1990)
    assert (coupon.times_total, coupon.times_used) == (5, 2)
    assert coupon.expires_at == datetime.fromtimestamp(NOW + 100, UTC)
    assert coupon.usable


async def test_the_newer_list_of_coupons_goes_first_unless_it_is_empty() -> None:
    newer = {**CERTIFICATE, "certificate_id": "new"}
    answers = (
        envelope(prepared(certificates=[CERTIFICATE], certificates_v2=[newer])),
        envelope(prepared(certificates=[CERTIFICATE], certificates_v2=[])),
        envelope(prepared(certificates=[CERTIFICATE], certificates_v2=None)),
        envelope(prepared(certificates=None)),
    )
    async with answering(*answers) as platform, client_of(platform.url) as client:
        found = [await client.prepare(TypedCode("1"), poi_id="p1") for _ in answers]
    assert [[coupon.coupon_id for coupon in each.coupons] for each in found] == [
        ["new"],
        ["7382420130108424203"],
        ["7382420130108424203"],
        [],
    ]


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({}, None),
        ({"status": 2}, Reason.ALREADY_REDEEMED),
        ({"status": 3}, Reason.REFUND_IN_PROGRESS),
        ({"status": 4}, Reason.ALREADY_REFUNDED),
        ({"status": 5}, None),
        ({"status": 99}, None),
        ({"expire_time": NOW - 1}, Reason.EXPIRED),
        ({"expire_time": (NOW - 1) * 1000}, Reason.EXPIRED),
        ({"start_time": NOW + 1}, Reason.NOT_YET_VALID),
        ({"time_card": {"times_count": 5, "times_used": 5}}, Reason.TIMES_USED_UP),
        ({"time_card": {"times_count": 0, "times_used": 0}}, None),
        ({"not_available_time_info": {"fulfil_enable": False}}, Reason.NOT_TODAY),
        ({"not_available_time_info": {"fulfil_enable": True}}, None),
        ({"status": 4, "expire_time": NOW - 1}, Reason.ALREADY_REFUNDED),
        ({"expire_time": 0, "start_time": None, "sku": None, "amount": None}, None),
    ],
)
async def test_a_coupon_says_what_speaks_against_it(
    members: dict[str, Any], reason: Reason | None
) -> None:
    answer = envelope(prepared(certificates=[CERTIFICATE | members]))
    async with answering(answer) as platform, client_of(platform.url) as client:
        (coupon,) = (await client.prepare(TypedCode("1"), poi_id="p1")).coupons
    assert coupon.reason is reason
    assert coupon.usable == (reason is None)


ONE = CouponToVerify("c1", "code-1")
TWO = CouponToVerify("c2", "code-2")


async def test_verify_sends_the_token_and_answers_per_coupon_in_the_order_asked() -> None:
    results = [
        {"result": 1241, "msg": "次数不足", "code": "code-2"},
        {"result": 0, "msg": "验券成功", "code": "other", "certificate_id": "c1", "verify_id": 9},
    ]
    async with (
        answering(envelope({"verify_results": results})) as platform,
        client_of(platform.url) as client,
    ):
        answer = await client.verify(
            verify_token="vt",
            poi_id="p1",
            coupons=[ONE, TWO],
            order_id="o1",
            account_id="77",
        )
    assert platform.asked[0].path == "/goodlife/v1/fulfilment/certificate/verify/"
    assert platform.asked[0].body == {
        "verify_token": "vt",
        "poi_id": "p1",
        "encrypted_codes": ["code-1", "code-2"],
        "order_id": "o1",
        "account_id": "77",
    }
    first, second = answer.coupons
    assert (first.coupon_id, first.outcome, first.verify_id) == ("c1", Outcome.DONE, "9")
    assert (first.already, first.reason) == (False, None)
    assert (second.coupon_id, second.outcome) == ("c2", Outcome.REFUSED)
    assert (second.reason, second.code) == (Reason.TIMES_USED_UP, 1241)


@pytest.mark.parametrize("result", [1208, 2])
async def test_already_redeemed_is_success_only_when_asked_again(result: int) -> None:
    answer = envelope({"verify_results": [{"result": result, "certificate_id": "c1"}]})
    async with answering(answer) as platform, client_of(platform.url) as client:
        first = await client.verify(verify_token="vt", poi_id="p", coupons=[ONE])
        again = await client.verify(verify_token="vt", poi_id="p", coupons=[ONE], repeated=True)
    assert first.coupons[0].outcome is Outcome.REFUSED
    assert first.coupons[0].reason is Reason.ALREADY_REDEEMED
    assert first.coupons[0].already
    assert again.coupons[0].outcome is Outcome.DONE
    assert again.coupons[0].already
    assert again.coupons[0].reason is None


@pytest.mark.parametrize(
    "results",
    [[], None, [{"result": 0, "certificate_id": "another", "code": "x"}], [{"result": 424242}]],
)
async def test_a_coupon_without_a_clear_answer_is_unknown(results: Any) -> None:
    answer = envelope({"verify_results": results})
    async with answering(answer) as platform, client_of(platform.url) as client:
        verified = await client.verify(verify_token="vt", poi_id="p", coupons=[ONE])
    assert [coupon.outcome for coupon in verified.coupons] == [Outcome.UNKNOWN]


async def test_a_refused_coupon_without_any_name_is_told_by_its_place() -> None:
    results = [{"result": 1212}, {"result": 0, "certificate_id": "c2", "verify_id": "9"}]
    async with (
        answering(envelope({"verify_results": results})) as platform,
        client_of(platform.url) as client,
    ):
        answer = await client.verify(verify_token="v", poi_id="p", coupons=[ONE, TWO])
    assert [coupon.reason for coupon in answer.coupons] == [Reason.CODE_UNKNOWN, None]


async def test_batch_verify_takes_a_failure_as_undecided() -> None:
    results = [{"result": 0, "certificate_id": "c1"}, {"result": 1212, "certificate_id": "c2"}]
    async with (
        answering(envelope({"verify_results": results})) as platform,
        client_of(platform.url) as client,
    ):
        answer = await client.batch_verify(
            poi_id="p1",
            orders=[OrderToVerify("v1", (ONE,), "o1"), OrderToVerify("v2", (TWO,))],
        )
    assert platform.asked[0].body == {
        "poi_id": "p1",
        "certificate_batch_verify_list": [
            {"verify_token": "v1", "encrypted_codes": ["code-1"], "order_id": "o1"},
            {"verify_token": "v2", "encrypted_codes": ["code-2"]},
        ],
    }
    assert [coupon.outcome for coupon in answer.coupons] == [Outcome.DONE, Outcome.UNKNOWN]


async def test_cancel_sends_what_verify_gave() -> None:
    async with answering(envelope()) as platform, client_of(platform.url) as client:
        answer = await client.cancel(
            verify_id="9", coupon_id="c1", cancel_token="ct", order_id="o1", account_id="77"
        )
    assert platform.asked[0].body == {
        "verify_id": "9",
        "certificate_id": "c1",
        "cancel_token": "ct",
        "shop_order_id": "o1",
        "account_id": "77",
    }
    assert [(each.verify_id, each.outcome) for each in answer.coupons] == [("9", Outcome.DONE)]


async def test_cancel_batch_answers_for_each_redemption() -> None:
    results = [{"verify_id": 8, "result_code": 0}, {"verify_id": "9", "result_code": 424242}]
    async with (
        answering(envelope({"cancel_results": results})) as platform,
        client_of(platform.url) as client,
    ):
        answer = await client.cancel_batch(order_id="o1", verify_ids=["9", "8"], cancel_token="ct")
    assert platform.asked[0].body == {
        "verify_id": "0",
        "certificate_id": "0",
        "cancel_token": "ct",
        "batch_cancel_info": {"order_id": "o1", "verify_id_list": ["9", "8"]},
    }
    assert [(each.verify_id, each.outcome) for each in answer.coupons] == [
        ("9", Outcome.UNKNOWN),
        ("8", Outcome.DONE),
    ]


async def test_certificate_get_reads_milliseconds_and_both_spellings() -> None:
    used = {
        "status": 2,
        "expire_time": (NOW + 100) * 1000,
        "verify": {
            "certificate_id": "c1",
            "verify_id": "9",
            "verify_time": NOW * 1000,
            "can_cancel": True,
        },
    }
    answers = (envelope({"certificate": used}), envelope({"certificate_v_2": used}))
    async with answering(*answers) as platform, client_of(platform.url) as client:
        for _ in answers:
            coupon = await client.certificate_get(CODE)
            assert (coupon.coupon_id, coupon.verify_id) == ("c1", "9")
            assert coupon.verified_at == AT
            assert coupon.can_cancel
            assert coupon.state is CouponState.REDEEMED
    assert platform.asked[0].query == {"encrypted_code": CODE}


async def test_certificate_query_asks_by_order_or_by_code() -> None:
    answer = envelope({"certificates_v_2": [CERTIFICATE, {**CERTIFICATE, "status": 2}]})
    async with answering(answer) as platform, client_of(platform.url) as client:
        found = await client.certificate_query(order_id="o1", account_id="77")
        await client.certificate_query(encrypted_code=CODE)
    assert [asked.query for asked in platform.asked] == [
        {"order_id": "o1", "account_id": "77"},
        {"encrypted_code": CODE},
    ]
    assert [coupon.state for coupon in found.coupons] == [
        CouponState.AVAILABLE,
        CouponState.REDEEMED,
    ]
    assert found.now == AT


async def test_an_answer_without_what_it_must_hold_is_malformed() -> None:
    answer = envelope({"order_id": "o1"})
    async with answering(answer) as platform, client_of(platform.url) as client:
        with pytest.raises(Retry, match="malformed at verify_token"):
            await client.prepare(TypedCode("1"), poi_id="p")
