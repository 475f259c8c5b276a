"""What the routes answer, and what stands in their queries."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from typing_extensions import TypedDict

from services.access.domain.actions import Role
from services.access.http.fields import Slug
from shared.web.query import PageQuery
from shared.web.shapes import IdText, TimeText


class OfMerchant(PageQuery):
    merchant: Slug | None = None


class ShownMerchant(TypedDict):
    merchant: str
    name: str
    platform: str
    account_id: str | None
    version: int
    created_at: TimeText
    updated_at: TimeText


class ShownStore(TypedDict):
    store_id: str
    merchant: str
    name: str
    platform: str
    poi_id: str
    time_zone: str
    open: bool
    version: int
    created_at: TimeText
    updated_at: TimeText


class ShownStaff(TypedDict):
    """`stores` null is every store of the merchant."""

    staff_id: IdText
    merchant: str
    login: str
    name: str
    role: Role
    stores: Sequence[str] | None
    state: str
    version: int
    created_at: TimeText
    last_seen_at: TimeText | None


class ShownTerminal(TypedDict):
    terminal_id: IdText
    merchant: str
    store_id: str
    name: str
    state: str
    enrolment_expires_at: TimeText | None
    enrolled_at: TimeText | None
    last_seen_at: TimeText | None
    version: int
    created_at: TimeText


class ShownInvitation(TypedDict):
    """The code is shown once, and spent by the device that enrols with it."""

    terminal_id: IdText
    enrolment_code: str
    expires_at: TimeText | None


class ShownEnrolment(TypedDict):
    terminal_id: IdText
    merchant: str
    store_id: str
    store_name: str
    name: str


class ShownClient(TypedDict):
    """`merchant` "*" is every merchant; `stores` null every store."""

    client_id: str
    merchant: str
    name: str
    stores: Sequence[str] | None
    actions: Sequence[str]
    state: str
    version: int
    created_by: str
    created_at: TimeText
    last_used_at: TimeText | None


class NewClientSecret(ShownClient):
    """The secret is not kept and cannot be shown again."""

    client_secret: str


class ShownToken(TypedDict):
    access_token: str
    token_type: Literal["Bearer"]
    expires_in: int


class ShownSession(ShownToken):
    staff_id: IdText
    name: str
    merchant: str
    role: Role
    stores: Sequence[str] | None
    actions: Sequence[str]


class PasswordChanged(TypedDict):
    staff_id: IdText
    changed: Literal[True]


class KeySet(TypedDict):
    """A JWKS (RFC 7517)."""

    keys: Sequence[Mapping[str, str]]


class ShownRevocation(TypedDict):
    principal: str
    revoked_at: TimeText


class ShownEntry(TypedDict):
    """`hash` covers the entry and `previous_hash`."""

    seq: int
    at: TimeText
    actor: str
    action: str
    subject: str
    merchant: str | None
    # Any: whatever JSON describes the act.
    details: dict[str, Any]
    event_id: IdText | None
    previous_hash: str
    hash: str


class ShownHead(TypedDict):
    seq: int
    hash: str


class ShownWalk(TypedDict):
    """`next_seq` is where to go on, null at the end of the chain."""

    valid: bool
    from_seq: int
    checked: int
    next_seq: int | None
    head: ShownHead
    broken_seq: int | None
    broken_because: str | None


class ShownKey(TypedDict):
    key_id: IdText
    signs_from: TimeText
