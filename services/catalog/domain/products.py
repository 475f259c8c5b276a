"""What is sold: a product with its SKUs as a merchant writes it, and as it is kept."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from shared.contracts.products import (
    CodeOrigin,
    Days,
    Hours,
    ProductChanged,
    ProductKind,
    ProductState,
    RefundDecision,
    RefundRules,
    Restock,
    Sku,
    StockBy,
    UsageRules,
)

SKUS_MAX = 100
_LIST_MAX = 500
_FEN_MAX = 10**10
# Control characters, surrogates, line and paragraph separators: no title or id holds them.
_UNWANTED = frozenset({"Cc", "Cs", "Zl", "Zp"})


def _is_clean(text: str) -> str:
    if not _UNWANTED.isdisjoint(map(unicodedata.category, text)):
        message = "must not contain line breaks or control characters"
        raise ValueError(message)
    return text


Title = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    AfterValidator(_is_clean),
]
# Stands in paths, so it is one segment that needs no quoting.
Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")]
PlatformId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]{1,64}$")]
Fen = Annotated[int, Field(ge=0, le=_FEN_MAX)]
Slot = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=64),
    AfterValidator(_is_clean),
]


class Strict(BaseModel):
    """Unknown members are refused: a mistyped one must not be taken for its default."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class HoursDraft(Hours, extra="forbid"):
    pass


class DaysDraft(Days, extra="forbid"):
    pass


class UsageDraft(UsageRules, extra="forbid"):
    dates: DaysDraft | None = None
    weekdays: Annotated[tuple[Annotated[int, Field(ge=1, le=7)], ...], Field(max_length=7)] = ()
    hours: Annotated[tuple[HoursDraft, ...], Field(max_length=24)] = ()
    blackouts: Annotated[tuple[DaysDraft, ...], Field(max_length=_LIST_MAX)] = ()
    store_ids: Annotated[tuple[Id, ...], Field(max_length=10_000)] | None = None


class RefundDraft(RefundRules, extra="forbid"):
    before_use: RefundDecision = RefundDecision.ALLOW


class SkuDraft(Strict):
    """Without ids of its own it gets one that serves as its third-party id too."""

    sku_id: Id | None = None
    platform_sku_id: PlatformId | None = None
    third_sku_id: PlatformId | None = None
    title: Title
    price_fen: Fen
    # Left out: sold at its ordinary price.
    original_price_fen: Fen | None = None
    times: int = Field(default=1, ge=1, le=1000)
    admits: int = Field(default=1, ge=1, le=100)
    stock_by: StockBy = StockBy.SKU
    usage: UsageDraft | None = None


class ProductDraft(Strict):
    """What a merchant says of a product. `restock_on_refund` left out: as usual for its kind."""

    platform: str = "douyin"
    platform_product_id: PlatformId | None = None
    kind: ProductKind
    title: Title
    code_origin: CodeOrigin = CodeOrigin.PLATFORM
    sale_from: AwareDatetime | None = None
    sale_to: AwareDatetime | None = None
    per_buyer_max: int | None = Field(default=None, ge=1, le=1000)
    usage: UsageDraft = UsageDraft()
    refund: RefundDraft = RefundDraft()
    restock_on_refund: Restock | None = None
    skus: Annotated[tuple[SkuDraft, ...], Field(min_length=1, max_length=SKUS_MAX)]

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        for name in ("sku_id", "platform_sku_id", "third_sku_id"):
            given = [value for sku in self.skus if (value := getattr(sku, name)) is not None]
            if len(set(given)) < len(given):
                message = f"skus: two have the same {name}"
                raise ValueError(message)
        return self


class Wanted(StrEnum):
    """What the merchant wants; `state` says what is."""

    ON_SHELF = "on_shelf"
    OFF_SHELF = "off_shelf"


@dataclass(frozen=True, slots=True)
class Content:
    """All of a product that its merchant decides."""

    product_id: str
    merchant: str
    platform: str
    account_id: str | None
    platform_product_id: str | None
    kind: ProductKind
    title: str
    code_origin: CodeOrigin
    sale_from: datetime | None
    sale_to: datetime | None
    per_buyer_max: int | None
    usage: UsageRules
    refund: RefundRules
    restock_on_refund: Restock
    skus: tuple[Sku, ...]


@dataclass(frozen=True, slots=True)
class Product:
    """As it is kept."""

    product_key: int
    content: Content
    state: ProductState
    wanted: Wanted
    version: int
    created_at: datetime
    changed_at: datetime


def content_of(
    draft: ProductDraft,
    *,
    product_id: str,
    merchant: str,
    account_id: str | None,
    sku_ids: Sequence[str],
) -> Content:
    """`sku_ids`: one for each SKU, taken where the draft names none."""
    return Content(
        product_id=product_id,
        merchant=merchant,
        platform=draft.platform,
        account_id=account_id,
        platform_product_id=draft.platform_product_id,
        kind=draft.kind,
        title=draft.title,
        code_origin=draft.code_origin,
        sale_from=draft.sale_from,
        sale_to=draft.sale_to,
        per_buyer_max=draft.per_buyer_max,
        usage=UsageRules.model_validate(draft.usage.model_dump()),
        refund=RefundRules.model_validate(draft.refund.model_dump()),
        restock_on_refund=draft.restock_on_refund or _usual_restock(draft.kind),
        skus=tuple(_sku(sku, made) for sku, made in zip(draft.skus, sku_ids, strict=True)),
    )


def keep_platform_ids(content: Content, before: Content) -> Content:
    """What the platform calls them is learnt from it: left out means as it was."""
    known = {sku.sku_id: sku.platform_sku_id for sku in before.skus}
    return replace(
        content,
        platform_product_id=content.platform_product_id or before.platform_product_id,
        skus=tuple(
            sku.model_copy(update={"platform_sku_id": sku.platform_sku_id or known.get(sku.sku_id)})
            for sku in content.skus
        ),
    )


def _usual_restock(kind: ProductKind) -> Restock:
    return Restock.BEFORE_DAY if kind is ProductKind.TICKET else Restock.NEVER


def _sku(draft: SkuDraft, made: str) -> Sku:
    sku_id = draft.sku_id or made
    original = draft.price_fen if draft.original_price_fen is None else draft.original_price_fen
    return Sku(
        sku_id=sku_id,
        platform_sku_id=draft.platform_sku_id,
        third_sku_id=draft.third_sku_id or sku_id,
        title=draft.title,
        price_fen=draft.price_fen,
        original_price_fen=original,
        times=draft.times,
        admits=draft.admits,
        stock_by=draft.stock_by,
        usage=None if draft.usage is None else UsageRules.model_validate(draft.usage.model_dump()),
    )


def said_of(product: Product) -> ProductChanged:
    """The whole product, as subscribers get it."""
    content = product.content
    return ProductChanged(
        product_id=content.product_id,
        platform=content.platform,
        account_id=content.account_id,
        platform_product_id=content.platform_product_id,
        kind=content.kind,
        title=content.title,
        state=product.state,
        code_origin=content.code_origin,
        sale_from=content.sale_from,
        sale_to=content.sale_to,
        per_buyer_max=content.per_buyer_max,
        usage=content.usage,
        refund=content.refund,
        restock_on_refund=content.restock_on_refund,
        skus=content.skus,
    )
