"""Opens and seals what is personal about staff."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.access.domain.records import Staff
from shared.postgres.connection import Connection
from shared.sealing.keyring import Keyring


@dataclass(frozen=True, slots=True)
class Person:
    """A member of the staff with the name and the login in the clear."""

    staff: Staff
    login: str
    name: str


@dataclass(frozen=True, slots=True)
class SealedNames:
    login: bytes
    name: bytes


def seal_names(
    keyring: Keyring, merchant: str, staff_id: UUID, *, login: str, name: str
) -> SealedNames:
    """The merchant's data key must be at hand."""
    return SealedNames(
        login=keyring.seal(merchant, login.encode(), context=f"staff {staff_id} login"),
        name=keyring.seal(merchant, name.encode(), context=f"staff {staff_id} name"),
    )


async def open_names(conn: Connection, keyring: Keyring, staff: Sequence[Staff]) -> list[Person]:
    await keyring.load_for(conn, [one.name_sealed for one in staff])
    return [
        Person(
            one,
            login=open_field(keyring, one.staff_id, "login", one.login_sealed),
            name=open_field(keyring, one.staff_id, "name", one.name_sealed),
        )
        for one in staff
    ]


def open_field(keyring: Keyring, staff_id: UUID, field: str, sealed: bytes) -> str:
    return keyring.open(sealed, context=f"staff {staff_id} {field}").decode()
