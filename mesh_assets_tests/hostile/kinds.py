"""Input from outside, by kind: valid examples to be made odd or huge, and their readers."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpx
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from mesh_assets.analysis.schema_fields import mask_personal, schema_fields, schema_properties
from mesh_assets.collecting.clients import ClusterClients
from mesh_assets.collecting.samples import RecordDecoder
from mesh_assets.collecting.sections import collect_sections
from mesh_assets.diff import diff_documents
from mesh_assets.estate.connections import (
    ConfluentCloudConnectEndpoint,
    KafkaConnectEndpoint,
    SchemaRegistryConnection,
)
from mesh_assets.estate.monitoring import ConfluentCloudMetrics
from mesh_assets.events.avro_form import encode_change_event, encode_discovery_event
from mesh_assets.events.model import change_events, discovery_event
from mesh_assets.inventory.changes import Trigger
from mesh_assets.inventory.document import (
    ClusterIdentity,
    Document,
    EnvironmentIdentity,
    decode_document,
    encode_document,
)
from mesh_assets.inventory.links import record_name
from mesh_assets.inventory.sections import SectionName
from mesh_assets.joining.join import join_sections
from mesh_assets.metrics.confluent_cloud import ConfluentCloudMetricsReader
from mesh_assets.metrics.measurements import Asked
from mesh_assets.platforms.confluent_cloud.metrics_api import MetricsApiClient
from mesh_assets.platforms.connect.confluent_cloud import ConfluentCloudConnectClient
from mesh_assets.platforms.connect.kafka_connect import KafkaConnectClient
from mesh_assets.platforms.http import RetryPolicy
from mesh_assets.platforms.schema_registry import SchemaRegistryClient, SchemaText
from mesh_assets.sensing.trigger_queue import read_message
from mesh_assets.store.inbox import Inbox
from mesh_assets_tests.collecting.cluster_fakes import FakeKafka, a_cluster
from mesh_assets_tests.documents import MOMENT, a_connector
from mesh_assets_tests.hostile.broker_answers import huge_answers, odd_answers, read_answer
from mesh_assets_tests.hostile.valid import (
    AVRO,
    CLOUD,
    CONNECT,
    EXPORT,
    FILES,
    HISTORY,
    JSON_SCHEMA,
    MESSAGES,
    OPENMETRICS,
    PROMETHEUS,
    PROTOBUF,
    RECORD,
    REGISTRY,
)
from mesh_assets_tests.hostile.values import damaged, huge_json, huge_text, odd_json, odd_lines
from mesh_assets_tests.platforms.http.fakes import FakeTime
from mesh_assets_tests.snapshot.world import MemoryObjects

MANUAL = (Trigger(type="manual"),)


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What is read: `odd` and `huge` make inputs, `read` takes one, `use` what it gave; both may raise a MeshError.

    The time of `read` counts: a megabyte of new things makes thousands of changes to write. `share`: of the examples,
    where each costs much.
    """

    odd: SearchStrategy[Any]
    huge: SearchStrategy[Any]
    read: Callable[[Any], Any]
    use: Callable[[Any], object] = lambda _: None
    share: float = 1.0


# --- the inbox and the queue


def read_inbox(files: Mapping[str, bytes]) -> None:
    objects = MemoryObjects()
    for name, content in files.items():
        objects.put(f"triggers/lkc-1/{name}", content)
    inbox = Inbox(objects)
    waiting = inbox.waiting("lkc-1")
    assert waiting, "whatever was there asked for a discovery"
    inbox.put("lkc-1", Trigger(type="external"), cause="c", source="test", now=MOMENT)
    inbox.remove("lkc-1", [one.id for one in waiting])


def file_of(make: Callable[[Any], SearchStrategy[bytes]]) -> SearchStrategy[dict[str, bytes]]:
    return st.sampled_from(sorted(FILES)).flatmap(
        lambda name: make(FILES[name]).map(lambda data: {name: data})
    )


def body_of(make: Callable[[Any], SearchStrategy[bytes]]) -> SearchStrategy[str]:
    bodies = st.sampled_from(MESSAGES).flatmap(make).map(lambda data: data.decode("utf-8", "replace"))
    return bodies | bodies.map(
        lambda body: json.dumps({"Type": "Notification", "MessageId": "m-2", "Message": body})
    )


# --- what HTTP services answer

