"""Reads rows, and what a column of them holds as JSON."""

from typing import Any, Final

from pydantic import TypeAdapter

from services.redemption.domain.records import Claim, Fact, Offer, Spent
from shared.postgres.connection import Row

OFFERS: Final = TypeAdapter(tuple[Offer, ...])
CLAIMS: Final = TypeAdapter(tuple[Claim, ...])
FACTS: Final = TypeAdapter(tuple[Fact, ...])
SPENT: Final = TypeAdapter(tuple[Spent, ...])


def only(row: Row | None) -> list[Any]:
    """The values of a statement that always gives one row. Any: asyncpg knows no column types."""
    if row is None:
        message = "the statement gave no row"
        raise LookupError(message)
    return list(row.values())
