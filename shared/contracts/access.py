"""What access says: who exists, and whose tokens are void."""

from datetime import datetime
from typing import ClassVar

from shared.contracts.envelope import EventData


class _Access(EventData):
    SOURCE: ClassVar[str] = "qiao/access"


class MerchantChanged(_Access):
    """The merchant as it is now; type `merchant.created` or `merchant.updated`."""

    TYPE: ClassVar[str] = "merchant.created"

    merchant: str
    name: str
    platform: str
    account_id: str | None


class StoreChanged(_Access):
    """The store as it is now; type `store.created` or `store.updated`."""

    TYPE: ClassVar[str] = "store.created"

    store_id: str
    merchant: str
    name: str
    platform: str
    poi_id: str
    time_zone: str
    open: bool


class TerminalEnrolled(_Access):
    TYPE: ClassVar[str] = "terminal.enrolled"

    terminal_id: str
    store_id: str
    name: str
    enrolled_at: datetime


class Revoked(_Access):
    """Every token of `principal` (`terminal:<id>` …) issued before `revoked_at` is void.

    Types: `terminal.revoked`, `staff.revoked`, `client.revoked`.
    """

    TYPE: ClassVar[str] = "terminal.revoked"

    principal: str
    revoked_at: datetime
    reason: str
