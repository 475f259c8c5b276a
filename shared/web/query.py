"""What stands behind the question mark: a model per route, read before its handler."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Annotated, TypeVar

from aiohttp import web
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from shared.errors import Unreadable

_DIGITS = re.compile(r"[0-9]{1,18}", re.ASCII)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_SHOWN_MAX = 80
LIMIT_DEFAULT = 50
LIMIT_MAX = 500


class Query(BaseModel):
    """The parameters of one route. Others are refused, and so is one that is given twice."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class AnyQuery(Query):
    """Of platforms, who may add parameters of their own."""

    model_config = ConfigDict(extra="allow")


def whole_number(value: object) -> object:
    if isinstance(value, str):
        if _DIGITS.fullmatch(value) is None:
            message = "a whole number"
            raise ValueError(message)
        return int(value)
    return value


def _time(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        # A plus sign that was not escaped arrives as a blank.
        time = datetime.fromisoformat(value.replace(" ", "+"))
        # Overflows where it is the year 1 here and the year 0 in Greenwich.
        utc = time.astimezone(UTC)
    except (ValueError, OverflowError):
        time = None
    if time is None or time.tzinfo is None:
        message = "a time with its zone, such as 2026-11-21T18:00:00+08:00"
        raise ValueError(message)
    return utc


def _day(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return date.fromisoformat(value if _DAY.fullmatch(value) else "")
    except ValueError:
        message = "a day such as 2026-11-21"
        raise ValueError(message) from None


def _truth(value: object) -> object:
    if isinstance(value, str):
        if value not in {"true", "false"}:
            message = "true or false"
            raise ValueError(message)
        return value == "true"
    return value


# Each is written in one way only, so that the document says exactly what is read.
Time = Annotated[
    datetime, BeforeValidator(_time), WithJsonSchema({"type": "string", "format": "date-time"})
]
Day = Annotated[date, BeforeValidator(_day)]
Truth = Annotated[bool, BeforeValidator(_truth)]
Text = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Limit = Annotated[int, Field(ge=1, le=LIMIT_MAX), BeforeValidator(whole_number)]
Number = Annotated[int, Field(ge=1, le=10**18 - 1), BeforeValidator(whole_number)]
Cursor = Annotated[
    str,
    Field(
        max_length=1000,
        pattern=r"^[A-Za-z0-9_=-]*$",
        description="`next_cursor` of the page before, as it is",
    ),
]


class PageQuery(Query):
    limit: Limit = LIMIT_DEFAULT
    cursor: Cursor | None = None


QUERY = web.RequestKey("QUERY", Query)
Model = TypeVar("Model", bound=Query)


def read_query(request: web.Request, model: type[Query]) -> Query:
    """Raises Unreadable or ValidationError (422) with the parameter that is wrong."""
    given = request.query
    if given and model.model_config["extra"] == "forbid":
        _refuse_others([name for name, _ in given.items()], known=names_of(model))
    return model.model_validate(dict(given))


def names_of(model: type[Query]) -> Sequence[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _refuse_others(given: Sequence[str], *, known: Sequence[str]) -> None:
    for name in given:
        if name not in known:
            there_are = f"there are {', '.join(known)}" if known else "this route takes none"
            raise Unreadable(f"no such query parameter: {_shown(name)}; {there_are}")
        if given.count(name) > 1:
            raise Unreadable(f"{name}: given more than once")


def _shown(name: str) -> str:
    return name[:_SHOWN_MAX] if name.isprintable() else "(not printable)"


def query_of(request: web.Request, model: type[Model]) -> Model:
    """What the route of this request declares, as it was read."""
    query = request[QUERY]
    if not isinstance(query, model):
        message = f"the route declares {type(query).__name__}, not {model.__name__}"
        raise TypeError(message)
    return query
