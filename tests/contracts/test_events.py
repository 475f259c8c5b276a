"""The contracts between services: complete, readable, covered by the stream."""

import importlib
import json
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

import shared.contracts
from deploy.docs.fields import ENVELOPE, MEANINGS, fields_of
from shared.contracts import samples
from shared.contracts.catalogue import CATALOGUE, EventType, find, sample_event
from shared.contracts.envelope import SUBJECT_PREFIX, Event, EventData
from shared.contracts.orders import ORDER_EVENTS
from shared.messaging.broker import stream_config

ROOT = Path(__file__).parent.parent.parent
EVENT_NAME = re.compile(r'(?:event_type=|Subscription\()\s*"([a-z_]+\.[a-z_]+)"')
every_type = pytest.mark.parametrize("kind", CATALOGUE, ids=lambda kind: kind.name)


def all_data_models() -> Iterator[type[EventData]]:
    for module in pkgutil.iter_modules(shared.contracts.__path__):
        importlib.import_module(f"shared.contracts.{module.name}")
    waiting = [EventData]
    while waiting:
        model = waiting.pop()
        waiting.extend(model.__subclasses__())
        if "TYPE" in vars(model):
            yield model


@every_type
def test_a_sample_survives_the_wire(kind: EventType) -> None:
    wire = sample_event(kind).model_dump_json()
    event = Event.model_validate_json(wire)
    assert event == sample_event(kind)
    assert kind.data.model_validate(event.data) == kind.sample


@every_type
def test_members_that_a_later_version_adds_are_ignored(kind: EventType) -> None:
    newer = {**kind.sample.model_dump(mode="json"), "added_later": {"anything": 1}}
    assert kind.data.model_validate(newer) == kind.sample


@every_type
def test_the_subject_of_a_sample_is_the_entity_it_names(kind: EventType) -> None:
    event = sample_event(kind)
    assert event.subject == str(event.data[kind.entity]).rpartition(":")[2]


@every_type
def test_the_subject_names_merchant_and_type_and_nothing_personal(kind: EventType) -> None:
    tokens = sample_event(kind).nats_subject.split(".")
    assert tokens[:3] == [*SUBJECT_PREFIX.split("."), samples.MERCHANT]
    assert ".".join(tokens[3:]) == kind.sample_type


def test_no_two_types_share_a_name() -> None:
    names = [kind.name for kind in CATALOGUE]
    assert sorted(names) == sorted(set(names))


def test_the_stream_takes_every_subject() -> None:
    (covered,) = stream_config().subjects or []
    assert covered.endswith(".>")
    for kind in CATALOGUE:
        assert sample_event(kind).nats_subject.startswith(covered.removesuffix(">"))


def test_every_model_of_the_contracts_is_in_the_catalogue() -> None:
    assert {kind.data for kind in CATALOGUE} == set(all_data_models())


def test_every_state_of_an_order_has_its_event() -> None:
    assert {kind.name for kind in CATALOGUE if kind.name.startswith("order.")} == set(ORDER_EVENTS)


def test_every_event_type_named_in_a_service_is_in_the_catalogue() -> None:
    for source in sorted((ROOT / "services").rglob("*.py")):
        for name in EVENT_NAME.findall(source.read_text()):
            assert find(name) is not None, f"{source.relative_to(ROOT)} says {name}"


def test_a_platforms_event_is_found_whatever_its_name() -> None:
    unheard_of = find("platform.douyin.life_something_new")
    assert unheard_of is not None
    assert unheard_of.name == "platform.douyin.*"
    assert find("nobody.said_that") is None


@every_type
def test_every_member_is_explained(kind: EventType) -> None:
    rows = list(fields_of(kind.data))
    assert {row.path for row in rows} >= set(kind.data.model_fields)
    assert all(row.meaning and row.type for row in rows)


def test_nothing_is_explained_that_no_event_has() -> None:
    held: set[str] = set()
    waiting: list[type[BaseModel]] = [kind.data for kind in CATALOGUE]
    for model in waiting:
        held |= {row.path.rpartition(".")[2] for row in fields_of(model)}
    assert set(MEANINGS) == held
    assert set(ENVELOPE) == set(Event.model_fields)


def test_no_sample_holds_a_phone_number() -> None:
    everything = json.dumps([sample_event(kind).model_dump(mode="json") for kind in CATALOGUE])
    assert not re.search(r"(?<!\d)1[3-9]\d{9}(?!\d)", everything)
