"""Client credentials: of partners' programs, of our services, and of the operator."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from services.access.domain.actions import (
    ACTIONS,
    OPERATOR,
    OPERATOR_MERCHANT,
    SERVICE_ACTIONS,
)
from services.access.domain.codes import ALPHABET
from services.access.domain.grants import (
    missing,
    require_every_merchant,
    require_grantable,
    unless_hidden,
)
from services.access.domain.records import Client
from services.access.handlers.act import Act
from services.access.handlers.authority import Grant
from services.access.handlers.keyed import KeyedHashes, same
from services.access.handlers.stores import require_stores
from services.access.queries import clients as queries
from services.access.queries.merchants import find_merchant
from shared.errors import Unauthorized
from shared.postgres.connection import Connection
from shared.web.principal import EVERY_MERCHANT, Principal
from shared.web.service_token import service_secret

_ID_CHARACTERS = 12
_SECRET_BYTES = 32
_SERVICE = "service:"


class ClientRefused(Unauthorized):
    reason = "client_refused"

    def __init__(self) -> None:
        super().__init__("client_id or client_secret is wrong, or the client was revoked")


@dataclass(frozen=True, slots=True)
class HouseClients:
    """Clients that are no rows: their secrets come from the environment."""

    master_key: bytes
    operator_secret: str | None

    def grant(self, client_id: str, client_secret: str) -> Grant | None:
        """What the house's client gets; None if it is none of the house. Raises ClientRefused."""
        if client_id == OPERATOR:
            return self._operator(client_secret)
        if client_id.startswith(_SERVICE):
            return self._service(client_id.removeprefix(_SERVICE), client_secret)
        return None

    def _operator(self, client_secret: str) -> Grant:
        if self.operator_secret is None or not same(client_secret, self.operator_secret):
            raise ClientRefused
        return Grant(f"client:{OPERATOR}", None, None, ACTIONS)

    def _service(self, name: str, client_secret: str) -> Grant:
        expected = service_secret(self.master_key, name)
        if not same(client_secret, expected) or name not in SERVICE_ACTIONS:
            raise ClientRefused
        return Grant(f"{_SERVICE}{name}", None, None, SERVICE_ACTIONS[name])


async def add_client(
    act: Act,
    principal: Principal,
    keyed: KeyedHashes,
    *,
    merchant: str,
    name: str,
    stores: tuple[str, ...] | None,
    actions: Sequence[str],
) -> tuple[Client, str]:
    """The client and its secret, which is not kept and cannot be shown again."""
    principal.require_merchant(merchant)
    if merchant == EVERY_MERCHANT:
        require_every_merchant(principal)
    elif await find_merchant(act.conn, merchant) is None:
        raise missing("merchant")
    require_grantable(principal, actions=frozenset(actions), stores=stores)
    await require_stores(act.conn, merchant, stores)
    secret = f"qiao_{secrets.token_urlsafe(_SECRET_BYTES)}"
    client = await queries.add_client(
        act.conn,
        client_id="c-" + "".join(secrets.choice(ALPHABET) for _ in range(_ID_CHARACTERS)).lower(),
        merchant=None if merchant == EVERY_MERCHANT else merchant,
        name=name,
        stores=stores,
        actions=sorted(set(actions)),
        secret_hash=keyed.of_secret(secret),
        created_by=principal.subject,
    )
    act.record(
        "client.added",
        subject=f"client:{client.client_id}",
        merchant=client.merchant,
        name=name,
        stores=list(stores) if stores else None,
        actions=list(client.actions),
    )
    return client, secret


async def use_client(
    conn: Connection, keyed: KeyedHashes, *, client_id: str, client_secret: str
) -> Grant:
    """Raises ClientRefused, the same for an unknown id, a wrong secret and a revoked client."""
    client = await queries.use_client(conn, client_id, secret_hash=keyed.of_secret(client_secret))
    if client is None:
        raise ClientRefused
    return Grant(f"client:{client_id}", client.merchant, client.stores, frozenset(client.actions))


async def find_client(conn: Connection, principal: Principal, client_id: str) -> Client:
    found = await queries.find_client(conn, client_id)
    if found is None:
        raise missing("client")
    unless_hidden(principal, what="client", merchant=found.merchant, stores=found.stores)
    return found


async def revoke_client(act: Act, principal: Principal, client_id: str, *, reason: str) -> Client:
    """For good. Asking again changes nothing."""
    await find_client(act.conn, principal, client_id)
    revoked = await queries.revoke_client(act.conn, client_id)
    if revoked is None:
        return await find_client(act.conn, principal, client_id)
    act.record(
        "client.revoked", subject=f"client:{client_id}", merchant=revoked.merchant, reason=reason
    )
    await act.revoke(
        "client",
        client_id,
        merchant=revoked.merchant or OPERATOR_MERCHANT,
        version=revoked.version,
        reason=reason,
    )
    return revoked
