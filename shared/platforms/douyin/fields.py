"""How Douyin writes ids, money and times: as numbers here, as strings there."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)

from shared.platforms.douyin.webhooks import read_time


class Shape(BaseModel):
    """A frozen piece of what the platform sends; members we do not know are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", coerce_numbers_to_str=True)

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, value: Any) -> Any:
        """An empty list or a missing string often comes as null."""
        if not isinstance(value, Mapping):
            return value
        return {name: member for name, member in value.items() if member is not None}


def first_filled(target: str, *names: str) -> Any:
    """A validator for a model: `target` is the first of these members that holds something."""

    def choose(value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        return {**value, target: next((value[name] for name in names if value.get(name)), None)}

    return model_validator(mode="before")(choose)


def _absent_if_empty(value: Any) -> Any:
    return None if value in ("", "0", 0) else value


def _integer(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("expected an integer")  # noqa: TRY004 - pydantic collects ValueError
    return None if value == "" else value


def _time(value: Any) -> datetime | None:
    if isinstance(value, datetime):
        return value
    if value in (None, "", "0", 0):
        return None
    moment = read_time(value)
    if moment is None:
        raise ValueError("expected seconds or milliseconds since 1970")
    return moment


def _none_if_wrong(value: Any, read: ValidatorFunctionWrapHandler) -> Any:
    try:
        return None if isinstance(value, bool) else read(value)
    except ValidationError:
        return None


_ID = StringConstraints(min_length=1, max_length=128)
_INT64 = Field(ge=-(2**63), lt=2**63)

# An id that must be there, or may be missing, empty or "0" where there is none yet.
Id = Annotated[str, _ID, BeforeValidator(_absent_if_empty)]
OptionalId = Annotated[Annotated[str, _ID] | None, BeforeValidator(_absent_if_empty)]
# An int64 that some endpoints send as a string.
OptionalInteger = Annotated[Annotated[int, _INT64] | None, BeforeValidator(_integer)]
OptionalTime = Annotated[datetime | None, BeforeValidator(_time)]

# Of events: what is wrong in one of these is not known, and the fact around it still counts.
Amount = Annotated[Annotated[int, Field(ge=0, lt=2**63)] | None, WrapValidator(_none_if_wrong)]
SeenInteger = Annotated[Annotated[int, _INT64] | None, WrapValidator(_none_if_wrong)]
SeenTime = Annotated[OptionalTime, WrapValidator(_none_if_wrong)]
SeenId = Annotated[OptionalId, WrapValidator(_none_if_wrong)]
