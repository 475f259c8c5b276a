"""What catalog says of its platforms: a product was changed there behind our back."""

from datetime import datetime
from typing import Any, ClassVar

from shared.contracts.envelope import Contract, EventData


class FieldDrift(Contract):
    """`field` is `title`, `shelf`, `skus.<sku_id>.price_fen` …"""

    field: str
    ours: Any
    theirs: Any


class ProductDrifted(EventData):
    """Subject is the product's id. Nothing is overwritten until a person says whose version holds.

    `version` counts the times that this was found of the product.
    """

    TYPE: ClassVar[str] = "product.drifted"
    SOURCE: ClassVar[str] = "qiao/catalog"

    product_id: str
    platform: str
    platform_product_id: str | None
    title: str
    drifted_at: datetime
    differences: tuple[FieldDrift, ...]
