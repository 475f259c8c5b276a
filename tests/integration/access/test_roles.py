"""Who may call what: each role against each route, and nobody without a token."""

from collections.abc import Mapping
from uuid import uuid4

import pytest

from services.access.domain.actions import ACTIONS, ROLE_ACTIONS, TERMINAL_ACTIONS, Role
from services.access.http import ROUTES
from shared.errors import Rejection
from shared.web.operations import HEALTH_ROUTES, OPERATION_ROUTES
from tests.support.access import Access, refusal

# Written out once more on purpose: who may call a route is not changed by accident.
_ACTIONS: Mapping[tuple[str, str], str | None] = {
    ("GET", "/.well-known/jwks.json"): None,
    ("GET", "/v1/revocations"): None,
    ("POST", "/v1/token"): None,
    ("POST", "/v1/sign-in"): None,
    ("POST", "/v1/sign-in/renew"): None,
    ("POST", "/v1/sign-in/password"): None,
    ("POST", "/v1/terminals/enrol"): None,
    ("POST", "/v1/terminals/{terminal_id}/token"): None,
    ("POST", "/v1/merchants"): "merchants:write",
    ("GET", "/v1/merchants"): "merchants:read",
    ("GET", "/v1/merchants/{merchant}"): "merchants:read",
    ("PATCH", "/v1/merchants/{merchant}"): "merchants:write",
    ("POST", "/v1/stores"): "stores:write",
    ("GET", "/v1/stores"): "stores:read",
    ("GET", "/v1/stores/{store_id}"): "stores:read",
    ("PATCH", "/v1/stores/{store_id}"): "stores:write",
    ("POST", "/v1/staff"): "staff:write",
    ("GET", "/v1/staff"): "staff:read",
    ("GET", "/v1/staff/{staff_id}"): "staff:read",
    ("PATCH", "/v1/staff/{staff_id}"): "staff:write",
    ("POST", "/v1/staff/{staff_id}/deactivate"): "staff:write",
    ("POST", "/v1/staff/{staff_id}/password"): "staff:write",
    ("POST", "/v1/terminals"): "terminals:write",
    ("GET", "/v1/terminals"): "terminals:read",
    ("GET", "/v1/terminals/{terminal_id}"): "terminals:read",
    ("POST", "/v1/terminals/{terminal_id}/roll"): "terminals:write",
    ("POST", "/v1/terminals/{terminal_id}/revoke"): "terminals:write",
    ("POST", "/v1/clients"): "clients:write",
    ("GET", "/v1/clients"): "clients:write",
    ("GET", "/v1/clients/{client_id}"): "clients:write",
    ("POST", "/v1/clients/{client_id}/revoke"): "clients:write",
    ("GET", "/v1/audit"): "audit:read",
    ("GET", "/v1/audit/verify"): "audit:read",
    ("POST", "/v1/signing-keys/rotate"): "signing_keys:write",
}
_GUARDED = [(route, action) for route, action in _ACTIONS.items() if action is not None] + [
    ((route.method, route.path), route.action)
    for route in OPERATION_ROUTES
    if route.action is not None
]


def _of_nothing(path: str) -> str:
    """The path with ids that nothing has."""
    for name in ("terminal_id", "staff_id", "dead_letter_id"):
        path = path.replace(f"{{{name}}}", str(uuid4()))
    return path.replace("{", "").replace("}", "")


async def _forbidden(access: Access, token: str) -> set[tuple[str, str]]:
    """The routes that this token may not call at all."""
    refused = set()
    for (method, path), _ in _GUARDED:
        try:
            await access.call(method, _of_nothing(path), token=token)
        except Rejection as rejection:
            if rejection.reason == "forbidden":
                refused.add((method, path))
    return refused


def test_each_route_needs_exactly_this_action() -> None:
    own = [route for route in ROUTES if route not in (*HEALTH_ROUTES, *OPERATION_ROUTES)]
    assert {(route.method, route.path): route.action for route in own} == _ACTIONS
    assert {action for _, action in _GUARDED} <= ACTIONS


@pytest.mark.parametrize("role", list(Role))
async def test_a_role_reaches_what_its_actions_name_and_nothing_else(
    access: Access, role: Role
) -> None:
    person = await access.add_staff(await access.new_merchant(), role=role)
    expected = {route for route, action in _GUARDED if action not in ROLE_ACTIONS[role]}
    assert await _forbidden(access, await person.token()) == expected


async def test_a_terminal_reaches_nothing_here(access: Access) -> None:
    terminal = await access.add_terminal(await access.add_store(await access.new_merchant()))
    expected = {route for route, action in _GUARDED if action not in TERMINAL_ACTIONS}
    assert await _forbidden(access, await terminal.token()) == expected
    assert len(expected) == len(_GUARDED)


async def test_a_service_reaches_nothing_here(access: Access) -> None:
    expected = {route for route, _ in _GUARDED}
    assert await _forbidden(access, await access.service_token("redemption")) == expected


async def test_the_operator_reaches_everything(access: Access) -> None:
    assert await _forbidden(access, await access.operator_token()) == set()


async def test_without_a_token_nothing_guarded_is_answered(access: Access) -> None:
    for (method, path), _ in _GUARDED:
        asked = access.call(method, _of_nothing(path))
        assert await refusal(asked) == (401, "token_missing")
        asked = access.call(method, _of_nothing(path), token="a.b.c")
        assert await refusal(asked) == (401, "token_invalid")
