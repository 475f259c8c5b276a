"""What our services have on record after a run, asked for over HTTP as anybody else would."""

from collections import Counter
from collections.abc import Collection, Container, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from deploy.cli.simulation.persistence import persist
from deploy.cli.simulation.platform import Platform
from deploy.cli.system import SERVICES, Qiao, everything
from shared.clock import utc_now
from shared.errors import Rejection

_MSG_IDS_MAX = 1000
_ONE_BY_ONE_MAX = 100
_PAGE = "500"
_NOT_FOUND = 404
# The platform's clock, which lists are ordered by, has whole seconds.
_MARGIN = timedelta(minutes=1)
_DAY = timedelta(days=1)

# Any: JSON.
Json = dict[str, Any]


@dataclass(slots=True)
class Ledger:
    """The redemptions of a run as the stores' lists show them."""

    # How many redemptions hold a coupon at this moment.
    holds: Counter[str] = field(default_factory=Counter)
    pending: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Record:
    """Whatever is older than `since` belongs to somebody else."""

    qiao: Qiao
    since: datetime
    _orders: dict[str, Json] = field(default_factory=dict)

    async def orders(self, stale: Collection[str]) -> dict[str, Json]:
        """Our orders by id, read again where they are stale."""
        if len(stale) > _ONE_BY_ONE_MAX:
            since = (self.since - _MARGIN).isoformat()
            found = await self._all("orders", "/v1/orders", {"from": since, "limit": _PAGE})
            self._orders = {one["order_id"]: one for one in found}
        else:
            for order_id in stale:
                await self._read_order(order_id)
        return self._orders

    async def _read_order(self, order_id: str) -> None:
        path = f"/v1/orders/{order_id}"
        try:
            self._orders[order_id] = await persist(lambda: self.qiao.orders.call("GET", path))
        except Rejection as rejection:
            if rejection.status != _NOT_FOUND:
                raise
            self._orders.pop(order_id, None)

    async def missing_deliveries(self, platform: Platform) -> list[str]:
        """Webhooks that the platform saw acknowledged and that are not on record: lost ones."""
        waiting: dict[str, set[str]] = {}
        missing: list[str] = []
        async for line in platform.acknowledged():
            batch = waiting.setdefault(line["client_key"], set())
            batch.add(line["msg_id"])
            if len(batch) >= _MSG_IDS_MAX:
                missing += await self._missing(line["client_key"], batch)
                batch.clear()
        for client_key, batch in waiting.items():
            missing += await self._missing(client_key, batch)
        return missing

    async def _missing(self, client_key: str, msg_ids: Iterable[str]) -> list[str]:
        body = {"client_key": client_key, "msg_ids": sorted(msg_ids)}
        path = "/v1/deliveries/missing"
        answer = await persist(lambda: self.qiao.intake.call("POST", path, body=body))
        missing: list[str] = answer["missing"]
        return missing

    async def delivery_counts(self) -> Counter[str]:
        """Deliveries since the beginning of the day before, by how they were taken."""
        start = (self.since - _DAY).isoformat()
        found = await self._all("intake", "/v1/deliveries/counts", {"from": start})
        total: Counter[str] = Counter()
        for line in found:
            for name in ("accepted", "duplicates", "conflicts", "refused"):
                total[name] += _sum(line[name])
        return total

    async def ledger(self, store_ids: Iterable[str], coupons: Container[str]) -> Ledger:
        """Of these coupons only: others' customers come to the same stores."""
        ledger = Ledger()
        for store_id in store_ids:
            for redemption in await self._redemptions(store_id):
                _enter(ledger, redemption, coupons)
        return ledger

    async def _redemptions(self, store_id: str) -> list[Json]:
        path = "/v1/redemptions"
        asked = {"store_id": store_id, "limit": "1"}
        today = await persist(lambda: self.qiao.redemption.call("GET", path, query=asked))
        first_day = self.since.astimezone(ZoneInfo(today["time_zone"])).date()
        found: list[Json] = []
        for day in _days(first_day, date.fromisoformat(today["date"])):
            query = {"store_id": store_id, "date": day.isoformat(), "limit": _PAGE}
            found += await self._all("redemption", path, query)
        return [one for one in found if datetime.fromisoformat(one["requested_at"]) >= self.since]

    async def dead_letters(self) -> list[Json]:
        found: list[Json] = []
        for name in SERVICES:
            letters = await self._all(name, "/v1/dead-letters", {})
            found += [{"service": name, **letter} for letter in letters]
        return [one for one in found if datetime.fromisoformat(one["died_at"]) >= self.since]

    async def _all(self, service: str, path: str, query: Mapping[str, str]) -> list[Json]:
        client = self.qiao.service(service)
        return await persist(lambda: everything(client, path, query))


def new_record(qiao: Qiao) -> Record:
    return Record(qiao, utc_now())


def _enter(ledger: Ledger, redemption: Json, coupons: Container[str]) -> None:
    ours = [coupon for coupon in redemption["coupons"] if coupon["coupon_id"] in coupons]
    if ours and redemption["outcome"] == "pending":
        ledger.pending.append(redemption["redemption_id"])
    for coupon in ours:
        if coupon["state"] == "spent":
            ledger.holds[coupon["coupon_id"]] += 1


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def _sum(count: int | dict[str, int]) -> int:
    return sum(count.values()) if isinstance(count, dict) else count
