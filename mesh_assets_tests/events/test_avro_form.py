import io
import json
import re
import struct
from datetime import datetime
from typing import Any, get_args

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from mesh_assets.errors import PublishError, RefusedError, UnexpectedAnswerError, UnreachableError
from mesh_assets.events.avro_form import (
    decode_change_event,
    decode_discovery_event,
    encode_change_event,
    encode_discovery_event,
    register_schemas,
    schema_text,
)
from mesh_assets.events.model import ClaimedDocument, change_events, claim_check, discovery_event, document_of
from mesh_assets.inventory.changes import Change, ResourceType, Trigger
from mesh_assets.inventory.data_contracts import DataContract, SchemaRule
from mesh_assets.inventory.document import Document
from mesh_assets.store.pointers import SchemaIds
from mesh_assets_tests.documents import MOMENT, a_connector, a_document, a_group, a_schema, a_topic
from mesh_assets_tests.events.a_registry import ARegistry
from mesh_assets_tests.events.arbitrary_records import arbitrary
from mesh_assets_tests.events.avro import records_of

NAMES = ("discovery_event", "change_event")
MANUAL = (Trigger(type="manual"),)
whole_milliseconds = st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2200, 1, 1)).map(
    lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000, tzinfo=MOMENT.tzinfo)
)


def _schema_of_events(_schema_id: int) -> str:
    return schema_text("discovery_event")


def _schema_of_changes(_schema_id: int) -> str:
    return schema_text("change_event")


@given(
    arbitrary(Document, discovery_timestamp=whole_milliseconds),
    st.lists(arbitrary(Trigger), min_size=1, max_size=3),
)
def test_a_snapshot_loses_only_the_stores_own_business(document: Document, triggers: list[Trigger]) -> None:
    event = discovery_event(document, triggers=triggers, change_count=3)
    read = decode_discovery_event(encode_discovery_event(event, 7), _schema_of_events)
    assert read == event
    assert document_of(read) == replace(document, held={}, tickets={}, series="", hold_clocks={})


@given(st.lists(arbitrary(Change), max_size=3), whole_milliseconds)
def test_a_change_event_loses_nothing_of_the_change(changes: list[Change], moment: datetime) -> None:
    for event in change_events(
        changes, cluster_id="lkc-1", sequence=2, discovery_timestamp=moment, triggers=MANUAL
    ):
        assert decode_change_event(encode_change_event(event, 7), _schema_of_changes) == event


def test_a_claim_check_says_where_the_state_is_and_holds_none_of_it() -> None:
    document = a_document(
        topics=(a_topic(),), connectors=(a_connector(),), schemas=(a_schema(),), consumer_groups=(a_group(),)
    )
    claimed = ClaimedDocument(uri="s3://mesh/inventory.json", sha256="ab", bytes=12)
    event = claim_check(discovery_event(document, triggers=MANUAL, change_count=0), claimed)
    read = decode_discovery_event(encode_discovery_event(event, 7), _schema_of_events)
    state = read.cluster_state
    assert (read.document, read.summary, read.sections) == (claimed, document.summary, document.sections)
    assert (state.topics, state.connectors, state.schemas, state.consumer_groups, state.metrics_snapshot) == (
        None,
    ) * 5
    with pytest.raises(PublishError, match=r"claim check; its state is at s3://mesh/inventory\.json"):
        document_of(read)


def test_a_reader_that_knows_nothing_of_this_project_reads_the_frame_and_the_fields() -> None:
    document = a_document(topics=(a_topic("orders", config={"retention.ms": "1000", "secret": None}),))
    value = encode_discovery_event(discovery_event(document, triggers=MANUAL, change_count=0), 4711)
    assert struct.unpack(">bI", value[:5]) == (0, 4711)
    event: Any = fastavro.schemaless_reader(io.BytesIO(value[5:]), json.loads(schema_text("discovery_event")))
    assert event["sequence"] == 1
    assert event["discovery_timestamp"] == MOMENT
    assert event["trigger"] == {
        "type": "manual",
        "resource": None,
        "details": None,
        "changes": [{"type": "manual", "resource": None, "details": None}],
    }
    assert (event["cluster_state"]["environment_id"], event["cluster_state"]["cluster_id"]) == (
        "env-1",
        "lkc-1",
    )
    assert event["cluster_state"]["topics"][0]["config"] == {"retention.ms": "1000", "secret": None}
    assert event["sections"]["topics"]["status"] == "fresh"
    assert event["document"] is None


