"""Password hashes (argon2id), off the event loop and few at a time."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

import argon2

from shared.errors import Rejection, Unavailable

# RFC 9106 and OWASP's smallest advice: 19 MiB, two passes. Two at a time keep memory bounded.
_MEMORY_KIB = 19 * 1024
_PASSES = 2
_AT_ONCE = 2
_WAITING_MAX = 32
_DISTINCT_MIN = 4
Result = TypeVar("Result")


class PasswordTooWeak(Rejection):
    reason = "password_too_weak"
    status = 422


class Passwords:
    def __init__(self) -> None:
        self._hasher = argon2.PasswordHasher(
            time_cost=_PASSES, memory_cost=_MEMORY_KIB, parallelism=1
        )
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._waiting = 0
        # Checked where nobody has that login, so that the answer takes as long.
        self._nobodys = self._hasher.hash("a password that nobody has")

    def require_capacity(self) -> None:
        if self._waiting >= _WAITING_MAX:
            message = "too many people sign in at this moment"
            raise Unavailable(message)

    async def hash(self, password: str) -> str:
        return await self._run(lambda: self._hasher.hash(password))

    async def matches(self, password_hash: str | None, password: str) -> bool:
        """Never true without a hash, and takes as long as with one."""
        matched = await self._run(lambda: self._matches(password_hash or self._nobodys, password))
        return matched and password_hash is not None

    def _matches(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return False

    async def _run(self, work: Callable[[], Result]) -> Result:
        self.require_capacity()
        self._waiting += 1
        try:
            async with self._slots:
                return await asyncio.to_thread(work)
        finally:
            self._waiting -= 1


def require_strength(password: str, login: str) -> None:
    if len(set(password)) < _DISTINCT_MIN or login.casefold() in password.casefold():
        message = (
            f"use a password of {_DISTINCT_MIN} different characters or more, without the login"
        )
        raise PasswordTooWeak(message)
