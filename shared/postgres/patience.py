"""How long whoever asks the database waits for the answer to one command."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

# What nobody waits for at a till may take its time: migrations, housekeeping, batches.
BACKGROUND_SECONDS: Final = 30.0
# A clerk waits for five seconds; what hangs after that is answered with "try again".
CLERK_SECONDS: Final = 3.0

patience: Final = ContextVar("patience", default=BACKGROUND_SECONDS)


@contextmanager
def waiting_at_most(seconds: float) -> Iterator[None]:
    """Connections taken in this block give up a command after so many seconds."""
    token = patience.set(seconds)
    try:
        yield
    finally:
        patience.reset(token)
