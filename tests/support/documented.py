"""Holds real answers against the OpenAPI documents, so that these say no less than is sent."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

_DOCUMENTS = Path(__file__).parent.parent.parent / "docs" / "openapi"
_REFERENCE = "#/components/schemas/"
_URN = "urn:qiao:openapi"
# Any, throughout this file: the document is JSON.
Json = dict[str, Any]


@cache
def read_document(service: str) -> Json:
    """As a reader has it who notices every member of an answer that it does not name."""
    # The fast loader: some tests read a document when they are collected.
    document: Json = yaml.load((_DOCUMENTS / f"{service}.yaml").read_text(), yaml.CSafeLoader)
    for schema in _shown(document):
        if schema.get("type") == "object" and "properties" in schema:
            schema.setdefault("additionalProperties", False)
    return document


def _shown(document: Json) -> Iterator[Json]:
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


def operation_of(service: str, method: str, path: str) -> Json:
    """The operation that a path is for; the one with the fewest parameters, as routes go."""
    paths: Mapping[str, Json] = read_document(service)["paths"]
    for template in sorted(paths, key=lambda one: one.count("{")):
        pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template))
        if re.fullmatch(pattern, path) and method.lower() in paths[template]:
            found: Json = paths[template][method.lower()]
            return found
    message = f"docs/openapi/{service}.yaml has no {method} {path}"
    raise AssertionError(message)


def assert_documented(service: str, method: str, path: str, status: int, body: object) -> None:
    """Fail where this answer is not as the service's document says."""
    responses = operation_of(service, method, path.partition("?")[0])["responses"]
    assert str(status) in responses, f"{method} {path}: {status} is in no document: {body}"
    errors = [
        f"{error.json_path}: {error.message}"
        for error in _validator(service, responses[str(status)]).iter_errors(body)
    ]
    assert errors == [], f"{method} {path}: {status} is not as documented: {errors}"


def _validator(service: str, response: Json) -> Draft202012Validator:
    document = read_document(service)
    if "$ref" in response:
        response = document["components"]["responses"][response["$ref"].rpartition("/")[2]]
    schema = _absolute(response["content"]["application/json"]["schema"])
    return Draft202012Validator(schema, registry=_registry(service))


@cache
def _registry(service: str) -> "Registry[Any]":
    registry: Registry[Any] = Registry().with_resource(
        _URN, DRAFT202012.create_resource(read_document(service))
    )
    return registry


def _absolute(part: Any) -> Any:
    """References within the document, as seen from outside of it."""
    if isinstance(part, dict):
        return {
            key: f"{_URN}{value}" if key == "$ref" else _absolute(value)
            for key, value in part.items()
        }
    return [_absolute(one) for one in part] if isinstance(part, list) else part
