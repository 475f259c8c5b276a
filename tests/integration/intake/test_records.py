"""Looking deliveries up: lists, gaps, counts, and the audited reveal."""

import asyncio
from datetime import timedelta
from uuid import uuid4

from shared.clock import utc_now
from tests.integration.intake.support import CLIENT_KEY, MERCHANT, IntakeUnderTest, a_webhook
from tests.integration.intake.test_apps import merchant_token
from tests.support.access import Access
from tests.support.waiting import eventually


async def test_deliveries_are_listed_newest_first_page_by_page(intake: IntakeUnderTest) -> None:
    for number in range(7):
        await intake.send(a_webhook(), msg_id=f"m-{number}")
    seen, path = [], "/v1/deliveries?limit=3"
    while path:
        body = (await intake.call("GET", path)).body
        seen += [row["msg_id"] for row in body["items"]]
        cursor = body["next_cursor"]
        path = f"/v1/deliveries?limit=3&cursor={cursor}" if cursor else ""
    assert seen == [f"m-{number}" for number in reversed(range(7))]


async def test_deliveries_are_found_by_event_application_and_time(intake: IntakeUnderTest) -> None:
    await intake.send(a_webhook("life_member_join"), msg_id="join")
    await intake.send(a_webhook(), msg_id="order")
    hour = timedelta(hours=1)
    ago, ahead = [(utc_now() + shift).strftime("%Y-%m-%dT%H:%M:%SZ") for shift in (-hour, hour)]
    wanted = {
        "event=life_member_join": ["join"],
        f"client_key={CLIENT_KEY}": ["order", "join"],
        "client_key=other": [],
        f"from={ago}&to={ahead}": ["order", "join"],
        f"from={ahead}": [],
        f"to={ago}": [],
        f"merchant={MERCHANT}&event=life_trade_order_notify": ["order"],
    }
    found = {
        query: [
            row["msg_id"]
            for row in (await intake.call("GET", f"/v1/deliveries?{query}")).body["items"]
        ]
        for query in wanted
    }
    assert found == wanted


async def test_one_delivery_shows_when_it_came_and_whether_it_was_published(
    intake: IntakeUnderTest,
) -> None:
    raw = a_webhook()
    await intake.send(raw, msg_id="m-1")
    await intake.until_published()
    (listed,) = (await intake.call("GET", "/v1/deliveries")).body["items"]
    shown = (await intake.call("GET", f"/v1/deliveries/{listed['delivery_id']}")).body
    assert shown == listed
    assert (shown["body_bytes"], shown["published"], shown["late"]) == (len(raw), True, True)
    assert (await intake.call("GET", f"/v1/deliveries/{uuid4()}")).status == 404


async def test_a_reveal_gives_the_body_as_it_came_and_says_who_looked(
    intake: IntakeUnderTest, access: Access
) -> None:
    raw = a_webhook("life_member_join", mobile="13812345678")
    await intake.send(raw)
    (row,) = (await intake.call("GET", "/v1/deliveries")).body["items"]
    path = f"/v1/deliveries/{row['delivery_id']}/reveal"
    revealed = await intake.call("POST", path)
    assert revealed.body["body"] == raw.decode()
    assert revealed.headers["Cache-Control"] == "no-store"
    await intake.until_published()
    (event,) = await intake.events("qiao.v1.*.intake.delivery_revealed")
    assert event.data["revealed_by"] == "client:operator"
    reader = await merchant_token(access, MERCHANT, ["deliveries:read"])
    assert (await intake.call("POST", path, token=reader)).status == 403
    stranger = await merchant_token(access, "chabaidao", ["deliveries:read", "deliveries:reveal"])
    assert (await intake.call("POST", path, token=stranger)).status == 404
    assert (await intake.call("GET", "/v1/deliveries", token=stranger)).body["items"] == []


async def test_what_never_came_is_told_from_what_did(intake: IntakeUnderTest) -> None:
    await intake.send(a_webhook(), msg_id="came")
    body = {"client_key": CLIENT_KEY, "msg_ids": ["lost-2", "came", "lost-1"]}
    answer = await intake.call("POST", "/v1/deliveries/missing", body)
    assert answer.body == {"missing": ["lost-2", "lost-1"]}
    too_many = {"client_key": CLIENT_KEY, "msg_ids": [str(number) for number in range(1001)]}
    assert (await intake.call("POST", "/v1/deliveries/missing", too_many)).status == 422
    other = {"client_key": "other", "msg_ids": ["came"]}
    assert (await intake.call("POST", "/v1/deliveries/missing", other)).status == 404


async def test_an_applications_day_is_counted(intake: IntakeUnderTest) -> None:
    raw = a_webhook()
    await intake.send(raw, msg_id="m-1")
    await intake.send(raw, msg_id="m-1")
    await intake.send(a_webhook(), msg_id="m-1")
    await intake.send(a_webhook(), secret="wrong secret")

    async def is_counted() -> bool:
        (row,) = (await intake.call("GET", "/v1/deliveries/counts")).body["items"]
        counted = [row[name] for name in ("accepted", "duplicates", "conflicts", "refused")]
        return counted == [1, 1, 1, 1] and row["silence_seconds"] < 30

    await eventually(is_counted, what="one of each")


async def test_metrics_tell_of_work_and_silence(intake: IntakeUnderTest) -> None:
    await asyncio.gather(*(intake.send(a_webhook()) for _ in range(5)))

    async def are_told() -> bool:
        text = (await intake.ask("GET", "/metrics")).body
        return all(
            name in text
            for name in (
                f'qiao_intake_accepted_total{{client_key="{CLIENT_KEY}"}}',
                f'qiao_intake_silence_seconds{{client_key="{CLIENT_KEY}"}}',
                "qiao_intake_queue_depth",
                "qiao_intake_batch_size_bucket",
                "qiao_intake_commit_seconds_bucket",
                "qiao_intake_pending",
            )
        )

    await eventually(are_told, what="the metrics of intake")
