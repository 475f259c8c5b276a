"""Codes that we issue (三方码): made at random, checked by one character, read as people type.

Fifteen random characters of 32 (75 bits) and a check character, in four groups of four. The
alphabet is Crockford's: no I, L, O or U. The check is a weighted sum over the field of 32
elements, whose weights all differ: one wrong character and any two characters in each other's
places, neighbours or not, are always found.
"""

import re
import secrets
import unicodedata
from dataclasses import dataclass
from typing import Final

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
RANDOM_CHARACTERS: Final = 15
LENGTH: Final = RANDOM_CHARACTERS + 1
# How much of a code counts as its beginning, for those who guess the rest.
PREFIX: Final = 8
_GROUP: Final = 4
_VALUES: Final = {character: value for value, character in enumerate(ALPHABET)}
# x^5 + x^2 + 1, of which 2 generates the field.
_POLYNOMIAL: Final = 0b100101
# Digits alone are the platform's codes, so ours have letters that nobody takes for digits, and
# still some after a slip of the finger or two.
_LETTERS_MADE_MIN: Final = 4
_LETTERS_READ_MIN: Final = 2
_READ_AS: Final = str.maketrans({"O": "0", "I": "1", "L": "1"})
_SEPARATORS: Final = re.compile(r"[\s\-‐-―−_.·]+")
_TEXT_MAX: Final = 100
_LENGTHS_NEARBY: Final = range(LENGTH - 2, LENGTH + 3)


@dataclass(frozen=True, slots=True)
class Code:
    """A code whose check character is right, in its one written form."""

    value: str

    @property
    def grouped(self) -> str:
        return "-".join(
            self.value[start : start + _GROUP] for start in range(0, len(self.value), _GROUP)
        )

    @property
    def prefix(self) -> str:
        return self.value[:PREFIX]


@dataclass(frozen=True, slots=True)
class Mistyped:
    """Surely meant as one of our codes, and surely not one."""

    detail: str


def new_code() -> Code:
    while True:
        # 256 is a multiple of 32: each character is as likely as any other.
        random = "".join(ALPHABET[byte % 32] for byte in secrets.token_bytes(RANDOM_CHARACTERS))
        if _letters(random) >= _LETTERS_MADE_MIN:
            return Code(random + check_character(random))


def read_code(text: str) -> Code | Mistyped | None:
    """What was scanned or typed; None if it is no code of ours but may be anything else."""
    if len(text) > _TEXT_MAX:
        return None
    plain = _SEPARATORS.sub("", unicodedata.normalize("NFKC", text)).upper()
    characters = plain.translate(_READ_AS)
    if not _may_be_ours(characters):
        return None
    if len(characters) != LENGTH:
        return Mistyped(f"the code has {LENGTH} characters, this one {len(characters)}")
    strange = sorted(set(characters) - set(ALPHABET))
    if strange:
        return Mistyped(f"one character is wrong: there is no {strange[0]} in our codes")
    if check_character(characters[:-1]) != characters[-1]:
        return Mistyped("one character is wrong, or two are in each other's places")
    return Code(characters)


def _may_be_ours(characters: str) -> bool:
    return (
        len(characters) in _LENGTHS_NEARBY
        and characters.isascii()
        and characters.isalnum()
        and _letters(characters) >= _LETTERS_READ_MIN
    )


def check_character(random: str) -> str:
    total = 0
    for place, character in enumerate(random):
        total ^= _PRODUCTS[place][_VALUES[character]]
    return ALPHABET[total]


def _letters(characters: str) -> int:
    return sum(character.isalpha() for character in characters)


def _times(left: int, right: int) -> int:
    """The product of two elements of the field of 32."""
    product = 0
    while right:
        if right & 1:
            product ^= left
        left <<= 1
        if left & len(ALPHABET):
            left ^= _POLYNOMIAL
        right >>= 1
    return product


def _weights() -> list[int]:
    """Powers of the generator from its first on: the check character itself weighs 1."""
    weights = [2]
    while len(weights) < RANDOM_CHARACTERS:
        weights.append(_times(weights[-1], 2))
    return weights


_PRODUCTS: Final = [[_times(weight, value) for value in range(32)] for weight in _weights()]
