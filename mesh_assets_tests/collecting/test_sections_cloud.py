"""A collection on Confluent Cloud: complete managed connectors, and a list filtered by rights is not a deletion."""

from msgspec.structs import replace

from mesh_assets.collecting.sections import collect_sections
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.records import Connector, ConnectorTask, ConnectorTopic
from mesh_assets.inventory.sections import ConnectorsSection, SchemasSection
from mesh_assets.masking.configs import MASK
from mesh_assets_tests.collecting.cluster_fakes import (
    CLUSTER_ID,
    FakeCloudConnect,
    FakeKafka,
    a_cluster,
    opened,
)
from mesh_assets_tests.documents import MOMENT, a_document
from mesh_assets_tests.platforms.schema_registry.fakes import Confluent, a_schema, error

ROLES = "the role Operator on the cluster to see connectors, and DeveloperRead on connector * to see their configs"


def connectors_of(cloud: FakeCloudConnect, *, previous: Document | None = None) -> ConnectorsSection:
    clients = opened(FakeKafka(), cloud=cloud)
    section = collect_sections(
        a_cluster(), ["connectors"], previous=lambda _: previous, clients=clients, sleep=lambda _: None
    )["connectors"]
    assert isinstance(section, ConnectorsSection)
    return section


def schemas_of(registry: Confluent, *, previous: Document | None = None) -> SchemasSection:
    clients = opened(FakeKafka(), registry=registry.client())
    section = collect_sections(
        a_cluster(), ["schemas"], previous=lambda _: previous, clients=clients, sleep=lambda _: None
    )["schemas"]
    assert isinstance(section, SchemasSection)
    return section


def names(section: ConnectorsSection) -> list[str]:
    return [connector.name for connector in section.records]


def test_a_managed_connector_is_a_record_with_its_id_its_topic_and_its_quickstart() -> None:
    section = connectors_of(FakeCloudConnect({"orders": "RUNNING"}))
    assert section.records == (
        Connector(
            name="orders",
            id="lcc-orders",
            connect=f"api.confluent.cloud/env-1/{CLUSTER_ID}",
            type="source",
            connector_class="DatagenSource",
            status="RUNNING",
            worker_id="orders",
            trace=None,
            tasks=(ConnectorTask(id=0, state="RUNNING", worker_id="orders"),),
            config={
                "connector.class": "DatagenSource",
                "kafka.api.secret": MASK,
                "kafka.topic": "orders",
                "quickstart": "ORDERS",
            },
            quickstart="ORDERS",
            topics=(ConnectorTopic(name="orders", known="declared"),),
        ),
    )
    assert section.records[0].active


def test_only_running_connectors_with_running_tasks_are_active() -> None:
    states = ("NONE", "PROVISIONING", "RUNNING", "DEGRADED", "FAILED", "PAUSED", "DELETED")
    section = connectors_of(FakeCloudConnect({state: state for state in states}))
    assert [connector.name for connector in section.records if connector.active] == ["RUNNING"]


def test_a_deleted_connector_is_asked_for_once_by_name() -> None:
    cloud = FakeCloudConnect({"a": "RUNNING", "b": "RUNNING"})
    previous = a_document(connectors=connectors_of(cloud).records)
    del cloud.states["b"]
    cloud.requests.clear()
    section = connectors_of(cloud, previous=previous)
    assert (section.state.status, names(section)) == ("fresh", ["a"])
    assert cloud.requests == ["list", "/b"]


def test_a_list_that_missing_rights_filter_is_stale_with_the_roles_that_are_missing() -> None:
    cloud = FakeCloudConnect({"a": "RUNNING", "b": "RUNNING", "c": "RUNNING"})
    previous = a_document(connectors=connectors_of(cloud).records)
    cloud.hidden = {"b", "c"}
    section = connectors_of(cloud, previous=previous)
    assert names(section) == ["a", "b", "c"]
    assert (section.state.status, section.state.collected_at) == ("stale", MOMENT)
    assert section.state.error == (
        "Connect at https://api.confluent.cloud no longer lists 2 connectors, yet refuses to say whether b, c are still there: the list is "
        f"incomplete or filtered by missing rights, so nothing counts as deleted; the owner of this Cloud key needs {ROLES}"
    )


def test_a_truncated_list_is_stale_even_with_every_right() -> None:
    cloud = FakeCloudConnect({f"c{number:02d}": "RUNNING" for number in range(40)}, by_name=200)
    previous = a_document(connectors=connectors_of(cloud).records)
    cloud.hidden = {f"c{number:02d}" for number in range(1, 40)}
    cloud.requests.clear()
    section = connectors_of(cloud, previous=previous)
    assert (section.state.status, len(section.records)) == ("stale", 40)
    assert "c01, c04, c08, … are still there when asked for by name" in (section.state.error or "")
    assert len(cloud.requests) == 11


def test_a_registry_that_hides_subjects_for_want_of_rights_deletes_none() -> None:
    registry = Confluent(schemas=[a_schema("orders-value"), a_schema("users-value", schema_id=2)])
    previous = a_document(schemas=schemas_of(registry).records)
    registry.schemas.pop()
    registry.before = lambda request: (
        error(403, 40301, "User is denied operation Read on Subject: users-value")
        if "users-value" in request.url.path
        else None
    )
    section = schemas_of(registry, previous=previous)
    assert [schema.subject for schema in section.records] == ["orders-value", "users-value"]
    assert section.state.status == "stale"
    assert (section.state.error or "").startswith(
        "Schema Registry at http://registry.test/base no longer lists 1 subject, yet refuses to say whether users-value is still there"
    )


def test_a_deleted_subject_is_deleted() -> None:
    registry = Confluent(schemas=[a_schema("orders-value"), a_schema("users-value", schema_id=2)])
    previous = a_document(schemas=schemas_of(registry).records)
    registry.schemas.pop()
    section = schemas_of(registry, previous=previous)
    assert ([schema.subject for schema in section.records], section.state.status) == (
        ["orders-value"],
        "fresh",
    )
    assert registry.requests.count("GET /subjects/users-value/versions/latest") == 1


def test_a_role_that_hides_configs_changes_no_config_and_explains_why_topics_are_unknown() -> None:
    hidden = replace(connectors_of(FakeCloudConnect({"a": "RUNNING"})).records[0], config={})
    cloud = FakeCloudConnect({"a": "RUNNING"})
    entry = cloud._entry
    cloud._entry = lambda name, state: {**entry(name, state), "info": None}  # type: ignore[method-assign]
    (record,) = connectors_of(cloud).records
    assert record == replace(
        hidden,
        connector_class=None,
        quickstart=None,
        topics=(),
        topics_note="its config may not be read",
        tasks=hidden.tasks,
    )


def test_a_section_says_that_its_source_is_a_stand_in() -> None:
    assert connectors_of(FakeCloudConnect({"a": "RUNNING"})).stand_in is None
    assert connectors_of(FakeCloudConnect({"a": "RUNNING"}, stand_in="the sandbox")).stand_in == "the sandbox"


def test_a_failed_reading_counts_its_requests_and_names_its_source() -> None:
    cloud = FakeCloudConnect({"a": "RUNNING", "b": "RUNNING"}, stand_in="the sandbox")
    previous = a_document(connectors=connectors_of(cloud).records)
    cloud.hidden = {"b"}
    section = connectors_of(cloud, previous=previous)
    assert (section.state.status, section.cost.http_requests, section.stand_in) == ("stale", 2, "the sandbox")
