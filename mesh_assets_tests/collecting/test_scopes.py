"""What an edit of the estate does to documents: two discoveries of the same servers under two estates."""

import dataclasses
from typing import Any

import pytest
from msgspec.structs import replace

from mesh_assets.estate.connections import SchemaRegistryConnection
from mesh_assets.inventory.sections import SECTION_NAMES
from mesh_assets.platforms.schema_registry import SchemaRegistryClient
from mesh_assets_tests.collecting.scopes import ONE, OTHER, SINK, Servers, endpoint, forty, kinds
from mesh_assets_tests.platforms.schema_registry.fakes import Confluent, some_schemas

REGISTRY, OTHER_REGISTRY = "http://registry.test/base", "http://other-registry.test/base"


def test_a_topic_that_a_new_pattern_excludes_is_out_of_scope_once_and_not_deleted() -> None:
    servers = Servers()
    before = servers.discover()

    after = servers.discover(before, topics={"exclude": ["tmp-*"]})
    next_one = servers.discover(after, topics={"exclude": ["tmp-*"]})

    assert kinds(before, after) == kinds(after, next_one) == []
    assert [topic.name for topic in after.topics] == ["orders", "users"]
    assert after.sections["topics"].scope_note == "out of scope: 1 topic (tmp-1), not reported as deleted"
    assert [next_one.sections[name].scope_note for name in SECTION_NAMES] == [None] * len(SECTION_NAMES)


def test_a_topic_that_comes_back_into_scope_is_not_created() -> None:
    servers = Servers()
    before = servers.discover(topics={"exclude": ["tmp-*"]})
    servers.kafka.topics["payments"] = [0]

    after = servers.discover(before, topics={"exclude": []})

    assert kinds(before, after) == [("created", "topic", "payments")]
    assert after.sections["topics"].scope_note == "new in scope: 1 topic (tmp-1), not reported as created"


def test_a_deletion_during_an_edit_of_the_estate_is_still_reported() -> None:
    servers = Servers()
    before = servers.discover()
    del servers.kafka.topics["users"]

    after = servers.discover(before, topics={"exclude": ["tmp-*"]})

    assert kinds(before, after) == [("deleted", "topic", "users")]


def test_a_group_that_a_new_pattern_excludes_is_not_deleted() -> None:
    servers = Servers()
    before = servers.discover()

    after = servers.discover(before, consumer_groups={"exclude": ["console-*"]})

    assert kinds(before, after) == []
    assert after.sections["consumer_groups"].scope_note == (
        "out of scope: 1 consumer group (console-1), not reported as deleted"
    )


def test_another_url_of_the_same_worker_changes_nothing() -> None:
    servers = Servers(workers={ONE: forty(), OTHER: forty()})
    before = servers.discover(connect=[endpoint(ONE)])

    after = servers.discover(before, connect=[endpoint(OTHER)])

    assert after.sections["connectors"].status == "fresh"
    assert kinds(before, after) == []
    assert after.connectors == before.connectors
    assert {connector.connect for connector in after.connectors} == {"kafka_connect"}
    assert after.sections["connectors"].scope_note is None


def test_a_state_change_under_another_url_is_reported_under_the_same_name() -> None:
    servers = Servers(workers={ONE: {"a": SINK}, OTHER: {"a": {**SINK, "tasks.max": "2"}}})
    before = servers.discover(connect=[endpoint(ONE)])

    after = servers.discover(before, connect=[endpoint(OTHER)])

    assert kinds(before, after) == [("updated", "connector", "a")]


def test_the_connectors_of_another_worker_are_neither_deleted_nor_created_nor_held_back() -> None:
    servers = Servers(workers={ONE: forty(), OTHER: {"new": SINK}})
    before = servers.discover(connect=[endpoint(ONE)])

    after = servers.discover(before, connect=[endpoint(OTHER)])

    assert after.sections["connectors"].status == "fresh"
    assert kinds(before, after) == []
    assert after.sections["connectors"].scope_note == (
        "out of scope: 40 connectors (sink-00, sink-01, sink-02 and 37 more), not reported as deleted; "
        "new in scope: 1 connector (new), not reported as created"
    )


def test_removing_an_endpoint_leaves_the_connectors_of_the_other_alone() -> None:
    servers = Servers(workers={ONE: {"a": SINK, "b": SINK}, OTHER: forty()})
    before = servers.discover(connect=[endpoint(ONE, "main"), endpoint(OTHER, "second")])
    del servers.workers[ONE]["b"]

    after = servers.discover(before, connect=[endpoint(ONE, "main")])

    assert kinds(before, after) == [("deleted", "connector", "b")]
    assert after.sections["connectors"].scope_note == (
        "out of scope: 40 connectors (sink-00, sink-01, sink-02 and 37 more), not reported as deleted"
    )


