"""The actions a token may allow, and who gets which."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

ACTIONS: frozenset[str] = frozenset(
    {
        "after_sales:read",
        "after_sales:write",
        "apps:read",
        "apps:write",
        "audit:read",
        "clients:write",
        "codes:issue",
        "codes:reveal",
        "dead_letters:read",
        "dead_letters:write",
        "deliveries:read",
        "deliveries:reveal",
        "merchants:read",
        "merchants:write",
        "orders:read",
        "platform_tokens:read",
        "products:read",
        "products:write",
        "redemption:read",
        "redemption:write",
        "refund_locks:write",
        "reservations:write",
        "signing_keys:write",
        "staff:read",
        "staff:write",
        "stock:write",
        "stores:read",
        "stores:write",
        "stream:rebuild",
        "terminals:read",
        "terminals:write",
    }
)


class Role(StrEnum):
    OWNER = "owner"
    MANAGER = "manager"
    CLERK = "clerk"
    AUDITOR = "auditor"


_COUNTER = frozenset({"redemption:read", "redemption:write", "stores:read", "merchants:read"})
_MANAGER = _COUNTER | {
    "after_sales:read",
    "after_sales:write",
    "orders:read",
    "products:read",
    "products:write",
    "staff:read",
    "staff:write",
    "stock:write",
    "stores:write",
    "terminals:read",
    "terminals:write",
}
ROLE_ACTIONS: Mapping[Role, frozenset[str]] = MappingProxyType(
    {
        Role.CLERK: _COUNTER,
        Role.MANAGER: _MANAGER,
        Role.OWNER: _MANAGER
        | {
            "apps:read",
            "apps:write",
            "audit:read",
            "clients:write",
            "codes:reveal",
            "deliveries:read",
            "deliveries:reveal",
        },
        Role.AUDITOR: frozenset(
            {
                "after_sales:read",
                "apps:read",
                "audit:read",
                "deliveries:read",
                "merchants:read",
                "orders:read",
                "products:read",
                "redemption:read",
                "staff:read",
                "stores:read",
                "terminals:read",
            }
        ),
    }
)

TERMINAL_ACTIONS = frozenset({"redemption:read", "redemption:write"})

# What a service asks of others, and no more; a service that is not named gets no token.
SERVICE_ACTIONS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "catalog": frozenset({"platform_tokens:read"}),
        # It passes on what a platform asks.
        "intake": frozenset(
            {"after_sales:write", "codes:issue", "orders:read", "reservations:write"}
        ),
        "orders": frozenset({"platform_tokens:read", "refund_locks:write"}),
        "redemption": frozenset({"platform_tokens:read"}),
    }
)

OPERATOR = "operator"
# The merchant that events about clients of every merchant are filed under; no merchant may
# take this slug.
OPERATOR_MERCHANT = "operator"
