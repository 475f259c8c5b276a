"""Nobody grants more than they have, and nobody touches what is not theirs."""

from collections.abc import Iterable

from shared.errors import Forbidden, NotFound
from shared.web.principal import EVERY_MERCHANT, Principal


class GrantsMore(Forbidden):
    reason = "grants_more_than_held"


def covers(held: tuple[str, ...] | None, wanted: Iterable[str] | None) -> bool:
    """Whether stores held include those wanted; None is every store."""
    if held is None:
        return True
    return wanted is not None and set(wanted) <= set(held)


def require_grantable(
    principal: Principal, *, actions: frozenset[str], stores: tuple[str, ...] | None
) -> None:
    """Raises GrantsMore if the principal lacks an action or a store it would give away."""
    missing = sorted(actions - principal.actions)
    if missing:
        message = f"you cannot give what you do not have: {', '.join(missing)}"
        raise GrantsMore(message)
    if not covers(principal.stores, stores):
        message = "you cannot give stores that are not yours"
        raise GrantsMore(message)


def require_every_merchant(principal: Principal) -> None:
    if principal.merchant != EVERY_MERCHANT:
        message = "only the operator may do this"
        raise Forbidden(message, reason="operator_only")


def require_every_store(principal: Principal) -> None:
    if principal.stores is not None:
        message = "this needs access to every store of the merchant"
        raise Forbidden(message, reason="every_store_needed")


def reaches(principal: Principal, merchant: str | None, stores: Iterable[str] | None) -> bool:
    return principal.merchant in (EVERY_MERCHANT, merchant) and covers(principal.stores, stores)


def unless_hidden(
    principal: Principal, *, what: str, merchant: str | None, stores: Iterable[str] | None
) -> None:
    """Raises the NotFound that a thing which does not exist would raise."""
    if not reaches(principal, merchant, stores):
        raise missing(what)


def missing(what: str) -> NotFound:
    return NotFound(f"no such {what}, or it is not yours")
