"""What a terminal scanned or a clerk typed, once understood."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ShortLink:
    """A link that must be asked once where it leads; its origin is one that was allowed."""

    url: str


@dataclass(frozen=True, slots=True)
class EncryptedData:
    """The platform's own opaque word for the coupons, as its prepare call wants it."""

    value: str


@dataclass(frozen=True, slots=True)
class TypedCode:
    """The digits printed under the QR code."""

    code: str


Scan = ShortLink | EncryptedData | TypedCode
