"""One enrolled terminal: asks as a till does, the same question again until it is answered."""

import asyncio
from typing import Any
from uuid import UUID

import aiohttp

from deploy.cli.simulation.persistence import persist
from deploy.cli.terminal_key import TerminalKey
from shared.errors import Rejection, Unavailable
from shared.web.client import call

_UNAUTHORIZED = 401
_TOO_MANY = 429
_RENEW_BEFORE_SECONDS = 60.0
_POLL_SECONDS = 0.5


class Till:
    """Raises Rejection for a refusal; everything else is asked again."""

    def __init__(self, key: TerminalKey, session: aiohttp.ClientSession) -> None:
        self.key = key
        self._session = session
        self._lock = asyncio.Lock()
        self._token = ""
        self._renew_at = 0.0

    async def prepare(self, scan: str) -> dict[str, Any]:
        """Any, here and below: the JSON of the answer."""
        return await self._ask("POST", "/v1/preparations", {"scan": scan})

    async def redeem(
        self, redemption_id: UUID, preparation_id: str, coupon_ids: list[str]
    ) -> dict[str, Any]:
        """Redeemed, or a Rejection; a pending one is looked at until it is settled."""
        path = f"/v1/redemptions/{redemption_id}"
        body = {"preparation_id": preparation_id, "coupon_ids": coupon_ids}
        return await self._until_settled("PUT", path, body)

    async def cancel(self, redemption_id: UUID, cancel_id: UUID, reason: str) -> dict[str, Any]:
        path = f"/v1/redemptions/{redemption_id}/cancel"
        return await self._until_settled(
            "POST", path, {"cancel_id": str(cancel_id), "reason": reason}
        )

    async def _until_settled(self, method: str, path: str, body: object) -> dict[str, Any]:
        """The same request again is the way to hear how it ended: it never acts twice."""
        while True:
            answer = await self._ask(method, path, body)
            if answer["outcome"] != "pending":
                return answer
            await asyncio.sleep(_POLL_SECONDS)

    async def _ask(self, method: str, path: str, body: object) -> dict[str, Any]:
        async def once() -> dict[str, Any]:
            try:
                return await self._call(method, path, body)
            except Rejection as rejection:
                if rejection.status == _UNAUTHORIZED:
                    self._renew_at = 0.0
                elif rejection.status != _TOO_MANY:
                    raise
                raise Unavailable(str(rejection)) from rejection

        return await persist(once)

    async def _call(self, method: str, path: str, body: object) -> dict[str, Any]:
        answer: dict[str, Any] = await call(
            self._session,
            method,
            self.key.redemption_url + path,
            body=body,
            token=await self._current_token(),
        )
        return answer

    async def _current_token(self) -> str:
        async with self._lock:
            now = asyncio.get_running_loop().time()
            if now >= self._renew_at:
                answer = await self.key.token(self._session)
                self._token = answer["access_token"]
                self._renew_at = now + max(1.0, answer["expires_in"] - _RENEW_BEFORE_SECONDS)
            return self._token