def test_removing_the_last_endpoint_is_reported_once_and_putting_it_back_creates_nothing() -> None:
    servers = Servers(workers={ONE: forty()})
    before = servers.discover(connect=[endpoint(ONE)])

    without = servers.discover(before)
    still_without = servers.discover(without)
    again = servers.discover(still_without, connect=[endpoint(ONE)])

    assert without.sections["connectors"].scope_note == (
        "out of scope: all 40 connectors, because the estate no longer names a source for them"
    )
    assert still_without.sections["connectors"].scope_note is None
    assert kinds(before, without) == kinds(without, still_without) == kinds(still_without, again) == []


def test_an_endpoint_that_is_given_a_name_keeps_its_connectors() -> None:
    servers = Servers(workers={ONE: forty(), OTHER: forty("other")})
    before = servers.discover(connect=[endpoint(ONE)])
    del servers.workers[ONE]["sink-00"]

    after = servers.discover(before, connect=[endpoint(ONE, "main"), endpoint(OTHER, "second")])

    assert kinds(before, after) == [("deleted", "connector", "sink-00")]
    assert after.sections["connectors"].scope_note == (
        "new in scope: 40 connectors (other-00, other-01, other-02 and 37 more), not reported as created; "
        "endpoint kafka_connect is called main now"
    )


def test_two_endpoints_that_swap_their_urls_delete_nothing() -> None:
    servers = Servers(workers={ONE: {"a": SINK}, OTHER: {"b": SINK}})
    before = servers.discover(connect=[endpoint(ONE, "main"), endpoint(OTHER, "second")])

    after = servers.discover(before, connect=[endpoint(OTHER, "main"), endpoint(ONE, "second")])

    assert kinds(before, after) == []


def test_a_document_from_before_scopes_gives_no_changes() -> None:
    servers = Servers(workers={ONE: forty()})
    now = servers.discover(connect=[endpoint(ONE)])
    old = replace(
        now,
        connectors=tuple(replace(c, connect="one.test:8083") for c in now.connectors),
        sections={name: replace(state, scope=None) for name, state in now.sections.items()},
    )

    after = servers.discover(old, connect=[endpoint(ONE)])

    assert kinds(old, after) == []
    assert after.sections["connectors"].scope_note == "endpoint one.test:8083 is called kafka_connect now"


def test_another_registry_url_deletes_no_subject() -> None:
    many = Confluent(schemas=some_schemas(12))
    servers = Servers(registries={REGISTRY: many, OTHER_REGISTRY: Confluent(schemas=[])})
    before = servers.discover(schema_registry={"url": REGISTRY})

    after = servers.discover(before, schema_registry={"url": OTHER_REGISTRY})

    assert len(before.schemas) == 12
    assert (after.sections["schemas"].status, after.schemas) == ("fresh", ())
    assert kinds(before, after) == []
    assert (after.sections["schemas"].scope_note or "").startswith("out of scope: 12 subjects (")


def test_another_url_of_the_same_registry_changes_nothing() -> None:
    registry = Confluent(schemas=some_schemas(12))
    servers = Servers(registries={REGISTRY: registry, OTHER_REGISTRY: registry})
    before = servers.discover(schema_registry={"url": REGISTRY})
    registry.schemas = registry.schemas[1:]
    after = servers.discover(before, schema_registry={"url": OTHER_REGISTRY})

    assert kinds(before, after) == []
    assert len(after.schemas) == 11


def test_a_registry_under_another_name_is_another_one_even_if_subject_names_match() -> None:
    servers = Servers(
        registries={
            REGISTRY: Confluent(schemas=some_schemas(3)),
            OTHER_REGISTRY: Confluent(
                schemas=[dataclasses.replace(schema, id=schema.id + 100) for schema in some_schemas(3)],
                global_compatibility="FULL",
            ),
        }
    )
    before = servers.discover(schema_registry={"url": REGISTRY, "name": "old"})

    after = servers.discover(before, schema_registry={"url": OTHER_REGISTRY, "name": "new"})

    assert kinds(before, after) == []


def test_a_failed_reading_keeps_the_scope_of_its_data_and_the_next_one_reports() -> None:
    servers = Servers()
    before = servers.discover()

    stale = servers.discover(before, without=("topics",), topics={"exclude": ["tmp-*"]})
    after = servers.discover(stale, topics={"exclude": ["tmp-*"]})

    assert stale.sections["topics"].scope == before.sections["topics"].scope
    assert "tmp-1" in [topic.name for topic in stale.topics]
    assert kinds(before, stale) == kinds(stale, after) == []
    assert after.sections["topics"].scope_note == "out of scope: 1 topic (tmp-1), not reported as deleted"


@pytest.mark.parametrize("connection", [{}, {"id": "lsrc-1"}, {"id": "lsrc-1", "name": "main"}])
def test_a_registry_is_identified_by_its_name_or_id_or_as_the_only_one(connection: dict[str, Any]) -> None:
    client = SchemaRegistryClient(SchemaRegistryConnection(url=REGISTRY, **connection))

    assert client.name == connection.get("name", connection.get("id", "schema_registry"))
    assert client.address == "registry.test/base"
