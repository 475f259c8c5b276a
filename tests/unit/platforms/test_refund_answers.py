"""Which call a refund's answer becomes, by the door that the question came by."""

from typing import Any

import pytest

from shared.platforms.douyin.refunds import LIFE_PATH, TRADE_V2_PATH, TRADE_V3_PATH, _requests
from shared.platforms.outcomes import Refused
from shared.platforms.refunds import RefundVerdict
from shared.platforms.registry import platform_named


def requests(**changes: Any) -> list[tuple[str, dict[str, Any]]]:
    chosen: dict[str, Any] = {
        "after_sale_id": "733",
        "out_refund_id": "out-1",
        "channel": None,
        "allow": True,
    }
    return list(_requests(RefundVerdict(**chosen | changes)))


def test_all_coupons_allowed_are_one_call() -> None:
    [(path, body)] = requests(allowed=("c1", "c2"))
    assert path == LIFE_PATH
    assert body == {
        "after_sale_id": "733",
        "certificate": [{"certificate_id": "c1"}, {"certificate_id": "c2"}],
        "result": 1,
    }


def test_a_refusal_gives_the_buyer_words() -> None:
    [(_, body)] = requests(allow=False, refused=("c1",), words="已使用")
    assert (body["result"], body["reason"], body["certificate_id"]) == (2, "已使用", "c1")


def test_some_allowed_and_some_refused_are_two_calls() -> None:
    first, second = requests(allowed=("c1",), refused=("c2",))
    assert (first[1]["certificate_id"], first[1]["result"]) == ("c2", 2)
    assert (second[1]["certificate_id"], second[1]["result"]) == ("c1", 1)


@pytest.mark.parametrize(("allow", "result"), [(True, 1), (False, 2)])
def test_a_whole_order_is_one_call_that_names_no_coupon(allow: bool, result: int) -> None:  # noqa: FBT001
    [(_, body)] = requests(allow=allow)
    assert (body["certificate"], body["result"]) == ([], result)


def test_the_trade_systems_are_told_by_the_number_that_each_knows() -> None:
    [(path, body)] = requests(channel="trade_v3", allowed=("c1",))
    assert (path, body) == (TRADE_V3_PATH, {"refund_id": "733", "refund_audit_status": 1})
    [(path, body)] = requests(channel="trade_v2", allow=False, words="已使用")
    assert path == TRADE_V2_PATH
    assert body == {"out_refund_no": "out-1", "refund_audit_status": 2, "deny_message": "已使用"}


def test_only_the_life_services_take_an_answer_coupon_by_coupon() -> None:
    douyin = platform_named("douyin")
    assert douyin.splits_refunds(None)
    assert not douyin.splits_refunds("trade_v3")
    with pytest.raises(Refused):
        requests(channel="trade_v3", allowed=("c1",), refused=("c2",))
