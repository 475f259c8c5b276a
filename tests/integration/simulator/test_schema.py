"""The states of the schema are the states of the domain."""

import re
from enum import StrEnum

import asyncpg
import pytest

from services.simulator.domain.after_sales import AfterSaleState, Cause, DecidedBy
from services.simulator.domain.coupons import Channel, CodeOrigin, CouponState, OrderState
from services.simulator.domain.questions import Form, QuestionState
from services.simulator.domain.webhooks import Copy, WebhookState
from tests.conftest import NewDatabase


@pytest.mark.parametrize(
    ("constraint", "states"),
    [
        ("orders_state_check", OrderState),
        ("orders_channel_check", Channel),
        ("orders_code_origin_check", CodeOrigin),
        ("after_sales_state_check", AfterSaleState),
        ("after_sales_cause_check", Cause),
        ("after_sales_decided_by_check", DecidedBy),
        ("questions_form_check", Form),
        ("questions_state_check", QuestionState),
        ("coupons_state_check", CouponState),
        ("webhooks_state_check", WebhookState),
        ("webhooks_copy_check", Copy),
    ],
)
async def test_the_schema_knows_the_same_states(
    database: NewDatabase, constraint: str, states: type[StrEnum]
) -> None:
    conn = await asyncpg.connect(await database("simulator"))
    try:
        definition = await conn.fetchval(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = $1", constraint
        )
    finally:
        await conn.close()

    assert set(re.findall(r"'(\w+)'", definition)) == {*states}
