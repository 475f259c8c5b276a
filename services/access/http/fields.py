"""The members of request bodies, each with its limits, and how to read what is optional."""

import re
import unicodedata
from datetime import datetime
from functools import cache
from typing import Annotated, TypeVar
from zoneinfo import available_timezones

from aiohttp import web
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
)

from services.access.domain.actions import ACTIONS
from shared.contracts.envelope import MERCHANT_PATTERN
from shared.errors import Unreadable
from shared.platforms.registry import PLATFORMS
from shared.web.body import read_raw
from shared.web.pages import read_cursor, read_limit

_TEXT_MAX = 200
# Control characters, surrogates, line and paragraph separators; other spaces are typed by people.
_UNWANTED = frozenset({"Cc", "Cs", "Zl", "Zp"})
Read = TypeVar("Read", bound="Body")


class Body(BaseModel):
    """Unknown members are refused: a mistyped one must not be taken for its default."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _is_clean(text: str) -> str:
    if not _UNWANTED.isdisjoint(map(unicodedata.category, text)):
        message = "must not contain line breaks or control characters"
        raise ValueError(message)
    return text


def _is_time_zone(name: str) -> str:
    if name not in _time_zones():
        message = "must be an IANA time zone such as Asia/Shanghai"
        raise ValueError(message)
    return name


@cache
def _time_zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _is_platform(name: str) -> str:
    if name not in PLATFORMS:
        message = f"must be one of {', '.join(sorted(PLATFORMS))}"
        raise ValueError(message)
    return name


def _is_action(name: str) -> str:
    if name not in ACTIONS:
        message = "no such action"
        raise ValueError(message)
    return name


def _is_free_slug(slug: str) -> str:
    if slug == "operator":
        message = "this slug is reserved"
        raise ValueError(message)
    return slug


_Clean = AfterValidator(_is_clean)
Slug = Annotated[str, StringConstraints(pattern=MERCHANT_PATTERN.pattern)]
NewSlug = Annotated[Slug, AfterValidator(_is_free_slug)]
MerchantOrAll = Annotated[str, StringConstraints(pattern=r"^(\*|[a-z0-9][a-z0-9-]{1,38})$")]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80), _Clean]
Reason = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), _Clean
]
PlatformName = Annotated[str, AfterValidator(_is_platform)]
PlatformId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:-]{1,64}$")]
TimeZone = Annotated[str, StringConstraints(max_length=64), AfterValidator(_is_time_zone)]
Login = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80), _Clean
]
Password = Annotated[SecretStr, Field(min_length=1, max_length=128)]
NewPassword = Annotated[SecretStr, Field(min_length=10, max_length=128)]
# They all stand in the token, and a token must fit into a header.
StoreIds = Annotated[
    tuple[Slug, ...],
    Field(min_length=1, max_length=100),
    AfterValidator(lambda stores: tuple(sorted(set(stores)))),
]
Action = Annotated[str, AfterValidator(_is_action)]


async def read_optional_body(request: web.Request, model: type[Read]) -> Read:
    return model.model_validate_json(await read_raw(request) or b"{}")


def read_slug(request: web.Request, name: str) -> str | None:
    """A slug in the query, or None where it is not given."""
    text = request.query.get(name)
    if text is not None and not re.fullmatch(MERCHANT_PATTERN, text):
        message = f"{name}: lower-case letters, digits and hyphens"
        raise Unreadable(message)
    return text


def read_text(request: web.Request, name: str) -> str | None:
    text = request.query.get(name)
    return None if text is None else _clean_text(text, name)


def read_path(request: web.Request, name: str) -> str:
    return _clean_text(request.match_info[name], name)


def read_page(request: web.Request) -> tuple[int, str | None]:
    """The limit, and the last id of the page before."""
    cursor = read_cursor(request, length=1)
    return read_limit(request), _clean_text(cursor[0], "cursor") if cursor else None


def _clean_text(text: str, name: str) -> str:
    if not text.isprintable() or len(text) > _TEXT_MAX:
        message = f"{name}: {_TEXT_MAX} printable characters at most"
        raise Unreadable(message)
    return text


def iso(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()
