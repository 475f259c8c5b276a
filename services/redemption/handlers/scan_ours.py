"""Scans of codes that are ours: found by their hash, judged by their rules, kept, all at once.

A code that nobody has and a code of another merchant are the same here: hashed with the merchant,
neither is found. Both take the same two statements as one that is found.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from services.redemption.domain import answers, issued
from services.redemption.domain.codes import Code
from services.redemption.domain.issued import Issued, Place
from services.redemption.domain.records import Caller, Preparation, Refusal, Store
from services.redemption.handlers.desk import OUTCOMES, REFUSALS, Answer, Desk, as_json
from services.redemption.queries import scans as queries
from services.redemption.queries.scans import CodeAsked, CodeLook, KeptRefusal, KeptScan
from shared.clock import utc_now
from shared.ids import new_id
from shared.platforms.reasons import Reason
from shared.sealing.derivation import blind_index

_WINDOW: Final = timedelta(minutes=1)
PREFIX_WINDOW: Final = timedelta(hours=1)
_RETRY_AFTER_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class ScanOfOurs:
    caller: Caller
    store: Store
    code_hash: bytes
    prefix_hash: bytes


def hash_of(desk: Desk, *, platform: str, merchant: str, code: Code) -> bytes:
    return blind_index(desk.code_key, f"{platform} {merchant} {code.value}")


def scan_of(desk: Desk, caller: Caller, store: Store, code: Code) -> ScanOfOurs:
    prefix = f"{store.platform} {store.merchant} {code.prefix}…"
    return ScanOfOurs(
        caller,
        store,
        hash_of(desk, platform=store.platform, merchant=store.merchant, code=code),
        blind_index(desk.code_key, prefix),
    )


@dataclass(slots=True)
class _Batch:
    """What the scans of one batch come to."""

    kept: list[KeptScan] = field(default_factory=list)
    refused: list[KeptRefusal] = field(default_factory=list)
    # Those of this very batch count too: nobody gets 200 guesses by sending them at once.
    wrong: Counter[object] = field(default_factory=Counter)


async def look_up(desk: Desk, scans: Sequence[ScanOfOurs]) -> list[Answer]:
    """An answer for each, once what it says is kept."""
    settings = desk.settings
    async with desk.database.pool.acquire() as conn:
        looks = await queries.look_at_codes(
            conn,
            [
                CodeAsked(
                    scan.code_hash, scan.prefix_hash, scan.store.store_id, scan.caller.terminal_id
                )
                for scan in scans
            ],
            window=_WINDOW,
            prefix_window=PREFIX_WINDOW,
            most=max(
                settings.redemption_wrong_codes_per_terminal,
                settings.redemption_wrong_codes_per_store,
                settings.redemption_wrong_codes_per_prefix,
            ),
        )
        batch, now = _Batch(), utc_now()
        told = [
            _answer(desk, batch, scan, look, now) for scan, look in zip(scans, looks, strict=True)
        ]
        await queries.keep_scans(conn, batch.kept, batch.refused)
    return told


def _answer(desk: Desk, batch: _Batch, scan: ScanOfOurs, look: CodeLook, now: datetime) -> Answer:
    if _over_limit(desk, batch, scan, look):
        refusal = Refusal(Reason.TOO_MANY_ATTEMPTS, "too many unknown codes were typed")
        return _turn_down(batch, scan, refusal, retry_after=_RETRY_AFTER_SECONDS)
    found = look.issued
    if found is None:
        for name in (scan.caller.terminal_id, scan.store.store_id, scan.prefix_hash):
            batch.wrong[name] += 1
        refusal = Refusal(Reason.CODE_UNKNOWN, "no coupon of this merchant has this code")
        return _turn_down(batch, scan, refusal, wrong_prefix=scan.prefix_hash)
    claim = issued.known_to_be_spent(found)
    if claim is not None:
        refusal = Refusal(Reason.ALREADY_REDEEMED, "this code was redeemed before", claim)
        return _turn_down(batch, scan, refusal)
    preparation = _preparation(desk, scan, found, now)
    batch.kept.append(KeptScan(preparation, found.coupon_id))
    OUTCOMES.labels("prepare", "prepared").inc()
    return Answer(
        200,
        as_json(answers.prepared(preparation)),
        order_id=found.order_id,
        coupon_ids=[found.coupon_id],
    )


def _over_limit(desk: Desk, batch: _Batch, scan: ScanOfOurs, look: CodeLook) -> bool:
    settings = desk.settings
    counted = (
        (
            look.wrong_of_terminal + batch.wrong[scan.caller.terminal_id],
            settings.redemption_wrong_codes_per_terminal,
        ),
        (
            look.wrong_of_store + batch.wrong[scan.store.store_id],
            settings.redemption_wrong_codes_per_store,
        ),
        (
            look.wrong_of_prefix + batch.wrong[scan.prefix_hash],
            settings.redemption_wrong_codes_per_prefix,
        ),
    )
    return any(number >= limit for number, limit in counted)


def _turn_down(
    batch: _Batch,
    scan: ScanOfOurs,
    refusal: Refusal,
    *,
    wrong_prefix: bytes | None = None,
    retry_after: int | None = None,
) -> Answer:
    batch.refused.append(KeptRefusal(scan.caller, refusal.reason, scan.code_hash, wrong_prefix))
    OUTCOMES.labels("prepare", "refused").inc()
    REFUSALS.labels("prepare", refusal.reason).inc()
    return Answer(
        answers.status_of_lookup(refusal.reason),
        as_json(answers.refused(refusal)),
        retry_after_seconds=retry_after,
        reason=refusal.reason,
    )


def _preparation(desk: Desk, scan: ScanOfOurs, found: Issued, now: datetime) -> Preparation:
    store = scan.store
    offer = issued.offer_of(found, Place(store.store_id, store.time_zone), now=now)
    return Preparation(
        preparation_id=new_id(),
        merchant=store.merchant,
        store_id=store.store_id,
        terminal_id=scan.caller.terminal_id,
        platform=store.platform,
        poi_id=store.poi_id,
        account_id=None,
        order_id=found.order_id,
        scan_hash=scan.code_hash,
        offers=(offer,),
        sealed=None,
        prepared_at=now,
        created_at=now,
        expires_at=now + timedelta(minutes=desk.settings.redemption_preparation_minutes),
    )
