"""How often the platform asks again, and which answers it can read."""

import pytest

from services.simulator.domain.questions import (
    Action,
    Form,
    Reply,
    read_spi,
    read_trade,
    retries,
    retry_delay,
)

HOURS = 3600


@pytest.mark.parametrize(
    ("form", "action", "version", "schedule"),
    [
        (Form.SPI, Action.ISSUE_CODES, "", [10, 30, 60, 120, 120, 240]),
        (Form.SPI, Action.REFUND_NOTICE, "", [60, 60, 60]),
        (Form.SPI, Action.PRE_CREATE, "", []),
        (Form.SPI, Action.ORDER_STATUS, "", []),
        (
            Form.TRADE,
            Action.PAYMENT,
            "3.0",
            [15, 30, 60, 120, 240, 480, 960, 1920, 3840, 7680],
        ),
        (
            Form.ECPAY,
            Action.PAYMENT,
            "ecpay",
            [
                *(15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600),
                *(3 * HOURS, 3 * HOURS, 3 * HOURS, 6 * HOURS, 6 * HOURS),
            ],
        ),
    ],
)
def test_the_schedules_are_the_documented_ones(
    form: Form, action: Action, version: str, schedule: list[int]
) -> None:
    assert [*retries(form, action, version)] == schedule


def test_the_industry_protocol_tries_twenty_times_more() -> None:
    schedule = retries(Form.TRADE, Action.PAYMENT, "2.0")

    assert (len(schedule), schedule[0], schedule[12], schedule[19]) == (20, 2, 8192, 5 * HOURS)


def test_refunds_are_asked_about_until_the_platform_decides_by_itself() -> None:
    assert sum(retries(Form.SPI, Action.REFUND_APPLY, "")) == 72 * HOURS
    assert sum(retries(Form.TRADE, Action.PRE_CREATE_REFUND, "2.0")) == 72 * HOURS


def test_waiting_is_scaled_and_ends_with_the_schedule() -> None:
    def delay(attempts: int) -> float | None:
        return retry_delay(Form.SPI, Action.ISSUE_CODES, "", attempts=attempts, scale=0.1)

    assert [delay(attempts) for attempts in (1, 6, 7)] == [1, 24, None]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"data": []}',
        b'{"data": {"error_code": "0"}}',
        b'{"data": {"error_code": true}}',
        b'{"data": {"error_code": -1}}',
        b'{"data": {"error_code": 1000000}}',
    ],
)
def test_an_answer_without_a_number_is_none(body: bytes) -> None:
    assert read_spi(Reply(200, body, None)).error_code is None


def test_only_a_good_status_answers() -> None:
    body = b'{"data": {"error_code": 0, "result": 1}}'

    assert read_spi(Reply(200, body, None)).data["result"] == 1
    assert read_spi(Reply(502, body, None)).error_code is None
    assert read_spi(Reply(None, b"", "TimeoutError")).error_code is None


def test_mini_programs_acknowledge_by_err_no() -> None:
    assert read_trade(Reply(200, b'{"err_no": 0, "err_tips": "success"}', None)).error_code == 0
    assert read_trade(Reply(200, b'{"err_no": 1}', None)).error_code == 1
    assert read_trade(Reply(200, b"ok", None)).error_code is None