@pytest.mark.parametrize("name", NAMES)
def test_every_field_of_the_public_schemas_is_explained(name: str) -> None:
    def unexplained(kind: Any, path: str) -> list[str]:
        if isinstance(kind, list):
            return [found for branch in kind for found in unexplained(branch, path)]
        if not isinstance(kind, dict):
            return []
        if kind["type"] != "record":
            return unexplained(kind.get("items") or kind.get("values"), path)
        found = [] if kind.get("doc") else [path]
        for field in kind["fields"]:
            place = f"{path}.{field['name']}"
            found += [] if field.get("doc") else [place]
            found += unexplained(field["type"], place)
        return found

    assert unexplained(json.loads(schema_text(name)), name) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_nullable_field_defaults_to_null_so_that_it_may_be_removed_one_day(name: str) -> None:
    without = [
        field["name"]
        for record in records_of(json.loads(schema_text(name)))
        for field in record["fields"]
        if isinstance(field["type"], list) and ("default" not in field or field["default"] is not None)
    ]
    assert without == []


def test_an_event_of_an_older_schema_is_read_with_defaults() -> None:
    older = json.loads(schema_text("change_event"))
    older["fields"] = [field for field in older["fields"] if field["name"] != "field"]
    plain = {
        "id": "1",
        "sequence": 2,
        "cluster_id": "lkc-1",
        "discovery_timestamp": MOMENT,
        "kind": "created",
        "resource_type": "topic",
        "resource": "orders",
        "truncated": False,
        "severity": "info",
        "sentence": "s",
        "trigger": {"type": "manual"},
    }
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, older, plain)
    read = decode_change_event(struct.pack(">bI", 0, 1) + buffer.getvalue(), lambda _: json.dumps(older))
    assert (read.resource, read.field, read.trigger.type) == ("orders", None, "manual")


def test_a_snapshot_from_before_connectors_had_ids_is_read_without_them() -> None:
    older = json.loads(schema_text("discovery_event"))
    (connector_fields,) = [record["fields"] for record in records_of(older) if record["name"] == "Connector"]
    connector_fields.remove(next(field for field in connector_fields if field["name"] == "id"))
    document = a_document(connectors=(a_connector(id="lcc-1"),))
    event = discovery_event(document, triggers=MANUAL, change_count=0)
    now = encode_discovery_event(event, 1)
    plain = fastavro.schemaless_reader(io.BytesIO(now[5:]), json.loads(schema_text("discovery_event")), older)
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, older, plain)
    read = decode_discovery_event(struct.pack(">bI", 0, 1) + buffer.getvalue(), lambda _: json.dumps(older))
    assert read.cluster_state.connectors == (a_connector(id=None),)


def test_a_snapshot_from_before_contracts_has_schemas_with_unknown_contracts() -> None:
    older = json.loads(schema_text("discovery_event"))
    (fields,) = [record["fields"] for record in records_of(older) if record["name"] == "Schema"]
    fields.remove(next(field for field in fields if field["name"] == "contract"))
    contract = DataContract(
        properties={"owner": "shop"},
        tags={"**.ssn": ("PII",)},
        rules=(SchemaRule(phase="domain", name="r", params={"a": None}),),
    )
    document = a_document(schemas=(a_schema(contract=contract),))
    now = encode_discovery_event(discovery_event(document, triggers=MANUAL, change_count=0), 1)
    assert decode_discovery_event(now, _schema_of_events).cluster_state.schemas == document.schemas
    plain = fastavro.schemaless_reader(io.BytesIO(now[5:]), json.loads(schema_text("discovery_event")), older)
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, older, plain)
    read = decode_discovery_event(struct.pack(">bI", 0, 1) + buffer.getvalue(), lambda _: json.dumps(older))
    assert read.cluster_state.schemas == (a_schema(contract=None),)


