"""The actions a token may allow, and who gets which."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

ACTIONS: frozenset[str] = frozenset(
    {
        "apps:read",
        "apps:write",
        "audit:read",
        "clients:write",
        "dead_letters:read",
        "dead_letters:write",
        "deliveries:read",
        "deliveries:reveal",
        "merchants:read",
        "merchants:write",
        "orders:read",
        "platform_tokens:read",
        "redemption:read",
        "redemption:write",
        "signing_keys:write",
        "staff:read",
        "staff:write",
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
    "orders:read",
    "staff:read",
    "staff:write",
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
            "deliveries:read",
            "deliveries:reveal",
        },
        Role.AUDITOR: frozenset(
            {
                "apps:read",
                "audit:read",
                "deliveries:read",
                "merchants:read",
                "orders:read",
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
        "orders": frozenset({"platform_tokens:read"}),
        "redemption": frozenset({"platform_tokens:read"}),
    }
)

OPERATOR = "operator"
# The merchant that events about clients of every merchant are filed under; no merchant may
# take this slug.
OPERATOR_MERCHANT = "operator"
