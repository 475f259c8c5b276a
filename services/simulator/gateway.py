"""Posts webhooks to their receivers; connections are kept open between them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp

from services.simulator.domain.webhooks import Copy
from shared.platforms.douyin.signatures import WEBHOOK_HEADER, sign_webhook

_ANSWER_BYTES_MAX = 64 * 1024
_FORGER_SECRET = "guessed"  # noqa: S105 - the secret of somebody who does not know the secret


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, or why nothing did."""

    status: int | None
    body: bytes
    error: str | None


class WebhookPoster:
    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def post(
        self, *, url: str, body: str, msg_id: str, secret: str, copy: Copy = Copy.TRUE
    ) -> Answer:
        """Send once. Whatever goes wrong is an answer too."""
        raw = body.encode()
        headers = {
            "Content-Type": "application/json",
            WEBHOOK_HEADER: sign_webhook(raw, _FORGER_SECRET if copy is Copy.FORGED else secret),
        }
        if msg_id:
            headers["Msg-Id"] = msg_id
        try:
            async with self._session.post(
                url, data=raw, headers=headers, allow_redirects=False
            ) as response:
                return Answer(response.status, await response.content.read(_ANSWER_BYTES_MAX), None)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return Answer(None, b"", type(error).__name__)


@asynccontextmanager
async def posting(*, timeout_seconds: float, connections: int) -> AsyncIterator[WebhookPoster]:
    connector = aiohttp.TCPConnector(limit=connections, keepalive_timeout=60)
    timeout = aiohttp.ClientTimeout(total=timeout_seconds)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        yield WebhookPoster(session)
