"""A redemption process killed in mid-stream: what it answered stands, the rest is settled."""

from pathlib import Path
from uuid import uuid4

import aiohttp

from tests.integration.redemption.ours import Shop, put
from tests.integration.redemption.processes import a_service, environment_of
from tests.integration.redemption.support import Answer, World, gather
from tests.support.waiting import eventually

COUPONS = 200


async def test_a_killed_process_leaves_each_coupon_spent_or_not_and_never_half(
    world: World, tmp_path: Path
) -> None:
    shop = Shop(world)
    issued = await shop.codes(coupons=COUPONS)
    till = await world.till()
    scans = await gather(*(till.scan(each["code"]) for each in issued))
    names = [str(uuid4()) for _ in issued]
    async with a_service("redemption", environment_of(world), folder=tmp_path) as service:
        elsewhere = await world.till(url=service.url)

        async def redeem(number: int) -> Answer | None:
            try:
                return await put(elsewhere, scans[number], redemption_id=names[number])
            except aiohttp.ClientError:
                return None

        async def some_are_spent() -> bool:
            rows = await world.fetch(
                "SELECT FROM redemptions WHERE redemption_id = ANY($1::text[]::uuid[])", names
            )
            return bool(rows)

        async def kill() -> None:
            await eventually(some_are_spent, what="the first commit")
            await service.kill()

        *answers, _ = await gather(*(redeem(number) for number in range(COUPONS)), kill())
    # The clerk's screen asks again under the same id, and gets what stands.
    again = await gather(*(put(till, scans[n], redemption_id=names[n]) for n in range(COUPONS)))
    assert {answer.outcome for answer in again} == {"redeemed"}
    for first, second in zip(answers, again, strict=True):
        assert first is None or first.raw == second.raw
    coupon_ids = [each["coupon_id"] for each in issued]
    for table, more in (("ledger", "state = 'spent'"), ("reports", "step = 'redeem'")):
        rows = await world.fetch(
            f"SELECT coupon_id FROM {table} WHERE coupon_id = ANY($1) AND {more}",  # noqa: S608
            coupon_ids,
        )
        assert sorted(row["coupon_id"] for row in rows) == sorted(coupon_ids), table
    said = await world.fetch(
        "SELECT payload FROM outbox WHERE subject LIKE '%coupon.redeemed' AND "
        "encode(payload, 'escape') LIKE ANY($1)",
        [f'%"coupon_id":"{coupon_id}"%' for coupon_id in coupon_ids],
    )
    assert len(said) == COUPONS
