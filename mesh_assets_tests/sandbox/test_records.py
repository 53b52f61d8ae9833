"""Records are the same everywhere and always, and keep to their own schemas."""

import hashlib
import json

import jsonschema  # type: ignore[import-untyped] # it comes without types
import pytest
from referencing import Registry, Resource

from mesh_assets.sandbox.estate.records import backlog, line, record
from mesh_assets.sandbox.estate.shared_types import SHARED_TYPES
from mesh_assets.sandbox.estate.subjects import all_subjects, json_schema
from mesh_assets.sandbox.estate.topic import Topic
from mesh_assets.sandbox.estate.topics import TOPICS

by_name = {topic.name: topic for topic in TOPICS}


def test_the_same_seed_gives_the_same_bytes() -> None:
    text = "\n".join(found for topic in TOPICS for found in backlog(topic))
    # Changes when definitions change, never by itself: not with the machine, the run or the order in which
    # records are made.
    assert (
        hashlib.sha256(text.encode()).hexdigest()
        == "cc7a49db2b7f83938a32aa0649a3248c62ee549090821a42f5653896948978d2"
    )


def test_a_record_does_not_depend_on_those_made_before() -> None:
    orders = by_name["orders"]
    assert [line(orders, n) for n in (250, 3, 250)] == [line(orders, 250), line(orders, 3), line(orders, 250)]
    assert line(orders, 250) != line(orders, 3)


def test_a_thing_described_again_is_described_in_the_same_words() -> None:
    users = by_name["users"]
    assert line(users, 7) == line(users, 7 + users.backlog)


@pytest.mark.parametrize("topic", TOPICS, ids=lambda t: t.name)
def test_every_record_keeps_to_the_newest_schema_of_its_topic(topic: Topic) -> None:
    texts = {subject.name: subject.versions[-1] for subject in all_subjects()}
    registry: Registry[object] = Registry().with_resources(
        (kind.file, Resource.from_contents(json.loads(texts[kind.subject]))) for kind in SHARED_TYPES
    )
    validator = jsonschema.Draft7Validator(
        json_schema(topic, version=topic.schema_versions), registry=registry
    )
    for number in range(0, topic.backlog + 50, 7):
        assert list(validator.iter_errors(record(topic, number))) == []


def test_an_optional_field_is_sometimes_there_and_sometimes_not() -> None:
    present = {"coupon" in record(by_name["orders"], number) for number in range(50)}
    assert present == {True, False}
