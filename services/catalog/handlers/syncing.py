"""Brings platforms to what the catalog wants, one push at a time, whatever fails in between.

Each round takes products under a lease, one merchant after the other. What is to be pushed is
written down before the call; a process that dies in between, or a call whose outcome nobody
knows, leaves that note, and the platform is read before anything is sent again.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias
from uuid import UUID

import structlog
from prometheus_client import Counter

from services.catalog.domain.looking import LASTING, Look, Pauses, looked, product_state
from services.catalog.domain.products import Product, said_of
from services.catalog.domain.syncing import (
    Push,
    Step,
    Sync,
    back_off,
    digest_of,
    next_step,
    shelf_of,
    wanted_stock,
    wanted_view,
)
from services.catalog.gateway import Gateway, Turn
from services.catalog.handlers.listing import content_for
from services.catalog.handlers.products import UPDATED
from services.catalog.queries import products, syncs
from services.catalog.settings import Settings
from shared.clock import utc_now
from shared.contracts.envelope import Event
from shared.contracts.making import event
from shared.contracts.syncs import FieldDrift, ProductDrifted
from shared.errors import Rejection, Unavailable
from shared.ids import new_id
from shared.messaging.outbox import Database
from shared.platforms.goods import AuditState, ProductContent, SavedProduct, Shelf
from shared.platforms.outcomes import OutcomeUnknown
from shared.postgres.connection import DELAYS

AT_ONCE = 8
_REFUSED_FIRST, _REFUSED_MOST = timedelta(minutes=1), timedelta(hours=1)
_RETRY_MOST = timedelta(minutes=5)
_REST = timedelta(hours=1)
_DETAIL_MAX = 500

PUSHES = Counter(
    "qiao_catalog_pushes_total",
    "Calls that brought a platform nearer, by ending",
    ["push", "ending"],
)
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Job:
    """One product under our lease, and what its platform is to show."""

    product: Product
    sync: Sync
    content: ProductContent
    lease: UUID
    taken_at: datetime


Send: TypeAlias = Callable[[Job, Turn], Awaitable[None]]


class Syncer:
    def __init__(self, database: Database, gateway: Gateway, settings: Settings) -> None:
        self._database = database
        self._gateway = gateway
        self._settings = settings
        self._pauses = Pauses(
            audit=timedelta(seconds=settings.catalog_audit_poll_seconds),
            read_back=timedelta(seconds=settings.catalog_read_back_seconds),
        )
        self._stock_pause = timedelta(seconds=settings.catalog_stock_pause_seconds)
        self._retry_first = timedelta(seconds=settings.catalog_retry_seconds)

    async def round(self) -> int:
        """Take what is due and bring each one step further; how many there were."""
        now, lease = utc_now(), new_id()
        until = now + timedelta(seconds=self._settings.catalog_sync_lease_seconds)
        async with self._database.transaction() as tx:
            await syncs.enrol(tx.conn)
            await syncs.nudge_changed(tx.conn)
            await syncs.nudge_restocked(tx.conn)
            taken = await syncs.take_due(tx.conn, now=now, lease=lease, until=until, limit=AT_ONCE)
        await asyncio.gather(*(self._guarded(product_id, lease, now) for product_id in taken))
        return len(taken)

    async def _guarded(self, product_id: str, lease: UUID, taken_at: datetime) -> None:
        """What goes wrong with one product is not the others' fault; its lease runs out."""
        try:
            await self._advance(product_id, lease, taken_at)
        except DELAYS as outage:
            log.warning("product_sync_delayed", product_id=product_id, error=type(outage).__name__)
        except Exception:
            log.exception("product_sync_broken", product_id=product_id)
            PUSHES.labels("any", "broken").inc()

    async def _advance(self, product_id: str, lease: UUID, taken_at: datetime) -> None:
        job = await self._load(product_id, lease, taken_at)
        if job is None:
            return
        step = next_step(job.sync, job.content, now=utc_now(), stock_pause=self._stock_pause)
        match step:
            case Step.LOOK:
                await self._attempt(job, "look", self._look)
            case Step.PUSH_CONTENT:
                await self._push(job, Push.CONTENT, self._push_content)
            case Step.PUSH_SHELF:
                await self._push(job, Push.SHELF, self._push_shelf)
            case Step.PUSH_STOCK:
                await self._push(job, Push.STOCK, self._push_stock)
            case Step.WAIT_FOR_STOCK:
                pushed_at = job.sync.stock_pushed_at or utc_now()
                await self._finish(job, job.sync, next_at=pushed_at + self._stock_pause)
            case Step.REST:
                await self._rest(job)

    async def _load(self, product_id: str, lease: UUID, taken_at: datetime) -> Job | None:
        async with self._database.pool.acquire() as conn:
            product = await products.find_product(conn, product_id)
            shown = await syncs.find(conn, product_id)
            if product is None or shown is None:
                return None
            content = await content_for(conn, product)
        return Job(product, shown.sync, content, lease, taken_at)

    async def _rest(self, job: Job) -> None:
        sync = job.sync
        if sync.reason not in LASTING:
            sync = replace(sync, reason=None, detail=None, attempts=0)
        heard_of = sync.accepted_digest is not None
        await self._finish(job, sync, next_at=sync.look_at if heard_of else utc_now() + _REST)

    async def _push(self, job: Job, push: Push, send: Send) -> None:
        """Write down what is about to be sent, then send it."""
        sync = replace(
            job.sync,
            pushing=push,
            pushing_digest=digest_of(job.content) if push is Push.CONTENT else None,
            pushing_view=wanted_view(job.content) if push is Push.CONTENT else None,
        )
        if await self._write(job, sync, next_at=utc_now(), keep=True):
            await self._attempt(replace(job, sync=sync), push, send)

    async def _attempt(self, job: Job, name: str, send: Send) -> None:
        ending = "done"
        try:
            turn = await self._gateway.turn(job.product.content.merchant, job.sync.platform)
            await send(job, turn)
        except OutcomeUnknown as unknown:
            ending = "unknown"
            # The note of the push stays: the next step is a look.
            await self._fail(job, job.sync, "outcome_unknown", unknown, lasting=False)
        except Rejection as refusal:
            ending = "refused"
            await self._fail(job, _undone(job.sync), refusal.reason, refusal, lasting=True)
        except Unavailable as outage:
            ending = "retry"
            reason = str(getattr(outage, "reason", "platform_unreachable"))
            await self._fail(job, _undone(job.sync), reason, outage, lasting=False)
        PUSHES.labels(name, ending).inc()

    async def _fail(
        self, job: Job, sync: Sync, reason: str, failure: Exception, *, lasting: bool
    ) -> None:
        pause = back_off(
            sync.attempts,
            first=_REFUSED_FIRST if lasting else self._retry_first,
            most=_REFUSED_MOST if lasting else _RETRY_MOST,
        )
        detail = str(failure).replace("\x00", "")[:_DETAIL_MAX] or None
        log.warning(
            "product_push_failed", product_id=sync.product_id, reason=reason, attempt=sync.attempts
        )
        failed = replace(sync, reason=reason, detail=detail, attempts=sync.attempts + 1)
        await self._finish(job, failed, next_at=utc_now() + pause)

    async def _push_content(self, job: Job, turn: Turn) -> None:
        saved = await turn.client.product_save(job.content, account_id=turn.account_id)
        now = utc_now()
        sync = replace(
            _undone(job.sync),
            accepted_digest=job.sync.pushing_digest,
            accepted_view=job.sync.pushing_view,
            audit=AuditState.RUNNING,
            audit_reason="",
            stock=wanted_stock(job.content),
            stock_pushed_at=now,
            drift=None,
            look_at=now + self._pauses.audit,
            **_SUCCESS,
        )
        await self._finish(job, sync, next_at=now, saved=saved)

    async def _push_shelf(self, job: Job, turn: Turn) -> None:
        shelf = shelf_of(job.sync.wanted)
        await turn.client.product_operate(
            job.content.out_id, account_id=turn.account_id, on_shelf=shelf is Shelf.ON
        )
        sync = replace(_undone(job.sync), shelf=shelf, **_SUCCESS)
        await self._finish(job, sync, next_at=utc_now())

    async def _push_stock(self, job: Job, turn: Turn) -> None:
        content, wanted = job.content, wanted_stock(job.content)
        if len(content.skus) == 1:
            await turn.client.stock_sync(
                content.out_id, content.skus[0].stock, account_id=turn.account_id
            )
        else:
            there = job.sync.stock or {}
            changed = [
                sku
                for sku in content.skus
                if there.get(sku.out_sku_id, -1) != wanted[sku.out_sku_id]
            ]
            await turn.client.sku_batch_save(content.out_id, changed, account_id=turn.account_id)
        now = utc_now()
        sync = replace(_undone(job.sync), stock=wanted, stock_pushed_at=now, **_SUCCESS)
        await self._finish(job, sync, next_at=now)

    async def _look(self, job: Job, turn: Turn) -> None:
        out_id = job.content.out_id
        drafts = await turn.client.draft_get([out_id], account_id=turn.account_id)
        online = await turn.client.online_get([out_id], account_id=turn.account_id)
        skus = job.content.skus
        look = Look(
            draft=drafts[0] if drafts else None,
            online=online[0] if online else None,
            alone=skus[0].out_sku_id if len(skus) == 1 else None,
        )
        now = utc_now()
        sync = looked(job.sync, look, now=now, pauses=self._pauses)
        facts = look.facts
        saved = None
        if facts is not None:
            sku_ids = {
                sku.out_sku_id or look.alone or "": sku.sku_id for sku in facts.skus if sku.sku_id
            }
            saved = SavedProduct(facts.product_id, sku_ids, now)
        await self._finish(job, sync, next_at=now, saved=saved)

    async def _write(self, job: Job, sync: Sync, *, next_at: datetime, keep: bool) -> bool:
        async with self._database.transaction() as tx:
            return await syncs.save(
                tx.conn,
                sync,
                lease=job.lease,
                taken_at=job.taken_at,
                next_at=next_at,
                now=utc_now(),
                keep=keep,
            )

    async def _finish(
        self, job: Job, sync: Sync, *, next_at: datetime, saved: SavedProduct | None = None
    ) -> None:
        """Write down what is known now, give the lease back, and say what others should hear."""
        now = utc_now()
        async with self._database.transaction() as tx:
            # Whoever edits the product locks it first.
            key = await products.lock_product(tx.conn, sync.product_id)
            kept = key is not None and await syncs.save(
                tx.conn,
                sync,
                lease=job.lease,
                taken_at=job.taken_at,
                next_at=next_at,
                now=now,
                keep=False,
            )
            if not kept or key is None:
                return
            changed = False
            if saved is not None:
                changed = await syncs.set_platform_product_id(tx.conn, key, saved.product_id)
                await syncs.set_platform_sku_ids(tx.conn, key, saved.sku_ids)
            product = await products.find_product(tx.conn, sync.product_id)
            if product is None:
                return
            if product.wanted is sync.wanted:
                state = product_state(sync, product.state)
                changed |= await products.set_state(
                    tx.conn, key, state=state, wanted=product.wanted
                )
            if changed:
                product = await products.find_product(tx.conn, sync.product_id) or product
                tx.emit([_updated(product)])
            if sync.drift and not job.sync.drift:
                version = await syncs.drift_version(tx.conn, key)
                tx.emit([_drifted(product, sync, version)])


# Any: members of different types.
_SUCCESS: Final[dict[str, Any]] = {"reason": None, "detail": None, "attempts": 0}


def _undone(sync: Sync) -> Sync:
    return replace(sync, pushing=None, pushing_digest=None, pushing_view=None)


def _updated(product: Product) -> Event:
    return event(
        said_of(product),
        subject=product.content.product_id,
        merchant=product.content.merchant,
        version=product.version,
        event_type=UPDATED,
    )


def _drifted(product: Product, sync: Sync, version: int) -> Event:
    drifted = ProductDrifted(
        product_id=sync.product_id,
        platform=sync.platform,
        platform_product_id=product.content.platform_product_id,
        title=product.content.title,
        drifted_at=utc_now(),
        differences=tuple(
            FieldDrift(field=one["field"], ours=one["ours"], theirs=one["theirs"])
            for one in sync.drift or ()
        ),
    )
    return event(
        drifted,
        subject=sync.product_id,
        merchant=product.content.merchant,
        version=version,
    )
