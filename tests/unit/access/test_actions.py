"""Roles: each exact, none above its own kind."""

from services.access.domain.actions import (
    ACTIONS,
    ROLE_ACTIONS,
    SERVICE_ACTIONS,
    TERMINAL_ACTIONS,
    Role,
)

_CLERK = {"merchants:read", "redemption:read", "redemption:write", "stores:read"}
_MANAGER = _CLERK | {
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


def test_each_role_allows_exactly_this() -> None:
    assert {
        Role.CLERK: _CLERK,
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
        Role.AUDITOR: {
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
        },
    } == ROLE_ACTIONS


def test_no_role_and_no_terminal_has_what_is_the_operators() -> None:
    operators = {
        "codes:issue",
        "dead_letters:read",
        "dead_letters:write",
        "merchants:write",
        "platform_tokens:read",
        "refund_locks:write",
        "reservations:write",
        "signing_keys:write",
        "stream:rebuild",
    }
    people = frozenset().union(*ROLE_ACTIONS.values()) | TERMINAL_ACTIONS
    assert ACTIONS - people == operators


def test_an_auditor_only_reads() -> None:
    assert all(action.endswith(":read") for action in ROLE_ACTIONS[Role.AUDITOR])


def test_services_get_what_they_ask_of_others_and_nothing_else() -> None:
    assert {
        "catalog": {"platform_tokens:read"},
        "intake": {"after_sales:write", "codes:issue", "orders:read", "reservations:write"},
        "orders": {"platform_tokens:read", "refund_locks:write"},
        "redemption": {"platform_tokens:read"},
    } == SERVICE_ACTIONS
