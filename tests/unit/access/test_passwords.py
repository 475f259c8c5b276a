"""Passwords: argon2id, few at a time, and no quicker for people who do not exist."""

import asyncio
import time

import pytest

from services.access.handlers import passwords
from services.access.handlers.passwords import Passwords, PasswordTooWeak, require_strength
from shared.errors import Unavailable


async def test_a_hash_is_argon2id_with_19_mib_two_passes_and_one_lane() -> None:
    password_hash = await Passwords().hash("correct horse 42")
    assert password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


async def test_only_the_right_password_matches() -> None:
    some = Passwords()
    password_hash = await some.hash("correct horse 42")
    assert await some.matches(password_hash, "correct horse 42")
    assert not await some.matches(password_hash, "correct horse 43")
    assert not await some.matches(None, "a password that nobody has")
    assert not await some.matches("not a hash", "correct horse 42")


async def test_an_unknown_login_takes_as_long_as_a_wrong_password() -> None:
    some = Passwords()
    password_hash = await some.hash("correct horse 42")

    async def seconds(known: str | None) -> float:
        started = time.perf_counter()
        await some.matches(known, "wrong horse 42")
        return time.perf_counter() - started

    await seconds(None)
    wrong = min([await seconds(password_hash) for _ in range(5)])
    unknown = min([await seconds(None) for _ in range(5)])
    assert 0.5 < unknown / wrong < 2


async def test_over_the_queue_the_answer_is_not_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_WAITING_MAX", 3)
    some = Passwords()
    answers = await asyncio.gather(
        *(some.hash("correct horse 42") for _ in range(8)), return_exceptions=True
    )
    assert sum(isinstance(answer, Unavailable) for answer in answers) == 5
    assert sum(isinstance(answer, str) for answer in answers) == 3


@pytest.mark.parametrize("password", ["aaaaaaaaaa", "ababababab", "x-WANG.LI-x"])
def test_a_weak_password_is_refused(password: str) -> None:
    with pytest.raises(PasswordTooWeak):
        require_strength(password, "wang.li")
