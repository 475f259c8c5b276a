"""JSON schemas of models, each once in a document."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple

from pydantic import TypeAdapter

_REF = "#/components/schemas/"
# Any, throughout this file: schemas are JSON.
_Json = dict[str, Any]
_OF_ONE = ("items", "additionalProperties", "not", "contains", "propertyNames")
_OF_MANY = ("anyOf", "oneOf", "allOf", "prefixItems")
_OF_NAMED = ("properties", "$defs", "patternProperties")


class Wanted(NamedTuple):
    name: str
    mode: Literal["validation", "serialization"]
    type: TypeAdapter[Any]


class Schemas:
    def __init__(self, wanted: Sequence[Wanted]) -> None:
        found, rest = TypeAdapter.json_schemas(
            [(one.name, one.mode, one.type) for one in wanted], ref_template=_REF + "{model}"
        )
        self._definitions: _Json = rest.get("$defs", {})
        self._schemas = {name: schema for (name, _), schema in found.items()}
        for schema in (*self._definitions.values(), *self._schemas.values()):
            _without_titles(schema)
        self._used: set[str] = set()

    def of(self, name: str) -> _Json:
        """As it stands in the document: mostly a reference."""
        schema = self._schemas[name]
        self._use(schema)
        return schema

    def resolved(self, name: str) -> _Json:
        """The schema itself; what it refers to stays a reference."""
        schema = self._schemas[name]
        if "$ref" in schema:
            schema = self._definitions[schema["$ref"].removeprefix(_REF)]
        self._use(schema)
        return schema

    def components(self) -> _Json:
        return {name: self._definitions[name] for name in sorted(self._used)}

    def _use(self, schema: _Json) -> None:
        for name in _references(schema):
            if name not in self._used:
                self._used.add(name)
                self._use(self._definitions[name])


def without_null(schema: _Json) -> _Json:
    """A parameter that may be left out cannot be null."""
    bare = {key: value for key, value in schema.items() if key != "description"}
    choices = [one for one in bare.get("anyOf", ()) if one != {"type": "null"}]
    if "anyOf" in bare and len(choices) < len(bare["anyOf"]):
        del bare["anyOf"]
        bare.pop("default", None)
        bare |= choices[0] if len(choices) == 1 else {"anyOf": choices}
        bare.pop("description", None)
    return bare


def _references(schema: _Json) -> Iterator[str]:
    if "$ref" in schema:
        yield schema["$ref"].removeprefix(_REF)
    for inner in _inner(schema):
        yield from _references(inner)


def _inner(schema: _Json) -> Iterator[_Json]:
    for key in _OF_ONE:
        if isinstance(schema.get(key), dict):
            yield schema[key]
    for key in _OF_MANY:
        yield from schema.get(key, ())
    for key in _OF_NAMED:
        yield from schema.get(key, {}).values()


def _without_titles(schema: _Json) -> None:
    """They only repeat the names."""
    schema.pop("title", None)
    if schema.get("format") == "time":
        # An hour of the day in a store has no zone, which the format asks for.
        del schema["format"]
    if "description" in schema:
        schema["description"] = re.sub(r"\s+", " ", schema["description"])
    for inner in _inner(schema):
        _without_titles(inner)
