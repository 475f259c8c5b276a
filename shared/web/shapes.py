"""What members of answers are made of, so that documents name their format."""

from typing import Annotated

from pydantic import WithJsonSchema

# Written by us as text, in the form that the document names.
TimeText = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
DayText = Annotated[str, WithJsonSchema({"type": "string", "format": "date"})]
IdText = Annotated[str, WithJsonSchema({"type": "string", "format": "uuid"})]
