"""Enrolment codes: short enough to type, checked before they are looked up."""

import secrets

from shared.errors import Unreadable

# 31 characters that nobody confuses (no 0 O 1 I L); 31 is prime, so the check finds every
# single mistyped character and every two that changed places.
ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
_RANDOM_CHARACTERS = 10
_GROUP = 4


class CodeMistyped(Unreadable):
    reason = "enrolment_code_mistyped"


def new_code() -> str:
    body = "".join(secrets.choice(ALPHABET) for _ in range(_RANDOM_CHARACTERS))
    return body + _check_character(body)


def show_code(code: str) -> str:
    """In groups, as people read it: `ABCD-EFGH-JKM`."""
    return "-".join(code[start : start + _GROUP] for start in range(0, len(code), _GROUP))


def read_code(typed: str) -> str:
    """The code without what people add to it. Raises CodeMistyped."""
    code = "".join(typed.split()).replace("-", "").upper()
    if len(code) != _RANDOM_CHARACTERS + 1 or set(code) - set(ALPHABET):
        message = f"the code has {_RANDOM_CHARACTERS + 1} letters and digits, such as ABCD-EFGH-JKM"
        raise CodeMistyped(message)
    if _check_character(code[:-1]) != code[-1]:
        message = "the code is mistyped: compare it with the screen it was shown on"
        raise CodeMistyped(message)
    return code


def _check_character(body: str) -> str:
    total = sum(
        weight * ALPHABET.index(character) for weight, character in enumerate(body, start=2)
    )
    return ALPHABET[-total % len(ALPHABET)]
