"""Nobody grants more than they have."""

from datetime import UTC, datetime

import pytest

from services.access.domain.actions import ROLE_ACTIONS, Role
from services.access.domain.grants import (
    GrantsMore,
    covers,
    reaches,
    require_grantable,
    unless_hidden,
)
from shared.errors import NotFound
from shared.web.principal import Principal

_NOW = datetime(2026, 11, 21, tzinfo=UTC)


def _principal(
    role: Role, *, stores: tuple[str, ...] | None = None, merchant: str = "yihetang"
) -> Principal:
    return Principal("staff:1", merchant, stores, ROLE_ACTIONS[role], _NOW, _NOW)


@pytest.mark.parametrize(
    ("by", "to", "may"),
    [
        (Role.OWNER, Role.OWNER, True),
        (Role.OWNER, Role.MANAGER, True),
        (Role.OWNER, Role.CLERK, True),
        (Role.OWNER, Role.AUDITOR, True),
        (Role.MANAGER, Role.OWNER, False),
        (Role.MANAGER, Role.MANAGER, True),
        (Role.MANAGER, Role.CLERK, True),
        (Role.MANAGER, Role.AUDITOR, False),
        (Role.CLERK, Role.MANAGER, False),
        (Role.AUDITOR, Role.CLERK, False),
    ],
)
def test_a_role_is_given_by_who_has_all_of_it(by: Role, to: Role, may: bool) -> None:  # noqa: FBT001
    if may:
        require_grantable(_principal(by), actions=ROLE_ACTIONS[to], stores=None)
    else:
        with pytest.raises(GrantsMore):
            require_grantable(_principal(by), actions=ROLE_ACTIONS[to], stores=None)


def test_stores_held_bound_the_stores_given() -> None:
    assert covers(None, None)
    assert covers(None, ["a"])
    assert covers(("a", "b"), ["a"])
    assert not covers(("a", "b"), ["a", "c"])
    assert not covers(("a", "b"), None)
    with pytest.raises(GrantsMore):
        require_grantable(_principal(Role.OWNER, stores=("a",)), actions=frozenset(), stores=None)


def test_what_is_another_merchants_does_not_exist() -> None:
    owner = _principal(Role.OWNER)
    assert reaches(owner, "yihetang", ["a"])
    with pytest.raises(NotFound):
        unless_hidden(owner, what="store", merchant="other", stores=["a"])
    with pytest.raises(NotFound):
        unless_hidden(owner, what="client", merchant=None, stores=None)
