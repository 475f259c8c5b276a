"""Verify tokens and codes: sealed wherever they rest."""

from uuid import UUID

import orjson

from services.redemption.domain.records import Preparation, Secrets
from services.redemption.handlers.desk import Desk


def seal(desk: Desk, merchant: str, preparation_id: UUID, secrets: Secrets) -> bytes:
    content = orjson.dumps({"token": secrets.verify_token, "codes": dict(secrets.codes)})
    return desk.keyring.seal(merchant, content, context=_context(preparation_id))


def unseal(desk: Desk, preparation: Preparation) -> Secrets:
    """Raises CannotOpen once the merchant's key is destroyed; its keys must have been loaded."""
    opened = desk.keyring.open(
        preparation.sealed or b"", context=_context(preparation.preparation_id)
    )
    content = orjson.loads(opened)
    return Secrets(content["token"], content["codes"])


def _context(preparation_id: UUID) -> str:
    return f"preparation {preparation_id}"
