"""The tables hold what the domain says, and nothing else."""

import re
from collections.abc import Iterable

import asyncpg
import pytest

from services.access.domain.actions import OPERATOR_MERCHANT, Role
from services.access.domain.states import ClientState, StaffState, TerminalState
from shared.contracts.envelope import MERCHANT_PATTERN
from shared.postgres.connection import Connection

_AWAITING = """
INSERT INTO merchants (merchant, name, platform) VALUES ('yihetang', 'x', 'douyin');
INSERT INTO stores (store_id, merchant, name, platform, poi_id, time_zone, open)
VALUES ('guanggu', 'yihetang', 'x', 'douyin', '1', 'Asia/Shanghai', true);
INSERT INTO terminals
    (terminal_id, merchant, store_id, name, state, enrolment_code_hash, enrolment_expires_at)
VALUES (gen_random_uuid(), 'yihetang', 'guanggu', 'x', 'awaiting_enrolment', 'x', now());
"""


async def _check(postgres: Connection, name: str) -> str:
    """The text of a CHECK as PostgreSQL understood it."""
    return str(
        await postgres.fetchval(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = $1", name
        )
    )


@pytest.mark.parametrize(
    ("constraint", "states"),
    [
        ("terminal_state_is_known", TerminalState),
        ("staff_state_is_known", StaffState),
        ("staff_role_is_known", Role),
        ("client_state_is_known", ClientState),
    ],
)
async def test_a_check_names_the_states_of_the_domain(
    postgres: Connection, constraint: str, states: Iterable[str]
) -> None:
    assert set(re.findall(r"'(\w+)'::text", await _check(postgres, constraint))) == set(states)


async def test_the_merchants_pattern_is_that_of_the_contracts(postgres: Connection) -> None:
    assert MERCHANT_PATTERN.pattern in await _check(postgres, "merchant_is_a_subject_token")
    assert f"'{OPERATOR_MERCHANT}'" in await _check(postgres, "merchant_is_not_reserved")


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("state = 'active'", "active_means_enrolled_with_a_key"),
        ("state = 'revoked'", "code_only_while_awaiting_enrolment"),
        ("enrolment_code_hash = NULL", "code_only_while_awaiting_enrolment"),
        ("public_key = '{}'", "key_is_void_while_awaiting_enrolment"),
    ],
)
async def test_a_terminal_that_cannot_be_is_refused(
    postgres: Connection, change: str, constraint: str
) -> None:
    with pytest.raises(asyncpg.CheckViolationError) as refused:
        await _change_a_terminal(postgres, change)
    assert refused.value.constraint_name == constraint


async def _change_a_terminal(postgres: Connection, change: str) -> None:
    async with postgres.transaction():
        await postgres.execute(_AWAITING)
        await postgres.execute(f"UPDATE terminals SET {change}")  # noqa: S608 - from above
