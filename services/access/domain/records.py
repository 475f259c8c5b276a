"""What the tables hold, as the rest of the service sees it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.access.domain.actions import Role
from services.access.domain.states import ClientState, StaffState, TerminalState


@dataclass(frozen=True, slots=True)
class Merchant:
    merchant: str
    name: str
    platform: str
    account_id: str | None
    version: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Store:
    store_id: str
    merchant: str
    name: str
    platform: str
    poi_id: str
    time_zone: str
    open: bool
    version: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Staff:
    """`login` and `name` are sealed. `stores` None means every store of the merchant."""

    staff_id: UUID
    merchant: str
    login_sealed: bytes
    name_sealed: bytes
    role: Role
    stores: tuple[str, ...] | None
    state: StaffState
    version: int
    created_at: datetime
    last_seen_at: datetime | None


@dataclass(frozen=True, slots=True)
class Terminal:
    terminal_id: UUID
    merchant: str
    store_id: str
    name: str
    state: TerminalState
    enrolment_expires_at: datetime | None
    enrolled_at: datetime | None
    last_seen_at: datetime | None
    version: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Client:
    """`merchant` None means every merchant, `stores` None every store."""

    client_id: str
    merchant: str | None
    name: str
    stores: tuple[str, ...] | None
    actions: tuple[str, ...]
    state: ClientState
    version: int
    created_by: str
    created_at: datetime
    last_used_at: datetime | None
