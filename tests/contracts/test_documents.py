"""The drawn documents say what the code says, and machines can read them."""

import json
import re
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft7Validator, Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from deploy.docs.__main__ import DOCUMENTS
from deploy.docs.asyncapi import document
from shared.contracts.catalogue import CATALOGUE, sample_event

DOCS = Path(__file__).parent.parent.parent / "docs"
SCHEMA = json.loads((Path(__file__).parent / "schemas" / "asyncapi-3.0.0.json").read_text())


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_a_drawn_document_is_as_the_code_says(name: str) -> None:
    assert (DOCS / name).read_text() == DOCUMENTS[name](), "run: python -m deploy.docs"


def test_the_asyncapi_document_obeys_the_specification() -> None:
    written = yaml.safe_load((DOCS / "asyncapi.yaml").read_text())
    errors = [error.message for error in Draft7Validator(SCHEMA).iter_errors(written)]
    assert errors == []


def test_the_specification_would_have_noticed_a_mistake() -> None:
    wrong = {**document(), "channels": {"a": {"adress": "x"}}}
    assert list(Draft7Validator(SCHEMA).iter_errors(wrong))


def test_every_reference_of_the_asyncapi_document_leads_somewhere() -> None:
    whole = document()
    for reference in set(re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(whole))):
        place = whole
        for step in reference.split("/"):
            place = place[step]


def test_every_type_has_its_channel_its_message_and_its_operation() -> None:
    whole = document()
    assert len(whole["channels"]) == len(whole["operations"]) == len(CATALOGUE)
    assert len(whole["components"]["messages"]) == len(CATALOGUE)
    assert len({channel["address"] for channel in whole["channels"].values()}) == len(CATALOGUE)


def test_samples_are_valid_by_the_schemas_that_subscribers_read() -> None:
    whole = document()
    registry = Registry().with_resource("urn:qiao", DRAFT202012.create_resource(whole))
    for kind, name in zip(CATALOGUE, whole["channels"], strict=True):
        schema = {"$ref": f"urn:qiao#/components/messages/{name}/payload"}
        sample = sample_event(kind).model_dump(mode="json")
        errors = Draft202012Validator(schema, registry=registry).iter_errors(sample)
        assert [error.message for error in errors] == []


@pytest.mark.parametrize("name", ["events.md", "subscribe.md"])
def test_links_between_documents_lead_somewhere(name: str) -> None:
    text = (DOCS / name).read_text()
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (DOCS / target).exists(), target
    anchors = {
        "".join(c for c in heading.lower().replace(" ", "-") if c.isalnum() or c in "-_")
        for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    }
    for anchor in re.findall(r"\]\(#([^)]+)\)", text):
        assert anchor in anchors
