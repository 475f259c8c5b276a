"""What a refusal tells, and how long a message may have been on its way."""

from datetime import timedelta
from typing import Any, cast

import pytest

from services.intake.domain.apps import App, AppKind, Secret
from services.intake.domain.deliveries import Delivery
from services.intake.handlers.directory import Directory
from services.intake.handlers.receiving import Receiver, Unsigned
from shared.clock import utc_now
from shared.ids import new_id
from shared.platforms.douyin.adapter import Douyin
from shared.platforms.douyin.signatures import sign_webhook


class CountingDouyin(Douyin):
    """Counts the secrets that were tried."""

    def __init__(self) -> None:
        self.tried = 0

    def verify_webhook(self, headers: Any, raw: bytes, secrets: Any) -> bool:
        self.tried += len(secrets)
        return super().verify_webhook(headers, raw, secrets)


class OneApp:
    """The directory of a single application."""

    def __init__(self, *values: str) -> None:
        secrets = [Secret(new_id(), value, utc_now(), None) for value in values]
        self._app = App(
            client_key="aw", platform="douyin", merchant="m1", kind=AppKind.LIFE, secrets=secrets
        )

    def app(self, client_key: str) -> App | None:
        return self._app if client_key == "aw" else None

    def merchant_of(self, app: App, _account_id: str | None) -> str:
        return app.merchant


def receiver(*secrets: str) -> Receiver:
    return Receiver(cast("Directory", OneApp(*secrets)), timedelta(hours=1))


def test_a_refusal_tries_as_many_secrets_whether_or_not_there_is_an_application() -> None:
    tried = []
    for secrets, client_key in (((), "aw"), (("a",), "aw"), (("a", "b"), "aw"), (("a",), "none")):
        platform = CountingDouyin()
        with pytest.raises(Unsigned):
            receiver(*secrets).receive(platform, client_key, {}, b"{}")
        tried.append(platform.tried)
    assert tried == [2, 2, 2, 2]


@pytest.mark.parametrize(
    ("age", "late"),
    [(timedelta(0), False), (timedelta(minutes=59), False), (timedelta(minutes=61), True)],
)
def test_a_message_older_than_retries_explain_is_late(age: timedelta, *, late: bool) -> None:
    sent_at = int((utc_now() - age).timestamp())
    raw = f'{{"event":"x","content":{{"msg_time":{sent_at}}}}}'.encode()
    headers = {"X-Douyin-Signature": sign_webhook(raw, "a")}
    delivery = receiver("a").receive(Douyin(), "aw", headers, raw)
    assert isinstance(delivery, Delivery)
    assert delivery.late is late
