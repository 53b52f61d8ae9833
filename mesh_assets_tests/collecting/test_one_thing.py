"""One unreadable thing affects neither its section nor the run, and one source does not affect another."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from mesh_assets.diff import diff_documents
from mesh_assets.errors import UnexpectedAnswerError
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.records import Metrics, Schema
from mesh_assets.inventory.sections import MetricsSection, SchemasSection, Section, SectionState
from mesh_assets.masking.configs import MASK
from mesh_assets.platforms.kafka import ClusterMetadata
from mesh_assets_tests.collecting.cluster_fakes import FakeKafka, a_worker
from mesh_assets_tests.collecting.collected import FIRST, a_kafka_group, collect, connectors
from mesh_assets_tests.documents import MOMENT, a_connector, a_document, a_group, a_schema, a_topic
from mesh_assets_tests.platforms.schema_registry.fakes import Apicurio, Confluent, FakeRegistry
from mesh_assets_tests.platforms.schema_registry.fakes import a_schema as registered


def schemas(registry: FakeRegistry, *, previous: Document | None = None) -> SchemasSection:
    section = collect(FakeKafka(), registry=registry, previous=previous, wanted=("schemas",))["schemas"]
    assert isinstance(section, SchemasSection)
    return section


class Refusing:
    """A worker with connectors without topics in their config; paths other than the list answer with `status`."""

    def __init__(self, names: tuple[str, ...], *, status: int, message: str = "no") -> None:
        self._list = a_worker({name: {"connector.class": "Jdbc", "topic.prefix": "db-"} for name in names})
        self._status, self._message = status, message
        self.asked: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/connectors":
            return self._list.handle_request(request)
        path = request.url.raw_path.decode()
        self.asked.append(path)
        if path.startswith("/connector-plugins/"):
            return httpx.Response(200, json=[])
        return httpx.Response(self._status, json={"error_code": self._status, "message": self._message})


# Connect


@pytest.mark.parametrize("name", ["a/b", "a%b", "a\\b"])
def test_a_connector_whose_name_connect_refuses_in_paths_is_read_from_the_list(name: str) -> None:
    section = connectors(httpx.MockTransport(Refusing((name, "fine"), status=400, message="Ambiguous URI")))

    assert section.state.status == "fresh"
    assert {record.name: record.status for record in section.records} == {name: "RUNNING", "fine": "RUNNING"}


@pytest.mark.parametrize("name", ["a/b", "a%b", "a\\b"])
def test_a_connector_whose_name_connect_refuses_in_paths_can_be_deleted(name: str) -> None:
    previous = a_document(connectors=(a_connector(name, connect=FIRST),))

    section = connectors(httpx.MockTransport(Refusing(("fine",), status=400)), previous=previous)

    assert (section.state.status, [record.name for record in section.records]) == ("fresh", ["fine"])


@pytest.mark.parametrize("status", [400, 403, 405, 500, 501, 503])
def test_topics_that_connect_withholds_are_unknown_with_a_note_and_the_rest_is_read(status: int) -> None:
    worker = Refusing(("a", "b"), status=status)

    section = connectors(httpx.MockTransport(worker))

    assert (section.state.status, section.state.error) == ("fresh", None)
    assert [(record.status, record.topics) for record in section.records] == [("RUNNING", ())] * 2
    notes = [record.topics_note or "" for record in section.records]
    if status in (405, 501):
        assert notes == ["its config names no topic"] * 2
    else:
        assert all("what Connect has seen it use could not be read: " in note for note in notes)
        assert all(str(status) in note for note in notes)


def test_topics_seen_before_stay_when_connect_withholds_them() -> None:
    worker = a_worker({"a": {"topic.prefix": "db-"}})
    seen = {"a": {"topics": ["db-orders"]}}
    answering = httpx.MockTransport(
        lambda request: (
            httpx.Response(200, json=seen)
            if request.url.path.endswith("/topics")
            else worker.handle_request(request)
        )
    )
    before = connectors(answering)

    after = connectors(
        httpx.MockTransport(Refusing(("a",), status=500)), previous=a_document(connectors=before.records)
    )

    assert [topic.name for topic in after.records[0].topics] == ["db-orders"]


def test_a_class_that_does_not_name_its_passwords_loses_its_configs_and_nothing_else() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/connector-plugins/Vault/config":
            return httpx.Response(403, json={"message": "no"})
        return worker.handle_request(request)

    worker = a_worker(
        {
            "a": {"connector.class": "Vault", "topic": "orders", "pin": "4711"},
            "b": {"connector.class": "File", "topic": "orders"},
        }
    )

    vault, file = connectors(httpx.MockTransport(answer)).records

    assert (vault.config, vault.status, [topic.name for topic in vault.topics]) == ({}, "RUNNING", ["orders"])
    assert "its config is withheld" in (vault.error or "")
    assert "4711" not in repr(vault)
    assert (file.config, file.error) == ({"connector.class": "File", "topic": "orders"}, None)


def test_values_masked_before_stay_masked_when_the_class_does_not_answer() -> None:
    worker = a_worker({"a": {"connector.class": "Vault", "topic": "orders", "pin": "4711"}})

    def refusing(request: httpx.Request) -> httpx.Response:
        return worker.handle_request(request) if request.url.path == "/connectors" else httpx.Response(403)

    masked = {"connector.class": "Vault", "topics": "orders", "topic": "orders", "pin": MASK}
    before = a_document(connectors=(a_connector("a", connect=FIRST, config=masked),))

    refused = connectors(httpx.MockTransport(refusing), previous=before)
    silent = connectors(worker, previous=a_document(connectors=refused.records))

    assert (refused.records[0].config, silent.records[0].config["pin"]) == (masked, MASK)
    assert "its config is withheld" in (refused.records[0].error or "")
    assert silent.records[0].error is None


def test_an_unreadable_connector_is_not_a_change() -> None:
    known = a_connector("a", connect=FIRST)
    unread = replace(
        known, type="unknown", status="unknown", tasks=(), config={}, connector_class=None, error="no"
    )

    assert diff_documents(a_document(connectors=(known,)), a_document(connectors=(unread,))) == ()


# The registry


@pytest.mark.parametrize("status", [403, 405, 500, 501])
def test_a_registry_that_withholds_its_mode_still_gives_its_schemas(status: int) -> None:
    registry = Confluent(
        [registered("orders-value")],
        before=lambda request: httpx.Response(status) if "/mode" in request.url.path else None,
    )

    section = schemas(registry)

    assert (section.state.status, section.state.error) == ("fresh", None)
    assert [(schema.compatibility.value, schema.mode.value) for schema in section.records] == [
        ("BACKWARD", None)
    ]
    assert section.registry is not None
    assert (section.registry.compatibility, section.registry.mode) == ("BACKWARD", None)
    assert str(status) in (section.registry.error or "")


def test_unlistable_contexts_are_unknown_and_not_none() -> None:
    registry = Confluent(
        [registered("orders-value")],
        before=lambda request: httpx.Response(500) if request.url.path.endswith("/contexts") else None,
    )

    section = schemas(registry)

    assert section.state.status == "fresh"
    facts = section.registry
    assert facts is not None
    assert (facts.compatibility, facts.mode, facts.contexts) == ("BACKWARD", "READWRITE", None)
    assert "GET /contexts" in (facts.error or "")


def a_registry_that_fails_for(subject: str) -> Apicurio:
    return Apicurio(
        [registered("orders-value"), registered("users-value", schema_id=2)],
        before=lambda request: (
            httpx.Response(500, json={"error_code": 50001, "message": "store"})
            if request.url.path.endswith(f"/subjects/{subject}/versions/latest")
            else None
        ),
    )


def test_an_unreadable_subject_keeps_what_was_known_with_the_reason() -> None:
    known = a_schema("users-value", version=7, definition='{"type":"string"}')
    previous = a_document(schemas=(known,))

    section = schemas(a_registry_that_fails_for("users-value"), previous=previous)

    orders, users = sorted(section.records, key=_subject)
    assert (section.state.status, section.state.error, orders.error) == ("fresh", None, None)
    assert (users.version, users.definition) == (7, '{"type":"string"}')
    assert "store" in (users.error or "")
    changes = diff_documents(previous, a_document(schemas=section.records, schema_registry=section.registry))
    assert [change.resource for change in changes] == ["orders-value"]


def _subject(schema: Schema) -> str:
    return schema.subject


def test_a_subject_that_was_never_readable_is_named_as_missing() -> None:
    section = schemas(a_registry_that_fails_for("users-value"))

    assert [schema.subject for schema in section.records] == ["orders-value"]
    assert section.state.status == "fresh"
    assert "1 subject could not be read, now or ever before: users-value (" in (section.state.error or "")


def test_a_subject_whose_name_the_registry_refuses_in_paths_can_be_deleted() -> None:
    registry = Confluent(
        [registered("orders-value")],
        before=lambda request: httpx.Response(400) if b"a%2Fb" in request.url.raw_path else None,
    )

    section = schemas(registry, previous=a_document(schemas=(a_schema("a/b"), a_schema("orders-value"))))

    assert (section.state.status, [schema.subject for schema in section.records]) == (
        "fresh",
        ["orders-value"],
    )


BROKEN_ITEMS = [{"id": 2}, {"id": 2**40, "schema": "{}"}, {"id": 2, "schema": "{}", "references": 7}]


class OneBroken(Confluent):
    """Its bulk list has one broken item; `alone`: the answer for that subject on its own."""

    broken: dict[str, object]
    alone: httpx.Response | None = None

    def bulk(self, context: str, params: httpx.QueryParams) -> httpx.Response:
        items = super().bulk(context, params).json()
        marked = {"subject": "users-value", "version": 3, **self.broken}
        return httpx.Response(200, json=[marked if i["subject"] == "users-value" else i for i in items])

    def route(self, request: httpx.Request, parts: list[str], *rest: Any) -> httpx.Response:
        if parts == ["subjects", "users-value", "versions", "latest"] and self.alone is not None:
            return self.alone
        return super().route(request, parts, *rest)


def one_broken(item: dict[str, object], alone: httpx.Response | None = None) -> OneBroken:
    registry = OneBroken([registered("orders-value"), registered("users-value", schema_id=2)])
    registry.broken, registry.alone = item, alone
    return registry


@pytest.mark.parametrize("item", BROKEN_ITEMS)
def test_a_broken_item_of_the_bulk_list_is_read_on_its_own(item: dict[str, object]) -> None:
    section = schemas(one_broken(item))

    assert [(schema.subject, schema.id, schema.error) for schema in section.records] == [
        ("orders-value", 1, None),
        ("users-value", 2, None),
    ]
    assert (section.state.status, section.state.error) == ("fresh", None)


@pytest.mark.parametrize(
    "alone", [httpx.Response(200, json={"version": 3}), httpx.Response(404, json={"error_code": 40401})]
)
@pytest.mark.parametrize("item", BROKEN_ITEMS)
def test_a_broken_item_of_the_bulk_list_keeps_its_last_known_state_and_the_rest_is_fresh(
    item: dict[str, object], alone: httpx.Response
) -> None:
    known = a_schema("users-value", version=2)

    section = schemas(one_broken(item, alone), previous=a_document(schemas=(known,)))

    orders, users = sorted(section.records, key=_subject)
    assert (section.state.status, section.state.error, orders.error) == ("fresh", None, None)
    assert replace(users, error=None, compatibility=known.compatibility, mode=known.mode) == known
    assert "users-value" in (users.error or "")


def test_a_schema_nested_990_deep_does_not_stop_the_discovery() -> None:
    deep = '{"type":"array","items":' * 990 + '"string"' + "}" * 990
    registry = Confluent([registered("deep-value", definition=deep), registered("orders-value", schema_id=2)])

    section = schemas(registry)

    assert [(schema.subject, schema.record_name) for schema in section.records] == [
        ("deep-value", None),
        ("orders-value", None),
    ]
    assert section.records[0].definition == deep


# Kafka


def metrics_of(section: Section) -> Metrics:
    assert isinstance(section, MetricsSection)
    assert section.records is not None
    return section.records


def test_partition_health_survives_when_groups_cannot_be_listed() -> None:
    class Losing(FakeKafka):
        def metadata(self) -> ClusterMetadata:
            whole = super().metadata()
            lost = tuple(
                replace(topic, partitions=tuple(replace(p, leader=None, isr=()) for p in topic.partitions))
                for topic in whole.topics
            )
            return replace(whole, topics=lost)

    lost = UnexpectedAnswerError("the groups in partitions 0 of __consumer_offsets have no coordinator")
    kafka = Losing(topics={"orders": [10], "__consumer_offsets": [5]}, fail={"groups": lost})
    previous = a_document(topics=(a_topic("orders"),), consumer_groups=(a_group(),))

    sections = collect(kafka, previous=previous)

    assert sections["consumer_groups"].state.status == "stale"
    assert sections["metrics"].state.status == "fresh"
    metrics = metrics_of(sections["metrics"])
    assert metrics.partition_health.leaderless == 1
    assert metrics.consumer_groups == ()
    assert metrics.errors == (f"no figures for consumer groups: {lost}",)


def test_unlistable_groups_are_not_requested_again_for_the_first_rates() -> None:
    kafka = FakeKafka(
        topics={"orders": [10]}, growth=5, fail={"groups": UnexpectedAnswerError("no coordinator")}
    )

    sections = collect(kafka)

    assert metrics_of(sections["metrics"]).topics[0].records_in_per_second is not None
    assert kafka.requests["groups"] == 1


def test_commits_read_at_another_moment_than_the_ends_give_no_rate() -> None:
    old = SectionState(status="stale", collected_at=MOMENT - timedelta(days=1), error="no coordinator")
    previous = a_document(
        topics=(a_topic("orders"),), consumer_groups=(a_group(),), sections={"consumer_groups": old}
    )
    kafka = FakeKafka(
        topics={"orders": [20]}, consumer_groups=(a_kafka_group(9, group_id="fraud-detection"),)
    )

    (rate,) = metrics_of(collect(kafka, previous=previous)["metrics"]).consumer_groups

    assert rate.records_committed_per_second is None
