"""Adds and changes merchants."""

import asyncpg

from services.access.domain.grants import missing
from services.access.domain.records import Merchant
from services.access.handlers.act import Act
from services.access.queries import merchants as queries
from shared.contracts.access import MerchantChanged
from shared.errors import Rejection


class MerchantDiffers(Rejection):
    reason = "merchant_exists"


class AccountTaken(Rejection):
    reason = "account_taken"

    def __init__(self) -> None:
        super().__init__("another merchant has this account of the platform")


async def add_merchant(
    act: Act, *, merchant: str, name: str, platform: str, account_id: str | None
) -> tuple[Merchant, bool]:
    """The merchant, and whether it is new. The same content again is no second merchant."""
    added = await queries.add_merchant(
        act.conn, merchant=merchant, name=name, platform=platform, account_id=account_id
    )
    if added is None:
        return await _same(act, merchant, (name, platform, account_id)), False
    _say(act, added, "merchant.created")
    act.record(
        "merchant.added",
        subject=f"merchant:{merchant}",
        merchant=merchant,
        platform=platform,
        account_id=account_id,
    )
    return added, True


async def _same(act: Act, merchant: str, content: tuple[str, str, str | None]) -> Merchant:
    found = await queries.find_merchant(act.conn, merchant)
    if found is None:
        raise AccountTaken
    if (found.name, found.platform, found.account_id) != content:
        message = f"merchant {merchant} exists with another name, platform or account: change it"
        raise MerchantDiffers(message)
    return found


async def change_merchant(
    act: Act, merchant: str, *, name: str | None, account_id: str | None
) -> Merchant:
    try:
        changed = await queries.update_merchant(
            act.conn, merchant, name=name, account_id=account_id
        )
    except asyncpg.UniqueViolationError:
        raise AccountTaken from None
    if changed is None:
        found = await queries.find_merchant(act.conn, merchant)
        if found is None:
            raise missing("merchant")
        return found
    _say(act, changed, "merchant.updated")
    act.record(
        "merchant.changed",
        subject=f"merchant:{merchant}",
        merchant=merchant,
        name=changed.name,
        account_id=changed.account_id,
    )
    return changed


def _say(act: Act, merchant: Merchant, event_type: str) -> None:
    act.say(
        MerchantChanged(
            merchant=merchant.merchant,
            name=merchant.name,
            platform=merchant.platform,
            account_id=merchant.account_id,
        ),
        subject=merchant.merchant,
        merchant=merchant.merchant,
        version=merchant.version,
        event_type=event_type,
    )
