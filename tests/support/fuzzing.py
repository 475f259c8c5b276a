"""Holds running services against their OpenAPI documents."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests
import schemathesis
import yaml
from hypothesis import HealthCheck, Phase, settings
from schemathesis import Case
from schemathesis.checks import load_all_checks, not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.core.transport import Response
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi import checks

from tests.support.launched import Launched

_DOCUMENTS = Path(__file__).parent.parent.parent / "docs" / "openapi"
# What every service offers is held once.
_EVERYWHERE = r"^/(healthz|readyz|metrics|v1/dead-letters.*|v1/outbox.*)$"
# The simulator calls the address it is given: any host of the world.
_CALLS_OUT = "/sim/v1/apps"
_LONG = bool(os.environ.get("QIAO_FUZZ"))
_TOKEN_SECONDS = 240.0
_REQUEST_SECONDS = 20.0
_UNAUTHORIZED = 401
_REFERENCE = "#/components/schemas/"
# Any, throughout this file: the document is JSON.
_Json = dict[str, Any]
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
    """The document as a reader would have it who notices every member that it does not name."""
    document = _document(service)
    for schema in _shown(document):
        if schema.get("type") == "object" and "properties" in schema:
            schema.setdefault("additionalProperties", False)
    config = SchemathesisConfig.from_dict(
        {
            "generation": {"with-security-parameters": False},
            "checks": {"negative_data_rejection": {"expected-statuses": ["4xx"]}},
        }
    )
    loaded = schemathesis.openapi.from_dict(document, config=config).exclude(path=_CALLS_OUT)
    return loaded if whole or _LONG else loaded.exclude(path_regex=_EVERYWHERE)


def _document(service: str) -> _Json:
    text = (_DOCUMENTS / f"{service}.yaml").read_text()
    # The fast loader: this is read whenever tests are collected.
    document: _Json = yaml.load(text, yaml.CSafeLoader)
    return document


def _shown(document: _Json) -> Iterator[_Json]:
    """The schemas that stand in answers."""
    schemas = document["components"]["schemas"]
    found: set[str] = set()
    waiting = [
        operation["responses"] for path in document["paths"].values() for operation in path.values()
    ]
    waiting.append(document["components"]["responses"])
    while waiting:
        part = waiting.pop()
        if isinstance(part, list):
            waiting += part
        elif isinstance(part, dict):
            waiting += part.values()
            name = str(part.get("$ref", "")).removeprefix(_REFERENCE)
            if name in schemas and name not in found:
                found.add(name)
                waiting.append(schemas[name])
                yield schemas[name]


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

    def url(self, service: str) -> str:
        return str(self._qiao.ready[service])

    def headers(self) -> dict[str, str]:
        if time.monotonic() > self._until:
            answer = self._session.post(
                f"{self.url('access')}/v1/token",
                json={
                    "grant_type": "client_credentials",
                    "client_id": "operator",
                    "client_secret": self._secret,
                },
                timeout=_REQUEST_SECONDS,
            )
            answer.raise_for_status()
            self._token = answer.json()["access_token"]
            self._until = time.monotonic() + _TOKEN_SECONDS
        return {"Authorization": f"Bearer {self._token}"}

    def _notice(self, response: Response) -> None:
        if response.status_code == _UNAUTHORIZED:
            # A case may have withdrawn the key that signed it.
            self._until = 0.0