_HTTP = st.sampled_from([200] * 12 + [204, 301, 400, 401, 403, 404, 409, 422, 429, 500, 503])
Served = Mapping[str, httpx.Response]


def served(
    valid: Mapping[str, Any], make: Callable[[Any], SearchStrategy[bytes]], *, odd: bool = True
) -> SearchStrategy[Served]:
    """Valid answers by the pattern of their path, except for one."""

    def but_for(path: str) -> SearchStrategy[Served]:
        answer = st.builds(
            lambda status, content: httpx.Response(status, content=content),
            _HTTP if odd else st.just(200),
            make(valid[path]),
        )
        return answer.map(
            lambda hostile: {
                one: hostile if one == path else httpx.Response(200, json=value)
                for one, value in valid.items()
            }
        )

    return st.sampled_from(sorted(valid)).flatmap(but_for)


def transport(answers: Served) -> httpx.MockTransport:
    def answer(request: httpx.Request) -> httpx.Response:
        path = request.url.raw_path.decode().partition("?")[0]
        for pattern, found in answers.items():
            if re.fullmatch(pattern, path):
                return httpx.Response(found.status_code, headers=found.headers, content=found.content)
        return httpx.Response(404, json={"error_code": 404, "message": "HTTP 404 Not Found"})

    return httpx.MockTransport(answer)


def options(answers: Served) -> dict[str, Any]:
    return {
        "transport": transport(answers),
        "clock": FakeTime().clock,
        "policy": RetryPolicy(budget_seconds=1),
    }


def registry_of(answers: Served) -> ClusterClients:
    client = SchemaRegistryClient(SchemaRegistryConnection(url="http://registry.test"), **options(answers))
    return ClusterClients(kafka=FakeKafka(topics={"orders": [3]}), registry=client, connect=())


def worker_of(answers: Served) -> ClusterClients:
    endpoint = KafkaConnectEndpoint(kind="kafka_connect", url="http://connect.test")
    client = KafkaConnectClient(endpoint, **options(answers))
    return ClusterClients(kafka=FakeKafka(topics={"orders": [3]}), registry=None, connect=[client])


def cloud_of(answers: Served) -> ClusterClients:
    endpoint = ConfluentCloudConnectEndpoint(
        kind="confluent_cloud", username="K", password="${HOME}", environment_id="env-1", cluster_id="lkc-1"
    )
    client = ConfluentCloudConnectClient(endpoint, **options(answers))
    return ClusterClients(kafka=FakeKafka(topics={"orders": [3]}), registry=None, connect=[client])


def metrics_client(answers: Served) -> MetricsApiClient:
    connection = ConfluentCloudMetrics(kind="confluent_cloud", username="K", password="${HOME}")
    return MetricsApiClient(connection, **options(answers))


def metrics_of(answers: Served) -> ClusterClients:
    reader = ConfluentCloudMetricsReader(metrics_client(answers))
    return ClusterClients(kafka=FakeKafka(topics={"orders": [3]}), registry=None, connect=(), metrics=reader)


def discovered(clients: ClusterClients, previous: Document | None) -> Document:
    @contextmanager
    def opened(_: object) -> Iterator[ClusterClients]:
        yield clients

    cloud = ConfluentCloudMetrics(kind="confluent_cloud", username="K", password="${HOME}")
    cluster = a_cluster(metrics=cloud) if clients.metrics is not None else a_cluster()
    wanted: tuple[SectionName, ...] = ("topics", "consumer_groups", "metrics")
    if clients.metrics is None:
        wanted = ("schemas",) if clients.registry is not None else ("connectors",)
    sections = collect_sections(
        cluster,
        wanted,
        previous=lambda _: previous,
        clients=opened,
        sleep=lambda _: None,
    )
    return join_sections(
        sections,
        previous=previous,
        environment=EnvironmentIdentity(id="env-1", name="test"),
        cluster=ClusterIdentity(id="lkc-1", name="warehouse"),
        now=MOMENT,
        sequence=1,
        run_id="run-1",
    )


