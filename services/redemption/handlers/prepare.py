"""What a scan stands for: asked of the ledger first, then of the platform."""

import asyncio
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from types import MappingProxyType
from typing import Final

import orjson

from services.redemption.domain import answers, offers, spending
from services.redemption.domain.codes import Code, Mistyped, read_code
from services.redemption.domain.records import (
    Caller,
    Claim,
    Preparation,
    Refusal,
    Secrets,
    Store,
    Visitor,
)
from services.redemption.gateway import Counter, timed
from services.redemption.handlers.desk import OUTCOMES, REFUSALS, Answer, Desk, as_json
from services.redemption.handlers.groups import Groups
from services.redemption.handlers.heard import release_contradicted
from services.redemption.handlers.scan_ours import scan_of
from services.redemption.handlers.secrets import seal
from services.redemption.queries import preparations as queries
from services.redemption.queries import refusals
from services.redemption.queries.preparations import ScanLook
from shared.clock import utc_now
from shared.errors import Forbidden, NotFound, Rejection, Unavailable
from shared.ids import new_id
from shared.platforms import answers as platform_answers
from shared.platforms.outcomes import Refused, Retry
from shared.platforms.reasons import Reason
from shared.platforms.registry import platform_named
from shared.platforms.scans import EncryptedData, Scan, ShortLink, TypedCode
from shared.sealing.derivation import blind_index

WRONG_CODES_WINDOW: Final = timedelta(minutes=1)
_TYPED_AT_ONCE_MAX: Final = 64
_ASK_AGAIN_AFTER_SECONDS: Final = 0.2
_STUMBLES_WITHIN_SECONDS: Final = 1.0
_RETRY_AFTER_SECONDS: Final[Mapping[int, int]] = MappingProxyType({429: 60, 503: 2})


@dataclass(frozen=True, slots=True)
class _Scanned:
    scan: Scan
    scan_hash: bytes

    @property
    def typed(self) -> bool:
        return isinstance(self.scan, TypedCode)


async def prepare(desk: Desk, groups: Groups, visitor: Visitor, store_id: str, text: str) -> Answer:
    """Look up what was scanned; whatever is refused is kept with its reason."""
    store = await _enter(desk, visitor, store_id)
    caller = visitor.at(merchant=store.merchant, store_id=store.store_id)
    ours = read_code(text)
    if isinstance(ours, Code) and store.open:
        return await groups.scans.ask(scan_of(desk, caller, store, ours))
    scanned = _read(desk, store, text, ours)
    outcome = (
        scanned if isinstance(scanned, Refusal) else await _prepare(desk, caller, store, scanned)
    )
    if isinstance(outcome, Refusal):
        known = None if isinstance(scanned, Refusal) else scanned
        return await _turn_down(desk, caller, outcome, known)
    OUTCOMES.labels("prepare", "prepared").inc()
    return Answer(
        200,
        as_json(answers.prepared(outcome)),
        order_id=outcome.order_id,
        coupon_ids=[offer.coupon_id for offer in outcome.offers],
    )


async def _enter(desk: Desk, visitor: Visitor, store_id: str) -> Store:
    store = await desk.stores.find(store_id)
    if store is None and visitor.stores is None:
        # Whoever may enter every store may have named one that is not there.
        message = "no such store here, or not known yet"
        raise NotFound(message, reason=Reason.UNKNOWN_STORE)
    if store is None:
        message = "this store is not known here yet: try again in a moment"
        raise Unavailable(message, retry_after_seconds=2)
    if not visitor.may_enter(merchant=store.merchant, store_id=store_id):
        message = "this token is for other stores"
        raise Forbidden(message, reason=Reason.UNKNOWN_STORE)
    return store


def _read(desk: Desk, store: Store, text: str, ours: Code | Mistyped | None) -> _Scanned | Refusal:
    if not store.open:
        return Refusal(Reason.STORE_CLOSED, "the store is marked as closed")
    if isinstance(ours, Mistyped):
        return Refusal(Reason.CODE_MISTYPED, ours.detail)
    origins = desk.gateway.origins(store.platform)
    try:
        scan = platform_named(store.platform).parse_scan(text, short_link_origins=origins)
    except Rejection as unreadable:
        return Refusal(Reason(unreadable.reason), str(unreadable))
    name = orjson.dumps([store.merchant, store.platform, type(scan).__name__, _value(scan)])
    return _Scanned(scan, blind_index(desk.scan_key, name.decode()))


def _value(scan: Scan) -> str:
    match scan:
        case ShortLink(url):
            return url
        case EncryptedData(value):
            return value
        case TypedCode(code):
            return code


async def _prepare(
    desk: Desk, caller: Caller, store: Store, scanned: _Scanned
) -> Preparation | Refusal:
    async with desk.database.pool.acquire() as conn:
        await desk.keyring.load(conn, [store.merchant])
        look = await queries.look_before_asking(
            conn,
            store_id=store.store_id,
            terminal_id=caller.terminal_id,
            scan_hash=scanned.scan_hash,
            window=WRONG_CODES_WINDOW,
        )
    claim = spending.known_to_be_spent(look.offers, look.claims)
    if claim is not None:
        return Refusal(Reason.ALREADY_REDEEMED, "this code was redeemed before", claim)
    try:
        with _typing(desk, caller, scanned, look):
            counter, found = await _ask(desk, store, scanned.scan)
    except Refused as refused:
        known = refused.refusal is Reason.ALREADY_REDEEMED
        claim = spending.last_spent(look.claims) if known else None
        return Refusal(refused.refusal, str(refused), claim)
    except Retry as busy:
        return Refusal(Reason(busy.reason), str(busy))
    if not found.coupons:
        return Refusal(Reason.NO_LONGER_VALID, "the platform offers no coupon for this code")
    return await _keep(desk, caller, store, scanned, counter, found)


