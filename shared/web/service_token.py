"""How services sign in at access: secrets derived from the master key, none to distribute."""

import base64

from shared.sealing.derivation import derive
from shared.web.client import Credentials


def service_secret(master_key: bytes, service: str) -> str:
    """The client secret of `service:<service>`; access derives the same one to compare."""
    return base64.urlsafe_b64encode(derive(master_key, f"client secret of {service}")).decode()


def service_credentials(access_url: str, master_key: bytes, service: str) -> Credentials:
    return Credentials(
        access_url,
        client_id=f"service:{service}",
        client_secret=service_secret(master_key, service),
    )
