"""Documents and events from before metrics had more than one source are still read."""

import io
import json
import struct
from typing import Any

import fastavro
import msgspec

from mesh_assets.events.avro_form import decode_discovery_event, schema_text
from mesh_assets.events.model import discovery_event, document_of
from mesh_assets.inventory.changes import Trigger
from mesh_assets.inventory.document import decode_document, encode_document
from mesh_assets.inventory.records import Broker, GroupRate, Metrics, TopicRate
from mesh_assets_tests.documents import a_document, some_metrics
from mesh_assets_tests.events.avro import records_of

NEWER = {
    "Metrics": {"connectors", "cluster", "sources"},
    "TopicRate": {"records_out_per_second", "bytes_in_per_second", "bytes_out_per_second", "retained_bytes"},
    "GroupRate": {"lag_seconds", "lag_seconds_at_least", "estimated_max_lag_seconds"},
    "Broker": {"cpu_percent", "disk_used_percent", "connections"},
}
METRICS = some_metrics(
    topics=(TopicRate(topic="orders", records_in_per_second=1.5, message_count=3),),
    consumer_groups=(GroupRate(group_id="g", records_committed_per_second=1.0, lag_records=2),),
    brokers=(Broker(id=1, host="h", port=1),),
)


def older(value: Any) -> Any:
    """The metrics as the first version wrote them."""
    plain = {name: kept for name, kept in value.items() if name not in NEWER["Metrics"]}
    for name, kind in (("topics", "TopicRate"), ("consumer_groups", "GroupRate"), ("brokers", "Broker")):
        plain[name] = [
            {key: kept for key, kept in record.items() if key not in NEWER[kind]} for record in plain[name]
        ]
    return plain


def with_metrics(metrics: Metrics) -> Any:
    return msgspec.structs.replace(a_document(), metrics=metrics)


def test_an_older_document_is_readable_and_what_it_lacks_is_unknown() -> None:
    document = with_metrics(METRICS)
    plain = json.loads(encode_document(document))
    plain["metrics"] = older(plain["metrics"])
    assert decode_document(json.dumps(plain).encode(), source="old") == document


def test_an_older_event_is_readable_and_what_it_lacks_is_unknown() -> None:
    document = with_metrics(METRICS)
    schema = json.loads(schema_text("discovery_event"))
    for record in records_of(schema):
        record["fields"] = [
            field for field in record["fields"] if field["name"] not in NEWER.get(record["name"], ())
        ]
    event = msgspec.to_builtins(
        discovery_event(document, triggers=(Trigger(type="manual"),), change_count=0),
        builtin_types=(type(document.discovery_timestamp),),
    )
    event["cluster_state"]["metrics_snapshot"] = older(event["cluster_state"]["metrics_snapshot"])
    event = _with_lists(event)
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, fastavro.parse_schema(json.loads(json.dumps(schema))), event)
    read = decode_discovery_event(struct.pack(">bI", 0, 1) + buffer.getvalue(), lambda _: json.dumps(schema))
    assert document_of(read) == document


def _with_lists(value: Any) -> Any:
    """fastavro interprets a tuple as a union's branch and its value."""
    if isinstance(value, dict):
        return {name: _with_lists(kept) for name, kept in value.items()}
    return [_with_lists(kept) for kept in value] if isinstance(value, list | tuple) else value
