"""Goods and stores at a platform, in words no platform owns: typed, frozen, UTC, integer fen."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

import aiohttp

from shared.contracts.products import CodeOrigin, ProductKind, RefundRules, UsageRules
from shared.platforms.tokens import TokenSource


class Shelf(StrEnum):
    ON = "on"
    OFF = "off"
    BANNED = "banned"
    DELETED = "deleted"


class AuditState(StrEnum):
    RUNNING = "running"
    PASSED = "passed"
    FAILED = "failed"


class MatchState(StrEnum):
    RUNNING = "running"
    MATCHED = "matched"
    UNMATCHED = "unmatched"
    # The data sent cannot be matched by anybody: incomplete, sent twice, or taken.
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class SkuContent:
    """What a SKU is to be at the platform. `stock` None sells without end."""

    out_sku_id: str
    title: str
    price_fen: int
    original_price_fen: int
    stock: int | None
    times: int = 1
    # What the platform's template asks beyond these, by its own keys.
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ProductContent:
    """What a product is to be at the platform. Saving it again changes it: `out_id` names it."""

    out_id: str
    kind: ProductKind
    title: str
    sale_from: datetime | None
    sale_to: datetime | None
    poi_ids: tuple[str, ...]
    skus: tuple[SkuContent, ...]
    usage: UsageRules
    refund: RefundRules
    code_origin: CodeOrigin
    per_buyer_max: int | None = None
    category_id: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SavedProduct:
    product_id: str
    # The platform's ids by ours; only those that the platform names.
    sku_ids: Mapping[str, str]
    now: datetime


@dataclass(frozen=True, slots=True)
class SkuFacts:
    """A SKU as the platform holds it. None where the platform does not say."""

    sku_id: str | None
    out_sku_id: str | None
    title: str | None
    price_fen: int | None
    original_price_fen: int | None
    # None too where the SKU sells without end.
    stock_total: int | None
    stock_available: int | None
    unlimited: bool | None


@dataclass(frozen=True, slots=True)
class ProductFacts:
    product_id: str
    out_id: str | None
    title: str | None
    category_id: str | None
    sale_from: datetime | None
    sale_to: datetime | None
    poi_ids: tuple[str, ...]
    skus: tuple[SkuFacts, ...]


@dataclass(frozen=True, slots=True)
class OnlineProduct:
    """What customers see. `shelf` is None for a status that we do not know."""

    product: ProductFacts
    shelf: Shelf | None


@dataclass(frozen=True, slots=True)
class ProductDraft:
    """What was saved last, and how its audit stands. None for a status that we do not know."""

    product: ProductFacts
    audit: AuditState | None
    reason: str


@dataclass(frozen=True, slots=True)
class OnlinePage:
    products: tuple[OnlineProduct, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class DraftPage:
    drafts: tuple[ProductDraft, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class TemplateAttribute:
    """One thing that the platform wants to know of a product or SKU of a category."""

    key: str
    name: str
    value_type: str
    required: bool
    several: bool
    example: str


@dataclass(frozen=True, slots=True)
class Template:
    product: tuple[TemplateAttribute, ...]
    sku: tuple[TemplateAttribute, ...]


@dataclass(frozen=True, slots=True)
class Category:
    category_id: str
    parent_id: str | None
    name: str
    leaf: bool
    open: bool


@dataclass(frozen=True, slots=True)
class Poi:
    """One store as the platform has it."""

    poi_id: str
    name: str
    address: str
    latitude: float | None
    longitude: float | None
    account_id: str | None


@dataclass(frozen=True, slots=True)
class PoiPage:
    pois: tuple[Poi, ...]
    total: int | None


@dataclass(frozen=True, slots=True)
class StoreToMatch:
    """A store of ours that the platform is to find among its own. `ext_id` is our id."""

    ext_id: str
    name: str
    province: str
    city: str
    address: str
    latitude: float | None = None
    longitude: float | None = None
    # A guess of ours.
    poi_id: str | None = None


@dataclass(frozen=True, slots=True)
class PoiMatch:
    ext_id: str
    state: MatchState
    poi_id: str | None
    # The platform's own number for a failure, to be shown.
    result: int | None = None


@dataclass(frozen=True, slots=True)
class ProductNotice:
    """What a delivery says of a product: how its audit ended, or that its shelf changed."""

    product_id: str
    audit: AuditState | None = None
    shelf: Shelf | None = None
    reason: str = ""


class GoodsClient(Protocol):
    """The platform's product and store calls.

    Raises Refused, Retry, and (calls with effect) OutcomeUnknown.
    """

    async def product_save(self, content: ProductContent, *, account_id: str) -> SavedProduct: ...

    async def product_operate(self, out_id: str, *, account_id: str, on_shelf: bool) -> None: ...

    async def product_free_audit(
        self,
        out_id: str,
        *,
        account_id: str,
        sale_to: datetime | None = None,
        stock: int | None = None,
        price_fen: int | None = None,
    ) -> None: ...

    async def sku_batch_save(
        self, out_id: str, skus: Sequence[SkuContent], *, account_id: str
    ) -> Mapping[str, str]: ...

    async def stock_sync(self, out_id: str, available: int | None, *, account_id: str) -> None: ...

    async def draft_get(
        self, out_ids: Sequence[str], *, account_id: str
    ) -> tuple[ProductDraft, ...]: ...

    async def draft_query(
        self, *, account_id: str, audit: AuditState | None = None, cursor: str | None = None
    ) -> DraftPage: ...

    async def online_get(
        self, out_ids: Sequence[str], *, account_id: str
    ) -> tuple[OnlineProduct, ...]: ...

    async def online_query(
        self, *, account_id: str, shelf: Shelf | None = None, cursor: str | None = None
    ) -> OnlinePage: ...

    async def template_get(self, category_id: str, kind: ProductKind) -> Template: ...

    async def category_get(
        self, parent_id: str | None = None, *, account_id: str | None = None
    ) -> tuple[Category, ...]: ...

    async def poi_query(self, *, account_id: str, page: int = 1, size: int = 50) -> PoiPage: ...

    async def poi_match_submit(
        self, stores: Sequence[StoreToMatch], *, account_id: str | None = None
    ) -> str: ...

    async def poi_match_query(
        self, task_id: str, *, account_id: str | None = None
    ) -> tuple[PoiMatch, ...]: ...

    async def poi_relation_query(
        self, ext_ids: Sequence[str], *, account_id: str | None = None
    ) -> tuple[PoiMatch, ...]: ...


class GoodsClientFactory(Protocol):
    def __call__(
        self,
        session: aiohttp.ClientSession,
        *,
        tokens: TokenSource,
        base_url: str,
    ) -> GoodsClient: ...


def matched(matches: Collection[PoiMatch]) -> dict[str, str]:
    """Our store ids with the platform's, of those that were found."""
    return {
        match.ext_id: match.poi_id
        for match in matches
        if match.state is MatchState.MATCHED and match.poi_id
    }
