"""What a customer's code can look like when it reaches us, and what it stands for."""

import re
import unicodedata
from collections.abc import Collection, Iterator
from urllib.parse import SplitResult, parse_qs, urlsplit

from shared.errors import Rejection
from shared.platforms.reasons import Reason
from shared.platforms.scans import EncryptedData, Scan, ShortLink, TypedCode

DEFAULT_SHORT_LINK_ORIGINS: tuple[str, ...] = ("https://v.douyin.com",)
LONG_LINK_DOMAINS = ("iesdouyin.com", "douyin.com")
MAX_TEXT_LENGTH = 2_000
MAX_ENCRYPTED_DATA_LENGTH = 1_024

# The platform promises no length and no trailing slash.
_SHORT_PATH = re.compile(r"/([A-Za-z0-9_-]{1,256})/?", re.ASCII)
_CODE = re.compile(r"[0-9]{8,20}", re.ASCII)
# What people copy along with a code.
_LABEL = re.compile(r"^(?:券码|券号|核销码|code)\s*[::]?\s*", re.IGNORECASE)
_ENCRYPTED_DATA = re.compile(rf"[!-~]{{8,{MAX_ENCRYPTED_DATA_LENGTH}}}", re.ASCII)
# What scanner guns put before the data (AIM symbology identifiers), when told to.
_SYMBOLOGY = re.compile(r"^\][A-Za-z][0-9A-Za-z]")
# A link ends at a blank or at anything outside ASCII, as in the share text of the app.
_LINK = re.compile(r"https?://[!-~]+", re.ASCII | re.IGNORECASE)
_BARE_LINK = re.compile(r"(?<![\w./@:-])[a-z0-9.-]+/[!-~]+", re.ASCII | re.IGNORECASE)
_LINK_TAIL = "'\"<>()[]{},;.!"


def parse_scan(
    text: str, *, short_link_origins: Collection[str] = DEFAULT_SHORT_LINK_ORIGINS
) -> Scan:
    """Understand a scan, or raise a Rejection with reason code_unreadable.

    A short link is only accepted on one of the origins given: it is going to be fetched.
    """
    if len(text) > MAX_TEXT_LENGTH:
        raise _unreadable(f"the text is longer than {MAX_TEXT_LENGTH} characters")
    cleaned = _without_artefacts(text)
    # A full-width keyboard turns even a scanner gun's letters into full-width ones.
    narrow = unicodedata.normalize("NFKC", cleaned)
    links = [*_links(cleaned), *_links(narrow)]
    for link in links:
        scan = _scan_of_link(link, short_link_origins)
        if scan is not None:
            return scan
    if links:
        raise _unreadable("the link does not lead to a coupon")
    return _typed_code(narrow)


def is_allowed(link: ShortLink, *, short_link_origins: Collection[str]) -> bool:
    """Whether the link is on one of these origins: asked again just before it is fetched."""
    split = _split(link.url)
    return split is not None and _origin(split) in short_link_origins


def encrypted_data_of(location: str) -> EncryptedData | None:
    """The coupon that a short link's redirect names, if it names one.

    Only the parameter counts: the platform says that host, path and the rest may change. The
    address is not fetched, so it needs no allow-list.
    """
    link = _split(location)
    return None if link is None else _object_id(link)


def _without_artefacts(text: str) -> str:
    """Drop what scanner guns and copying add: marks of byte order, controls, symbology."""
    visible = "".join(
        " " if character in "\r\n\t" else character
        for character in text
        if character in "\r\n\t" or unicodedata.category(character) not in {"Cc", "Cf", "Cs"}
    )
    return _SYMBOLOGY.sub("", visible.strip()).strip()


def _links(text: str) -> Iterator[SplitResult]:
    found = _LINK.findall(text) or [f"https://{bare}" for bare in _BARE_LINK.findall(text)]
    for link in found:
        split = _split(link.rstrip(_LINK_TAIL))
        if split is not None:
            yield split


def _split(link: str) -> SplitResult | None:
    try:
        split = urlsplit(link)
        _ = split.port  # a port that is no number is found out only when asked for
    except ValueError:
        return None
    # user@host only serves to make a link look like another one.
    return split if split.hostname and "@" not in split.netloc else None


def _origin(link: SplitResult) -> str:
    usual = {"http": 80, "https": 443}.get(link.scheme)
    port = f":{link.port}" if link.port not in (None, usual) else ""
    return f"{link.scheme}://{link.hostname}{port}"


def _scan_of_link(link: SplitResult, short_link_origins: Collection[str]) -> Scan | None:
    # A short link shared without TLS is asked with it where that is what is allowed.
    origins = (_origin(link), _origin(link._replace(scheme="https")))
    allowed = next((origin for origin in origins if origin in short_link_origins), None)
    if allowed or _is_long_link(link):
        named = _object_id(link)
        if named is not None:
            return named
    path = _SHORT_PATH.fullmatch(link.path)
    return ShortLink(f"{allowed}/{path[1]}/") if allowed and path else None


def _is_long_link(link: SplitResult) -> bool:
    host = f".{link.hostname}"
    return any(host.endswith(f".{domain}") for domain in LONG_LINK_DOMAINS)


def _object_id(link: SplitResult) -> EncryptedData | None:
    try:
        values = parse_qs(link.query, max_num_fields=50).get("object_id", [])
    except ValueError:
        return None
    # A bare + in a query reads as a blank, which Base64 does not have.
    value = values[0].replace(" ", "+") if values else ""
    return EncryptedData(value) if _ENCRYPTED_DATA.fullmatch(value) else None


def _typed_code(text: str) -> TypedCode:
    text = _LABEL.sub("", text)
    # A gun that fires twice types the same code twice.
    repeated = set(text.split())
    candidates = [*(repeated if len(repeated) == 1 else ()), text]
    for candidate in map(_digits, candidates):
        half = candidate[: len(candidate) // 2]
        if _CODE.fullmatch(candidate):
            return TypedCode(candidate)
        if _CODE.fullmatch(half) and candidate == half + half:
            return TypedCode(half)
    raise _unreadable("neither a coupon link nor the digits of a coupon code")


def _digits(text: str) -> str:
    """Digits of any script as ASCII, without blanks and dashes."""
    return "".join(
        str(unicodedata.decimal(character, character))
        for character in text
        if not character.isspace() and unicodedata.category(character) != "Pd"
    )


def _unreadable(detail: str) -> Rejection:
    return Rejection(detail, reason=Reason.CODE_UNREADABLE)
