"""What an operator sees: one order followed through the log, and figures."""

import json
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.integration.redemption.platform import Json
from tests.integration.redemption.processes import a_service, environment_of
from tests.integration.redemption.support import Till, World


def lines(log: Path) -> Iterator[Json]:
    for line in log.read_text().splitlines():
        yield json.loads(line)


async def test_an_order_can_be_followed_through_the_log_and_no_code_is_in_it(
    world: World, tmp_path: Path
) -> None:
    order = await world.platform.order()
    (coupon,) = order["coupons"]
    redemption_id = str(uuid4())
    async with a_service("redemption", environment_of(world), folder=tmp_path) as worker:
        till = await world.till(url=worker.url)
        await till.redeem(coupon["code"], redemption_id)
        await till.scan(coupon["short_link"])
        await till.cancel(redemption_id)
        await till.redeem(coupon["short_link"])
    mine = [
        line
        for line in lines(worker.log)
        if line.get("order_id") == order["order_id"]
        and line["event"] in ("request_answered", "redemption_settled", "cancellation_settled")
    ]
    assert [(line["event"], line.get("route", "").rpartition("/")[2]) for line in mine] == [
        ("request_answered", "preparations"),
        ("redemption_settled", ""),
        ("request_answered", "{redemption_id}"),
        ("cancellation_settled", ""),
        ("request_answered", "cancel"),
        ("request_answered", "preparations"),
        ("redemption_settled", ""),
        ("request_answered", "{redemption_id}"),
    ]
    assert {tuple(line["coupon_ids"]) for line in mine} == {(coupon["certificate_id"],)}
    assert mine[1]["redemption_id"] == redemption_id
    assert all(len(line["trace"]) == 32 for line in mine)
    said = worker.log.read_text()
    short = coupon["short_link"].rstrip("/").rpartition("/")[2]
    for secret in (coupon["code"], short, till.token):
        assert secret not in said


@pytest.mark.parametrize(
    "metric",
    [
        'qiao_redemption_outcomes_total{outcome="redeemed",step="redeem"}',
        'qiao_redemption_outcomes_total{outcome="prepared",step="prepare"}',
        'qiao_redemption_refusals_total{reason="code_unknown",step="prepare"}',
        'qiao_redemption_platform_seconds_bucket{call="verify",ending="answered"',
        "qiao_redemption_quota_wait_seconds_bucket",
        "qiao_redemption_pending ",
        "qiao_redemption_pending_oldest_seconds ",
    ],
)
async def test_the_figures_are_there(world: World, till: Till, metric: str) -> None:
    (coupon,) = (await world.platform.order())["coupons"]
    await till.redeem(coupon["code"])
    await till.scan("123456789012345")
    async with world.session.get(f"{world.url}/metrics") as response:
        assert metric in await response.text()
