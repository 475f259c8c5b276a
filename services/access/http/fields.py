"""The members of request bodies, each with its limits, and how to read what is optional."""

import unicodedata
from datetime import datetime
from functools import cache
from typing import Annotated, overload
from zoneinfo import available_timezones

from aiohttp import web
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    WithJsonSchema,
)

from services.access.domain.actions import ACTIONS
from shared.contracts.envelope import MERCHANT_PATTERN
from shared.errors import Unreadable
from shared.platforms.registry import PLATFORMS
from shared.web.pages import cursor_parts
from shared.web.query import PageQuery

_TEXT_MAX = 200
# Control characters, surrogates, line and paragraph separators; other spaces are typed by people.
_UNWANTED = frozenset({"Cc", "Cs", "Zl", "Zp"})


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
PlatformName = Annotated[
    str, AfterValidator(_is_platform), WithJsonSchema({"type": "string", "enum": sorted(PLATFORMS)})
]
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
Action = Annotated[
    str, AfterValidator(_is_action), WithJsonSchema({"type": "string", "enum": sorted(ACTIONS)})
]


def read_path(request: web.Request, name: str) -> str:
    return _clean_text(request.match_info[name], name)


def read_after(query: PageQuery) -> str | None:
    """The last id of the page before."""
    cursor = cursor_parts(query.cursor, length=1)
    return _clean_text(cursor[0], "cursor") if cursor else None


def _clean_text(text: str, name: str) -> str:
    if not text.isprintable() or len(text) > _TEXT_MAX:
        message = f"{name}: {_TEXT_MAX} printable characters at most"
        raise Unreadable(message)
    return text


@overload
def iso(time: datetime) -> str: ...
@overload
def iso(time: datetime | None) -> str | None: ...
def iso(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()
