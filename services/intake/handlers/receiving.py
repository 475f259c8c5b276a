"""From the bytes of a request to a delivery that may be stored, or to a refusal."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from services.intake.domain.deliveries import Delivery, make_delivery
from services.intake.handlers.directory import Directory
from shared.errors import Unauthorized, Unreadable
from shared.platforms.platform import Platform

# A refusal tries as many secrets as an application has at most in ordinary times: how long it
# takes does not tell whether there is such an application.
DUMMY_SECRETS = ("0" * 32, "0" * 32)


class Unsigned(Unauthorized):
    """The same words whether the application or the signature is wrong."""

    reason = "signature_invalid"

    def __init__(self) -> None:
        super().__init__("no live secret of this application signed these bytes")


class UnreadableBody(Unreadable):
    status = 400


@dataclass(frozen=True, slots=True)
class Receiver:
    directory: Directory
    late_after: timedelta

    def receive(
        self, platform: Platform, client_key: str, headers: Mapping[str, str], raw: bytes
    ) -> Delivery | bytes:
        """A delivery to store, or the answer to the platform's handshake.

        Raises Unsigned (401) or UnreadableBody (400). `headers` ignores case.
        """
        app = self.directory.app(client_key)
        known = app is not None and app.platform == platform.name
        secrets = app.live_secrets(time.time()) if app is not None and known else ()
        if app is None or not platform.verify_webhook(headers, raw, secrets):
            platform.verify_webhook(headers, raw, DUMMY_SECRETS[len(secrets) :])
            raise Unsigned
        try:
            webhook = platform.read_webhook(headers, raw)
            answer = platform.handshake_answer(webhook)
        except Unreadable as unreadable:
            raise UnreadableBody(str(unreadable)) from None
        if answer is not None:
            return answer
        account_id = platform.account_id(webhook.content)
        return make_delivery(
            app,
            platform,
            webhook,
            raw,
            merchant=self.directory.merchant_of(app, account_id),
            account_id=account_id,
            late_after=self.late_after,
        )