def discovery_kind(
    clients: Callable[[Served], ClusterClients],
    valid: Mapping[str, Any],
    *,
    odd: SearchStrategy[Any] | None = None,
    huge: SearchStrategy[Any] | None = None,
) -> Kind:
    """Reads and joins, then stores, compares and publishes, after a discovery with valid answers only."""

    @cache
    def known() -> Document:
        return discovered(
            clients({path: httpx.Response(200, json=value) for path, value in valid.items()}), None
        )

    def publish(document: Document) -> None:
        assert decode_document(encode_document(document), source="the test") == document
        encode_discovery_event(discovery_event(document, triggers=MANUAL, change_count=0), 1)
        changes = diff_documents(known(), document)
        of_run = {"cluster_id": "lkc-1", "sequence": 2, "discovery_timestamp": MOMENT, "triggers": MANUAL}
        for one in change_events(changes[:100], **of_run):  # type: ignore[arg-type]
            encode_change_event(one, 1)

    return Kind(
        odd=served(valid, odd_json) if odd is None else odd,
        huge=served(valid, huge_json, odd=False) if huge is None else huge,
        read=lambda answers: discovered(clients(answers), known()),
        use=publish,
        share=1 / 3,
    )


def export_of(content: SearchStrategy[bytes]) -> SearchStrategy[Served]:
    def whole(data: bytes, kind: str, end: str) -> Served:
        headers = {"content-type": kind}
        return {"/v2/metrics/cloud/export": httpx.Response(200, content=data + end.encode(), headers=headers)}

    return st.builds(
        whole,
        content,
        st.sampled_from([OPENMETRICS, PROMETHEUS]),
        st.sampled_from(["# EOF\n", "", "\n# EOF\n"]),
    )


def read_history(answers: Served) -> None:
    reader = ConfluentCloudMetricsReader(metrics_client(answers))
    asked = Asked(cluster_id="lkc-1", topics=("orders",), connectors=(a_connector(id="lcc-1"),))
    begin = MOMENT.replace(second=0)
    reader.record_counts(asked, begin=begin, end=begin.replace(hour=18), step_seconds=300)


# --- the texts of schemas


def read_schema(text: tuple[str, str]) -> None:
    kind, definition = text
    schema_fields.cache_clear()
    record_name(kind, definition)
    fields = schema_fields(kind, definition)
    assert fields is None or len(fields.fields) <= 2_000
    mask_personal(dict(schema_properties(kind, definition)))
    decoder = RecordDecoder(lambda number: SchemaText(id=number, schema_type=kind, definition=definition))
    decoder.decode(b"\0\0\0\0\x07" + RECORD)


def text_of(data: bytes) -> str:
    return data.decode("utf-8", "replace")


SCHEMAS = Kind(
    odd=st.one_of(
        st.tuples(st.just("AVRO"), odd_json(AVRO).map(text_of)),
        st.tuples(st.just("JSON"), odd_json(JSON_SCHEMA).map(text_of)),
        st.tuples(st.just("PROTOBUF"), damaged(PROTOBUF.encode()).map(text_of)),
    ),
    huge=st.one_of(
        st.tuples(st.just("AVRO"), huge_json(AVRO).map(text_of)),
        st.tuples(st.just("JSON"), huge_json(JSON_SCHEMA).map(text_of)),
        st.tuples(st.just("PROTOBUF"), huge_text(PROTOBUF)),
    ),
    read=read_schema,
)

KINDS: dict[str, Kind] = {
    "inbox": Kind(odd=file_of(odd_json), huge=file_of(huge_json), read=read_inbox),
    "queue": Kind(
        odd=body_of(odd_json),
        huge=body_of(huge_json),
        read=lambda body: read_message(body, message_id="m-1"),
    ),
    "registry": discovery_kind(registry_of, REGISTRY),
    "registry without a bulk list": discovery_kind(
        registry_of, {path: value for path, value in REGISTRY.items() if path != "/schemas"}
    ),
    "connect": discovery_kind(worker_of, CONNECT),
    "confluent connect": discovery_kind(cloud_of, CLOUD),
    "metrics export": discovery_kind(
        metrics_of,
        {},
        odd=export_of(
            damaged(EXPORT.encode()) | odd_lines(EXPORT).map(lambda text: text.encode("utf-8", "replace"))
        ),
        huge=export_of(huge_text(EXPORT).map(lambda text: text.encode("utf-8", "replace"))),
    ),
    "metrics history": Kind(
        odd=served(HISTORY, odd_json), huge=served(HISTORY, huge_json, odd=False), read=read_history
    ),
    "schemas": SCHEMAS,
    "brokers' answers": Kind(odd=odd_answers(), huge=huge_answers(), read=read_answer),
}
