"""Ids and codes in the platform's shapes, made from running numbers so that none comes twice."""

import secrets
from collections.abc import Iterator
from datetime import datetime

BLOCK_SIZE = 10_000

_ID_BITS = 32
_ID_FACTOR = 2_654_435_761
_CODES = 9 * 10**11
_CODE_FACTOR = 421_337_604_983
_SHORT_DIGITS = 7
_SHORT_IDS = 62**_SHORT_DIGITS
_SHORT_FACTOR = 1_299_827_467_931
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def block(number: int) -> Iterator[int]:
    return iter(range(number * BLOCK_SIZE, (number + 1) * BLOCK_SIZE))


def entity_id(number: int, now: datetime) -> int:
    """19 digits, as the platform's: the second in the upper half, a scrambled number below."""
    return (int(now.timestamp()) << _ID_BITS) | (number * _ID_FACTOR) % (1 << _ID_BITS)


def coupon_code(number: int) -> str:
    """12 digits that do not follow each other."""
    return str(10**11 + (number * _CODE_FACTOR) % _CODES)


def short_link_id(number: int) -> str:
    scrambled = (number * _SHORT_FACTOR) % _SHORT_IDS
    digits = []
    for _ in range(_SHORT_DIGITS):
        scrambled, digit = divmod(scrambled, 62)
        digits.append(_ALPHABET[digit])
    return "".join(digits)


def open_id() -> str:
    """A user as one app sees them."""
    return f"_000{secrets.token_urlsafe(18)}"


def log_id(now: datetime) -> str:
    return f"{now:%Y%m%d%H%M%S}{secrets.token_hex(10).upper()}"


def access_token() -> str:
    return f"clt.{secrets.token_hex(16)}{secrets.token_urlsafe(18)}"
