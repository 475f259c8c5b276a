"""How Douyin writes ids, money and times: as numbers here, as strings there."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict

from shared.platforms.douyin.webhooks import read_time


class Shape(BaseModel):
    """A frozen piece of what the platform sends; members we do not know are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", coerce_numbers_to_str=True)


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


# An id that must be there, or may be missing, empty or "0" where there is none yet.
Id = Annotated[str, BeforeValidator(_absent_if_empty)]
OptionalId = Annotated[str | None, BeforeValidator(_absent_if_empty)]
# An int64 that some endpoints send as a string.
OptionalInteger = Annotated[int | None, BeforeValidator(_integer)]
OptionalTime = Annotated[datetime | None, BeforeValidator(_time)]