@contextmanager
def _typing(desk: Desk, caller: Caller, scanned: _Scanned, look: ScanLook) -> Iterator[None]:
    """Typed codes can be guessed: too many unknown ones, or too many at once, and typing pauses."""
    if not scanned.typed:
        yield
        return
    settings = desk.settings
    if (
        look.wrong_codes_of_terminal >= settings.redemption_wrong_codes_per_terminal
        or look.wrong_codes_of_store >= settings.redemption_wrong_codes_per_store
        or desk.typing[caller.terminal_id] >= _TYPED_AT_ONCE_MAX
    ):
        raise Refused("too many unknown codes were typed", reason=Reason.TOO_MANY_ATTEMPTS)
    desk.typing[caller.terminal_id] += 1
    try:
        yield
    finally:
        desk.typing[caller.terminal_id] -= 1
        if not desk.typing[caller.terminal_id]:
            del desk.typing[caller.terminal_id]


async def _ask(
    desk: Desk, store: Store, scan: Scan
) -> tuple[Counter, platform_answers.Preparation]:
    """A look has no effect, so a platform that stumbles, and at once, is asked once more."""
    started = time.perf_counter()
    try:
        return await _ask_once(desk, store, scan)
    except Retry:
        if time.perf_counter() - started > _STUMBLES_WITHIN_SECONDS:
            raise
        await asyncio.sleep(_ASK_AGAIN_AFTER_SECONDS)
        return await _ask_once(desk, store, scan)


async def _ask_once(
    desk: Desk, store: Store, scan: Scan
) -> tuple[Counter, platform_answers.Preparation]:
    counter = await desk.gateway.counter(merchant=store.merchant, platform=store.platform)
    if isinstance(scan, ShortLink):
        async with timed("resolve"):
            scan = await counter.client.resolve_short_link(scan)
    async with counter.turn("prepare", store.store_id):
        found = await counter.client.prepare(
            scan, poi_id=store.poi_id, account_id=counter.account_id
        )
    return counter, found


async def _keep(
    desk: Desk,
    caller: Caller,
    store: Store,
    scanned: _Scanned,
    counter: Counter,
    found: platform_answers.Preparation,
) -> Preparation:
    claims = await _claims_of_cards(desk, store, found)
    preparation_id, now = new_id(), utc_now()
    secrets = Secrets(
        found.verify_token,
        {coupon.coupon_id: coupon.encrypted_code or "" for coupon in found.coupons},
    )
    preparation = Preparation(
        preparation_id=preparation_id,
        merchant=store.merchant,
        store_id=store.store_id,
        terminal_id=caller.terminal_id,
        platform=store.platform,
        poi_id=store.poi_id,
        account_id=counter.account_id,
        order_id=found.order_id,
        scan_hash=scanned.scan_hash,
        offers=offers.offers_of(found.coupons, claims),
        sealed=seal(desk, store.merchant, preparation_id, secrets),
        prepared_at=found.now,
        created_at=now,
        expires_at=now + timedelta(minutes=desk.settings.redemption_preparation_minutes),
    )
    async with desk.database.pool.acquire() as conn:
        claims = await queries.add_preparation(conn, preparation)
    contradicted = offers.taken_back_elsewhere(found.coupons, claims, now=found.now)
    if contradicted:
        await release_contradicted(
            desk, store, contradicted, now=found.now, cause_id=preparation_id
        )
        claims = tuple(claim for claim in claims if claim not in contradicted)
    return replace(preparation, offers=offers.with_claims(preparation.offers, claims))


async def _claims_of_cards(
    desk: Desk, store: Store, found: platform_answers.Preparation
) -> tuple[Claim, ...]:
    """A card's next use depends on those that are taken; an ordinary coupon has only one."""
    card_ids = [coupon.coupon_id for coupon in found.coupons if offers.is_card(coupon)]
    if not card_ids:
        return ()
    async with desk.database.pool.acquire() as conn:
        return await queries.find_claims(conn, platform=store.platform, coupon_ids=card_ids)


async def _turn_down(
    desk: Desk, caller: Caller, refusal: Refusal, scanned: _Scanned | None
) -> Answer:
    async with desk.database.pool.acquire() as conn:
        await refusals.add_refusal(
            conn,
            step="prepare",
            caller=caller,
            reason=refusal.reason,
            scan_hash=scanned.scan_hash if scanned else None,
            typed=scanned is not None and scanned.typed,
        )
    OUTCOMES.labels("prepare", "refused").inc()
    REFUSALS.labels("prepare", refusal.reason).inc()
    status = answers.status_of_lookup(refusal.reason)
    return Answer(
        status,
        as_json(answers.refused(refusal)),
        retry_after_seconds=_RETRY_AFTER_SECONDS.get(status),
        reason=refusal.reason,
    )