@pytest.mark.parametrize(
    "value",
    [b"", b"{}", b"\x01\x00\x00\x00\x01abc", b"\x00\x00\x00\x00\x01", b"\x00\x00\x00\x00\x01\xff\xff\xff"],
)
def test_a_foreign_record_is_an_error_and_not_an_event(value: bytes) -> None:
    with pytest.raises(UnexpectedAnswerError, match="the record's value is"):
        decode_discovery_event(value, _schema_of_events)


@pytest.mark.parametrize(
    "text",
    [
        schema_text("change_event"),
        'syntax = "proto3"; message A {}',
        '{"type": "object"}',
        '{"type": "record", "name": "A", "fields": [{"name": "a"}]}',
        '{"type": "record", "fields": []}',
        '{"type":"array","items":' * 2_000 + '"int"' + "}" * 2_000,
        "[" * 20_000,
    ],
    ids=["another event's", "protobuf", "json", "no type", "no name", "deep", "deeper"],
)
def test_an_event_of_any_schema_is_one_short_sentence(text: str) -> None:
    with pytest.raises(
        UnexpectedAnswerError, match="not a discovery_event that this version knows"
    ) as caught:
        decode_discovery_event(b"\0\0\0\0\7junk", lambda _: text)

    said = str(caught.value)
    assert len(said) < 300
    assert "\n" not in said


def test_an_event_of_another_schema_is_an_error_that_names_its_id() -> None:
    (change,) = change_events(
        [_a_change()], cluster_id="lkc-1", sequence=1, discovery_timestamp=MOMENT, triggers=MANUAL
    )
    with pytest.raises(UnexpectedAnswerError, match="schema id 9"):
        decode_discovery_event(encode_change_event(change, 9), _schema_of_changes)


def _a_change() -> Change:
    return Change(
        kind="created",
        resource_type="topic",
        resource="orders",
        field=None,
        before=None,
        after="{}",
        severity="info",
        sentence="s",
    )


def _register(registry: ARegistry, cached: SchemaIds | None = None) -> tuple[SchemaIds, str | None]:
    return register_schemas(
        registry, events_topic="discovery-events", changes_topic="discovery-changes", cached=cached
    )


@pytest.fixture
def known() -> SchemaIds:
    return _register(ARegistry())[0]


def test_both_schemas_are_registered_for_the_values_of_their_topics() -> None:
    registry = ARegistry()
    ids, note = _register(registry)
    assert registry.registered == {
        "discovery-events-value": schema_text("discovery_event"),
        "discovery-changes-value": schema_text("change_event"),
    }
    assert (ids.event_id, ids.change_id, note) == (1, 2, None)


@pytest.mark.parametrize("error", [UnreachableError("connection refused"), RefusedError("401")])
def test_a_failing_registry_leaves_the_previous_ids_and_a_note(error: Exception, known: SchemaIds) -> None:
    ids, note = _register(ARegistry(error), known)
    assert ids == known
    assert note == f"the event schemas could not be registered again; earlier ids were used: {error}"


def test_a_failing_registry_at_the_first_run_is_an_error() -> None:
    with pytest.raises(PublishError, match="no earlier ids of them are known: connection refused"):
        _register(ARegistry(UnreachableError("connection refused")))


@pytest.mark.parametrize(
    "other", [{"registry": "http://other"}, {"event_fingerprint": "x"}, {"change_fingerprint": "x"}]
)
def test_ids_of_another_registry_or_schema_do_not_count(other: dict[str, str], known: SchemaIds) -> None:
    with pytest.raises(PublishError):
        _register(ARegistry(UnreachableError("connection refused")), replace(known, **other))


def test_the_schema_of_changes_names_every_type_of_resource() -> None:
    fields = {
        one["name"]: one["doc"] for one in json.loads(schema_text("change_event"))["fields"] if "doc" in one
    }
    assert set(re.findall(r"[a-z_]+", fields["resource_type"])) - {"or"} == set(get_args(ResourceType))
