"""Identifiers that we make ourselves: time-ordered, so that indexes grow at one end."""

import secrets
from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    return uuid7()


def new_trace_parent() -> str:
    """A W3C `traceparent` (https://www.w3.org/TR/trace-context/) that starts a new trace."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
