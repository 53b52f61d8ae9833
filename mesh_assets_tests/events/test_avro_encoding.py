import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import fastavro
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from mesh_assets.events.avro_encoding import encoder
from mesh_assets.events.avro_form import encode_change_event, encode_discovery_event, schema_text
from mesh_assets.events.model import ChangeEvent, DiscoveryEvent, discovery_event
from mesh_assets.inventory.changes import Trigger
from mesh_assets_tests.documents import a_document, a_topic
from mesh_assets_tests.events.arbitrary_records import arbitrary

MOMENTS = st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2200, 1, 1), timezones=st.just(UTC))


class Thing(Struct):
    """`values`: of the type in the test's schema."""

    values: Any


def _schema(kind: Any) -> dict[str, Any]:
    return {"type": "record", "name": "Thing", "fields": [{"name": "values", "type": kind}]}


def _by_fastavro(schema: Any, plain: Any) -> bytes:
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, fastavro.parse_schema(schema), plain, strict=True)
    return buffer.getvalue()


def _plain(record: Struct) -> Any:
    return msgspec.to_builtins(record, builtin_types=(datetime,))


def _lists(plain: Any) -> Any:
    """fastavro interprets a tuple as the name of a union's branch and its value."""
    if isinstance(plain, dict):
        return {key: _lists(value) for key, value in plain.items()}
    return [_lists(value) for value in plain] if isinstance(plain, list | tuple) else plain


@pytest.mark.slow
@given(arbitrary(DiscoveryEvent))
def test_a_snapshot_is_encoded_byte_for_byte_as_fastavro_does(event: DiscoveryEvent) -> None:
    expected = _by_fastavro(json.loads(schema_text("discovery_event")), _lists(_plain(event)))
    assert encode_discovery_event(event, 258) == b"\x00\x00\x00\x01\x02" + expected


@given(arbitrary(ChangeEvent))
def test_a_change_is_encoded_byte_for_byte_as_fastavro_does(event: ChangeEvent) -> None:
    expected = _by_fastavro(json.loads(schema_text("change_event")), _plain(event))
    assert encode_change_event(event, 1) == b"\x00\x00\x00\x00\x01" + expected


_LONGS = st.integers(-(2**63), 2**63 - 1)
_TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("long", _LONGS),
        (["null", "long"], st.none() | _LONGS),
        ("string", _TEXTS),
        (["null", "string"], st.none() | _TEXTS),
        ("double", st.floats()),
        (["null", "double"], st.none() | st.floats()),
        (["null", "boolean"], st.none() | st.booleans()),
        ({"type": "array", "items": "int"}, st.lists(st.integers(-(2**31), 2**31 - 1))),
        (
            ["null", {"type": "map", "values": ["null", "string"]}],
            st.none() | st.dictionaries(_TEXTS, st.none() | _TEXTS),
        ),
        (
            {"type": "map", "values": {"type": "array", "items": "long"}},
            st.dictionaries(_TEXTS, st.lists(_LONGS)),
        ),
        ({"type": "long", "logicalType": "timestamp-millis"}, MOMENTS),
        ({"type": "long", "logicalType": "timestamp-micros"}, MOMENTS),
    ],
    ids=str,
)
def test_values_of_each_kind_are_encoded_as_fastavro_does_however_often_they_occur(
    kind: Any, values: st.SearchStrategy[Any]
) -> None:
    encode = encoder(_schema(kind))

    @given(values)
    def holds(value: Any) -> None:
        expected = _by_fastavro(_schema(kind), {"values": value})
        assert encode(Thing(value)) == expected
        assert encode(Thing(value)) == expected

    holds()


def test_equal_texts_and_numbers_of_different_kinds_are_kept_apart() -> None:
    schema = {
        "type": "record",
        "name": "Pair",
        "fields": [
            {"name": "number", "type": ["null", "long"]},
            {"name": "share", "type": ["null", "double"]},
            {"name": "sure", "type": "boolean"},
        ],
    }
    pair = msgspec.defstruct("Pair", ["number", "share", "sure"])
    encode = encoder(schema)
    for values in ((1, 1.0, True), (0, -0.0, False), (None, 0.0, True)):
        plain = dict(zip(("number", "share", "sure"), values, strict=True))
        assert encode(pair(*values)) == _by_fastavro(schema, plain)


def test_a_dictionary_shared_by_two_topics_is_the_same_in_both_and_a_later_one_is_another() -> None:
    schema = {"type": "array", "items": _schema({"type": "map", "values": "string"})}
    shared = {"retention.ms": "1000"}
    encode = encoder(schema)
    of_many = [Thing(shared), Thing(shared), *(Thing({"retention.ms": str(number)}) for number in range(50))]
    assert encode(of_many) == _by_fastavro(schema, [_plain(one) for one in of_many])


def test_a_field_missing_from_the_schema_is_refused_by_name() -> None:
    with pytest.raises(
        ValueError, match=r"^Thing and the Avro record Thing differ in their fields: name, values$"
    ):
        encoder({**_schema("int"), "fields": [{"name": "name", "type": "int"}]})(Thing(1))


@pytest.mark.parametrize(
    ("kind", "value", "error"),
    [
        ("long", 2**63, OverflowError),
        ("long", None, TypeError),
        ("string", None, AttributeError),
        ("string", "\ud800", UnicodeEncodeError),
        ({"type": "long", "logicalType": "timestamp-millis"}, datetime(2026, 1, 1), TypeError),
    ],
    ids=str,
)
def test_a_value_that_does_not_fit_is_an_error(kind: Any, value: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        encoder(_schema(kind))(Thing(value))


def test_a_schema_with_a_kind_that_events_lack_is_refused() -> None:
    with pytest.raises(NotImplementedError, match="no encoding of the Avro schema"):
        encoder(_schema({"type": "fixed", "name": "F", "size": 2}))


def test_moments_before_1970_are_negative() -> None:
    schema = _schema({"type": "long", "logicalType": "timestamp-millis"})
    moment = datetime(1970, 1, 1, tzinfo=UTC) - timedelta(milliseconds=1)
    assert encoder(schema)(Thing(moment)) == b"\x01"


def test_encodings_do_not_affect_each_other() -> None:
    """Otherwise something remembered by identity could be mistaken for a later object at the same address."""
    for number in range(20):
        document = a_document(topics=(a_topic("orders", config={"retention.ms": str(number)}),))
        event = discovery_event(document, triggers=(Trigger(type="manual"),), change_count=0)
        assert encode_discovery_event(event, 1)[5:] == _by_fastavro(
            json.loads(schema_text("discovery_event")), _lists(_plain(event))
        )
