"""Every SQL statement about data keys."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from shared.postgres.connection import Connection


@dataclass(frozen=True, slots=True)
class WrappedKey:
    key_id: UUID
    merchant: str
    wrapped_key: bytes


async def find_keys(conn: Connection, merchants: Sequence[str]) -> list[WrappedKey]:
    rows = await conn.fetch(
        "SELECT key_id, merchant, wrapped_key FROM data_keys WHERE merchant = ANY($1::text[])",
        merchants,
    )
    return [WrappedKey(*row.values()) for row in rows]


async def find_keys_by_id(conn: Connection, key_ids: Sequence[UUID]) -> list[WrappedKey]:
    rows = await conn.fetch(
        "SELECT key_id, merchant, wrapped_key FROM data_keys WHERE key_id = ANY($1::uuid[])",
        key_ids,
    )
    return [WrappedKey(*row.values()) for row in rows]


async def add_keys(conn: Connection, keys: Sequence[WrappedKey]) -> None:
    """Add keys; where a rival was faster its key stays."""
    await conn.execute(
        """
        INSERT INTO data_keys (key_id, merchant, wrapped_key)
        SELECT * FROM unnest($1::uuid[], $2::text[], $3::bytea[])
        ON CONFLICT (merchant) DO NOTHING
        """,
        [key.key_id for key in keys],
        [key.merchant for key in keys],
        [key.wrapped_key for key in keys],
    )


async def destroy_key(conn: Connection, merchant: str) -> bool:
    status = await conn.execute("DELETE FROM data_keys WHERE merchant = $1", merchant)
    return status == "DELETE 1"
