"""What a platform sees of intake: signatures, limits, answers."""

from tests.integration.intake.support import SUCCESS, IntakeUnderTest, a_webhook


async def test_a_signed_webhook_becomes_a_row_and_an_event(intake: IntakeUnderTest) -> None:
    answer = await intake.send(a_webhook(), msg_id="m-1")
    assert (answer.status, answer.body) == (200, SUCCESS)
    (row,) = await intake.fetch("SELECT delivery_id, msg_id, merchant FROM deliveries")
    await intake.until_published()
    (event,) = await intake.events("qiao.v1.yihetang.platform.life_trade_order_notify")
    assert event.id == row["delivery_id"]
    assert event.data["msg_id"] == row["msg_id"] == "m-1"
    assert event.data["content"]["action"] == "pay_success"
