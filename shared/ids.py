"""Identifiers that we make ourselves: time-ordered, so that indexes grow at one end."""

import secrets
from uuid import UUID

import uuid_utils
from asyncpg.pgproto import pgproto
from uuid_utils.compat import uuid7


def new_id() -> UUID:
    return uuid7()


def new_hot_id() -> UUID:
    """The same, of the database driver's class: made, written and compared in C.

    For what is made with every request; orjson does not know it and wants it as text.
    """
    made: UUID = pgproto.UUID(uuid_utils.uuid7().bytes)
    return made


def new_trace_parent() -> str:
    """A W3C `traceparent` (https://www.w3.org/TR/trace-context/) that starts a new trace."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
