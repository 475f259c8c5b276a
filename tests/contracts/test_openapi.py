"""Every route says what it reads and answers, and the documents say it to everybody."""

import json
import re
from pathlib import Path

import pytest
import schemathesis
import yaml

from deploy.docs.openapi import SURFACES, document
from shared.web.query import Query, names_of
from shared.web.routes import Route

ROOT = Path(__file__).parent.parent.parent
ROUTES = [(name, route) for name, surface in SURFACES.items() for route in surface.routes]


def named(one: tuple[str, Route]) -> str:
    return f"{one[0]} {one[1].method} {one[1].path}"


@pytest.mark.parametrize(("service", "route"), ROUTES, ids=map(named, ROUTES))
def test_a_route_says_what_it_is_for_and_what_it_answers(service: str, route: Route) -> None:
    say = f"{service}: give Route({route.method} {route.path}) a summary, its body and its answers"
    assert route.summary, say
    assert route.answers, say


def test_every_service_has_a_document() -> None:
    services = {file.parent.name for file in ROOT.glob("services/*/__main__.py")}
    assert services == set(SURFACES), "add it to SURFACES in deploy/docs/openapi.py"


@pytest.mark.parametrize("service", SURFACES)
def test_a_document_is_openapi(service: str) -> None:
    written = yaml.safe_load((ROOT / "docs" / "openapi" / f"{service}.yaml").read_text())
    schemathesis.openapi.from_dict(written).validate()


def test_what_is_no_openapi_would_be_noticed() -> None:
    wrong = document("orders")
    wrong["paths"]["/v1/orders"]["get"]["responses"] = ["200"]
    with pytest.raises(ValueError, match="is not of type"):
        schemathesis.openapi.from_dict(wrong).validate()


@pytest.mark.parametrize("service", SURFACES)
def test_every_reference_leads_somewhere_and_every_schema_is_used(service: str) -> None:
    whole = document(service)
    text = json.dumps(whole)
    for reference in set(re.findall(r'"\$ref": "#/([^"]+)"', text)):
        place = whole
        for step in reference.split("/"):
            place = place[step]
    for name in whole["components"]["schemas"]:
        assert f'"#/components/schemas/{name}"' in text


@pytest.mark.parametrize("service", SURFACES)
def test_operations_have_names_of_their_own(service: str) -> None:
    names = [
        operation["operationId"]
        for path in document(service)["paths"].values()
        for operation in path.values()
    ]
    assert len(names) == len(set(names))


def test_a_list_can_be_turned_to_its_next_page() -> None:
    for service, route in ROUTES:
        names = set(names_of(route.query)) if route.query is not Query else set()
        assert ("cursor" in names) <= ("limit" in names), named((service, route))
