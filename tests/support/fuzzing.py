"""Holds running services against their OpenAPI documents."""

import os
import time
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis import Case
from schemathesis.checks import load_all_checks, not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.core.transport import Response
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi import checks

from tests.support.documented import assert_documented, read_document
from tests.support.launched import Launched

# What every service offers is held once.
_EVERYWHERE = r"^/(healthz|readyz|metrics|v1/dead-letters.*|v1/outbox.*)$"
# The simulator calls the address it is given: any host of the world.
CALLS_OUT = "/sim/v1/apps"
_LONG = not os.environ.get("QIAO_SHORT")
_TOKEN_SECONDS = 240.0
_REQUEST_SECONDS = 20.0
_UNAUTHORIZED, _TOO_MANY, _SERVER_ERROR = 401, 429, 500
_CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
]
fuzzing = settings(
    max_examples=400 if _LONG else 5,
    derandomize=not _LONG,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)
load_all_checks()


def surface(service: str, *, whole: bool = False) -> BaseSchema:
    """What is held against the document; `whole` with what every service offers."""
    config = SchemathesisConfig.from_dict(
        {
            "generation": {"with-security-parameters": False},
            "checks": {"negative_data_rejection": {"expected-statuses": ["4xx"]}},
        }
    )
    loaded = schemathesis.openapi.from_dict(read_document(service), config=config).exclude(
        path=CALLS_OUT
    )
    return loaded if whole or _LONG else loaded.exclude(path_regex=_EVERYWHERE)


class Target:
    """The running services, and a token of the operator that is fetched anew in time."""

    def __init__(self, qiao: Launched) -> None:
        self._qiao = qiao
        self._secret = (qiao.data / "secrets" / "operator").read_text().strip()
        self._session = requests.Session()
        self._token = ""
        self._until = 0.0

    def hold(self, service: str, case: Case[Any]) -> None:
        """Send one case; fail where the answer is not as the document says."""
        response = case.call_and_validate(
            base_url=self.url(service),
            session=self._session,
            headers=self.headers(),
            checks=_CHECKS,
            timeout=_REQUEST_SECONDS,
            allow_redirects=False,
        )
        self._notice(response)

    def send(self, service: str, method: str, path: str, body: bytes, kind: str) -> int:
        """Send these bytes; fail where the answer is not as the document says."""
        response = self._session.request(
            method,
            self.url(service) + path,
            data=body,
            headers={**self.headers(), "Content-Type": kind},
            timeout=_REQUEST_SECONDS,
        )
        if response.status_code == _UNAUTHORIZED:
            self._until = 0.0
        assert response.status_code < _SERVER_ERROR, f"{method} {path} {body[:200]!r}"
        assert_documented(service, method, path, response.status_code, response.json())
        return response.status_code

    def url(self, service: str) -> str:
        return str(self._qiao.ready[service])

    def headers(self) -> dict[str, str]:
        if time.monotonic() > self._until:
            answer = self._ask_for_token()
            while answer.status_code == _TOO_MANY:
                # What was sent before may have used up what one address may ask.
                time.sleep(float(answer.headers["Retry-After"]))
                answer = self._ask_for_token()
            answer.raise_for_status()
            self._token = answer.json()["access_token"]
            self._until = time.monotonic() + _TOKEN_SECONDS
        return {"Authorization": f"Bearer {self._token}"}

    def _ask_for_token(self) -> requests.Response:
        return self._session.post(
            f"{self.url('access')}/v1/token",
            json={
                "grant_type": "client_credentials",
                "client_id": "operator",
                "client_secret": self._secret,
            },
            timeout=_REQUEST_SECONDS,
        )

    def _notice(self, response: Response) -> None:
        if response.status_code == _UNAUTHORIZED:
            # A case may have withdrawn the key that signed it.
            self._until = 0.0
