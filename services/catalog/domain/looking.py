"""What becomes of what we know when the platform has shown a product."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from services.catalog.domain.products import Wanted
from services.catalog.domain.syncing import (
    Difference,
    Push,
    Sync,
    differences,
    seen_stock,
    seen_view,
    shelf_of,
)
from shared.contracts.products import ProductState
from shared.platforms.goods import AuditState, OnlineProduct, ProductDraft, ProductFacts, Shelf

# What only a person, or another version of the product, can mend.
LASTING = frozenset({"audit_failed", "banned", "deleted"})
_ON, _OFF = Shelf.ON, Shelf.OFF


@dataclass(frozen=True, slots=True)
class Pauses:
    """How long until the platform is looked at again."""

    audit: timedelta
    read_back: timedelta


@dataclass(frozen=True, slots=True)
class Look:
    """A product as the platform shows it: what was saved last, and what customers see."""

    draft: ProductDraft | None
    online: OnlineProduct | None
    # Our only SKU's id, where there is one.
    alone: str | None

    @property
    def facts(self) -> ProductFacts | None:
        shown = self.online or self.draft
        return None if shown is None else shown.product


def looked(sync: Sync, look: Look, *, now: datetime, pauses: Pauses) -> Sync:
    """What we know now. A push that was under way is settled: it took effect, or it did not."""
    settled = _settled(sync, look)
    audit = look.draft.audit if look.draft else None
    shelf = _shelf(settled, look)
    facts = look.facts
    pause = pauses.audit if audit is AuditState.RUNNING else pauses.read_back
    seen = replace(
        settled,
        audit=audit,
        audit_reason=look.draft.reason if look.draft else "",
        shelf=shelf,
        stock=seen_stock(facts, alone=look.alone) if facts else None,
        looked_at=now,
        look_at=now + pause,
        drift=_drift(settled, look, audit, shelf) or None,
        attempts=0,
    )
    reason, detail = _lasting_failure(seen)
    return replace(seen, reason=reason, detail=detail)


def _settled(sync: Sync, look: Look) -> Sync:
    """Content whose visible part is as before cannot be told from what was there: push again."""
    bare = replace(sync, pushing=None, pushing_digest=None, pushing_view=None)
    if sync.pushing is not Push.CONTENT or sync.pushing_view is None or look.draft is None:
        return bare
    shown = seen_view(look.draft.product, alone=look.alone)
    if differences(sync.pushing_view, shown) or sync.pushing_view == sync.accepted_view:
        return bare
    return replace(bare, accepted_digest=sync.pushing_digest, accepted_view=sync.pushing_view)


def _shelf(sync: Sync, look: Look) -> Shelf | None:
    if look.online is not None:
        return look.online.shelf
    if look.draft is None and sync.accepted_digest is not None:
        return Shelf.DELETED
    return None


def _drift(
    sync: Sync, look: Look, audit: AuditState | None, shelf: Shelf | None
) -> Sequence[Difference]:
    """What was changed behind our back. While an audit runs the old version is still shown."""
    if sync.accepted_view is None or look.online is None:
        return ()
    found: list[Difference] = []
    if audit is AuditState.PASSED:
        found += differences(sync.accepted_view, seen_view(look.online.product, alone=look.alone))
    wanted = shelf_of(sync.wanted)
    noticed = any(one["field"] == "shelf" for one in sync.drift or ())
    if shelf in {_ON, _OFF} and shelf is not wanted and (noticed or sync.shelf is wanted):
        found.append(Difference(field="shelf", ours=str(wanted), theirs=str(shelf)))
    return found


def _lasting_failure(sync: Sync) -> tuple[str | None, str | None]:
    if sync.shelf is Shelf.BANNED:
        return "banned", sync.audit_reason or None
    if sync.shelf is Shelf.DELETED:
        return "deleted", None
    if sync.audit is AuditState.FAILED:
        return "audit_failed", sync.audit_reason or None
    return None, None


def product_state(sync: Sync, before: ProductState) -> ProductState:
    """What the product is now. Who withdrew it decides alone that it is off the shelf."""
    if sync.shelf is Shelf.BANNED:
        return ProductState.BANNED
    if sync.wanted is Wanted.OFF_SHELF:
        banned = before is ProductState.BANNED
        return ProductState.OFF_SHELF if banned and sync.shelf is not None else before
    if sync.shelf is Shelf.ON:
        return ProductState.ON_SALE
    if sync.shelf in {Shelf.OFF, Shelf.DELETED}:
        return ProductState.OFF_SHELF
    if sync.audit is AuditState.FAILED:
        return ProductState.REJECTED
    return before
