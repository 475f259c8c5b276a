"""What ids and texts may be, so that Postgres can keep them."""

from typing import Annotated

from pydantic import Field

_LONGEST = 200

# Text in Postgres holds no NUL.
Text = Annotated[str, Field(min_length=1, max_length=_LONGEST, pattern=r"^[^\x00]*$")]
TextOrEmpty = Annotated[str, Field(max_length=_LONGEST, pattern=r"^[^\x00]*$")]
# Lists of ids travel joined by commas.
Identifier = Annotated[str, Field(max_length=_LONGEST, pattern=r"^[^\x00,]+$")]
Int64 = Annotated[int, Field(ge=0, le=2**63 - 1)]
_DIGITS_MAX = 19


def own_id(text: str | None) -> int:
    """The number that an id of ours is; 0 for what can be none."""
    if not text or not (text.isascii() and text.isdecimal()) or len(text) > _DIGITS_MAX:
        return 0
    return int(text) if int(text) < 2**63 else 0
