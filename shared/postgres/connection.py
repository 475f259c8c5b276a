"""The connection types, named once: asyncpg is generic only in its stubs."""

from typing import TYPE_CHECKING, Any, Final, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

# asyncpg is generic only in its stubs.
if TYPE_CHECKING:
    Connection: TypeAlias = asyncpg.Connection[Any] | PoolConnectionProxy[Any]
    Pool: TypeAlias = asyncpg.Pool[Any]
    Row: TypeAlias = asyncpg.Record
else:
    Connection = asyncpg.Connection
    Pool = asyncpg.Pool
    Row = asyncpg.Record

# What a statement raises when the server is away, goes away under it or has no room (on the disk,
# in memory, for connections); asking again later helps.
OUTAGES: Final[tuple[type[Exception], ...]] = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    # What the driver says of a connection that was lost in the middle of a commit.
    asyncpg.InternalClientError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.InsufficientResourcesError,
    # Files that cannot be written or read.
    asyncpg.PostgresSystemError,
    # A server that takes over has not taken over yet.
    asyncpg.ReadOnlySQLTransactionError,
)
# A rival's lock or a time limit; asking again at once helps.
CONFLICTS: Final[tuple[type[Exception], ...]] = (
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.QueryCanceledError,
    asyncpg.LockNotAvailableError,
)
# What only delays a task that is done again and again: it logs this and tries again.
DELAYS: Final = (*OUTAGES, *CONFLICTS)


def is_outage(error: BaseException) -> bool:
    """Whether the server is away, as opposed to an argument it can never take.

    asyncpg's client-side DataError is an InterfaceError too, but waiting does not mend it.
    """
    return isinstance(error, OUTAGES) and not isinstance(error, ValueError)


def is_unstorable(error: BaseException) -> bool:
    """Whether a value was given that no column takes: out of range, or text with a NUL.

    Checks at the edges come first; this keeps what slipped through from looking like our fault.
    """
    client_side = isinstance(error, asyncpg.InterfaceError) and isinstance(error, ValueError)
    return client_side or isinstance(error, asyncpg.DataError)
