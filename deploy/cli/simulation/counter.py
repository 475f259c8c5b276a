"""What happens at a counter: scan, redeem, perhaps scan again, perhaps take back."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any
from uuid import UUID, uuid4

import aiohttp

from deploy.cli.simulation.persistence import persist
from deploy.cli.simulation.plan import Visit
from deploy.cli.simulation.platform import Platform
from deploy.cli.simulation.tally import Tally
from deploy.cli.simulation.till import Till
from shared.errors import Rejection, Unavailable

_LINK, _CODE, _LONG_LINK = range(3)
_REPEAT_SHARE = 0.1

# Any: JSON.
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Handed:
    """Coupons of one order that a customer hands over."""

    order_id: str
    coupons: tuple[Json, ...]
    visit: Visit


class Counter:
    """The tills of one merchant."""

    def __init__(
        self,
        tills: Sequence[Till],
        platform: Platform,
        tally: Tally,
        session: aiohttp.ClientSession,
        random: Random,
    ) -> None:
        self.tills = tills
        self._platform = platform
        self._tally = tally
        self._session = session
        self._random = random

    async def serve(self, till: Till, handed: Handed) -> bool:
        """Whether the customer will come again with the same coupons."""
        visit = handed.visit
        scan = await self._shown(handed.coupons[0], visit.form)
        together = [self._spend(till, scan, handed)]
        if visit.races:
            together.append(self._spend(self._another(till), scan, handed))
        if visit.refund_meanwhile:
            await asyncio.gather(self._ask_back(handed), *together)
            return False
        ended = await asyncio.gather(*together)
        spent = next((one for one in ended if one is not None), None)
        if visit.rescans and not visit.races:
            await self._spend(self._another(till), scan, handed)
        if visit.cancels and spent is not None:
            return await self._take_back(*spent) and visit.comes_again
        return False

    async def _spend(self, till: Till, scan: str, handed: Handed) -> tuple[Till, UUID] | None:
        """The redemption and who made it, if anything was redeemed."""
        try:
            preparation = await till.prepare(scan)
            coupon_ids = self._choose(preparation["coupons"], handed)
            if not coupon_ids:
                return None
            redemption_id = uuid4()
            ask = (redemption_id, preparation["preparation_id"], coupon_ids)
            answer = await till.redeem(*ask)
            if self._random.random() < _REPEAT_SHARE:
                await self._repeat(till, ask, answer)
        except Rejection as rejection:
            self._tally.note_refused(rejection.reason)
            return None
        return (till, redemption_id) if self._note(answer, redemption_id) else None

    def _choose(self, offered: Sequence[Json], handed: Handed) -> list[str]:
        """What was handed over and can be used; of the rest the reason is noted."""
        wanted = {coupon["certificate_id"] for coupon in handed.coupons}
        meant = [coupon for coupon in offered if coupon["coupon_id"] in wanted]
        for coupon in meant:
            if not coupon["usable"]:
                self._tally.note_refused(coupon["reason"])
        return [coupon["coupon_id"] for coupon in meant if coupon["usable"]]

    def _note(self, answer: Json, redemption_id: UUID) -> bool:
        redeemed = False
        for coupon in answer["coupons"]:
            if coupon["outcome"] == "redeemed":
                redeemed = True
                self._tally.note_redeemed(coupon["coupon_id"], redemption_id)
            else:
                self._tally.note_refused(coupon["reason"])
        return redeemed

    async def _repeat(self, till: Till, ask: tuple[UUID, str, list[str]], answer: Json) -> None:
        """A till that did not get the answer asks again: it must hear the same."""
        self._tally.repeats += 1
        if await till.redeem(*ask) != answer:
            self._tally.changed_answers.append(str(ask[0]))

    async def _take_back(self, till: Till, redemption_id: UUID) -> bool:
        try:
            answer = await till.cancel(redemption_id, uuid4(), "顾客改主意")
        except Rejection as rejection:
            self._tally.note_refused(rejection.reason)
            return False
        for coupon in answer["coupons"]:
            if coupon["outcome"] == "cancelled":
                self._tally.note_cancelled(coupon["coupon_id"], redemption_id)
            else:
                self._tally.note_refused(coupon["reason"])
        return True

    async def _ask_back(self, handed: Handed) -> None:
        """The customer's companion asks for the money at this moment, on another phone."""
        await asyncio.sleep(self._random.random() * 0.05)
        await refund(self._platform, self._tally, [handed.coupons[-1]["certificate_id"]])

    async def _shown(self, coupon: Json, form: int) -> str:
        if form == _CODE:
            return str(coupon["code"])
        link = str(coupon["short_link"])
        return link if form == _LINK else await self._long_link(link)

    async def _long_link(self, short_link: str) -> str:
        """Where the short link leads, for scanners that follow it themselves."""

        async def once() -> str:
            try:
                async with self._session.get(short_link, allow_redirects=False) as answer:
                    return answer.headers["Location"]
            except (aiohttp.ClientError, OSError, TimeoutError, KeyError) as error:
                raise Unavailable(short_link) from error

        return await persist(once)

    def _another(self, till: Till) -> Till:
        others = [one for one in self.tills if one is not till]
        return self._random.choice(others) if others else till


async def refund(platform: Platform, tally: Tally, certificate_ids: Sequence[str]) -> None:
    answer = await platform.refund(certificate_ids)
    tally.refunds["accepted"] += len(answer["accepted"])
    tally.refunds["refused"] += len(answer["refused"])
