"""What ids and texts may be, so that Postgres can keep them."""

import re
from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

_LONGEST = 200
_OWN = re.compile(r"[0-9]{1,19}", re.ASCII)

# Text in Postgres holds no NUL.
Text = Annotated[str, Field(min_length=1, max_length=_LONGEST, pattern=r"^[^\x00]*$")]
TextOrEmpty = Annotated[str, Field(max_length=_LONGEST, pattern=r"^[^\x00]*$")]
# Lists of ids travel joined by commas.
Identifier = Annotated[str, Field(max_length=_LONGEST, pattern=r"^[^\x00,]+$")]
Int64 = Annotated[int, Field(ge=0, le=2**63 - 1)]


def _own(value: object) -> object:
    return int(value) if isinstance(value, str) and _OWN.fullmatch(value) else value


# An id of ours is written as text; callers may send it as the number that it is.
OwnId = Annotated[
    Int64,
    BeforeValidator(_own),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": "^[0-9]{1,19}$"},
                {"type": "integer", "minimum": 0, "maximum": 2**63 - 1},
            ]
        }
    ),
]
_DIGITS_MAX = 19


def own_id(text: str | None) -> int:
    """The number that an id of ours is; 0 for what can be none."""
    if not text or not (text.isascii() and text.isdecimal()) or len(text) > _DIGITS_MAX:
        return 0
    return int(text) if int(text) < 2**63 else 0
