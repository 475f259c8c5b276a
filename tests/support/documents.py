"""Takes examples out of the documents, so that the tests run what a reader copies."""

import re
from pathlib import Path

_DOCS = Path(__file__).parent.parent.parent / "docs"


def example(document: str, *, language: str, holding: str) -> str:
    """The one code block of the document in this language that holds the words."""
    text = (_DOCS / document).read_text()
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    (found,) = [block for name, block in blocks if name == language and holding in block]
    return str(found)
