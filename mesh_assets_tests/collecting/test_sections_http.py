"""What is read over HTTP: connectors with their secrets masked, subjects with their levels, and how many requests that takes."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from mesh_assets.collecting.schemas import LEVELS_PER_RUN
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.records import SubjectLevel
from mesh_assets.inventory.sections import ConnectorsSection, SchemasSection
from mesh_assets.masking.configs import MASK
from mesh_assets_tests.collecting.cluster_fakes import FakeCloudConnect, FakeKafka, a_worker
from mesh_assets_tests.collecting.collected import collect
from mesh_assets_tests.documents import MOMENT, a_connector, a_document, a_schema
from mesh_assets_tests.platforms.schema_registry.fakes import Confluent, some_schemas


def test_a_registry_that_fails_leaves_the_schemas_stale() -> None:
    registry = Confluent(
        before=lambda _: httpx.Response(500, json={"error_code": 50001, "message": "backend"})
    )
    previous = a_document(schemas=(a_schema(),))

    section = collect(FakeKafka(), previous=previous, registry=registry)["schemas"]

    assert section.records == previous.schemas
    assert section.state.status == "stale"


def test_connector_configs_are_masked_before_they_become_records() -> None:
    worker = a_worker(
        {"a": {"topic": "orders", "database.password": "hunter2", "url": "jdbc:x://u:hunter2@db/s"}}
    )

    section = collect(FakeKafka(), workers=(worker,))["connectors"]

    assert isinstance(section, ConnectorsSection)
    assert section.records[0].config == {
        "database.password": MASK,
        "topic": "orders",
        "url": f"jdbc:x://{MASK}@db/s",
    }
    assert "hunter2" not in repr(section)


def test_a_password_that_a_connector_declares_is_masked_whatever_its_name() -> None:
    worker = a_worker(
        {"a": {"connector.class": "Vault", "topic": "orders", "pin": "4711"}}, passwords={"Vault": "pin"}
    )

    section = collect(FakeKafka(), workers=(worker,))["connectors"]

    assert isinstance(section, ConnectorsSection)
    assert section.records[0].config == {"connector.class": "Vault", "pin": MASK, "topic": "orders"}


def test_transforms_predicates_and_converters_are_asked_for_their_passwords_too() -> None:
    config = {
        "connector.class": "Sink",
        "topics": "orders",
        "transforms": "mask, plain",
        "transforms.mask.type": "com.shop.Mask$Value",
        "transforms.mask.pin": "4711",
        "transforms.plain.type": "com.shop.Plain",
        "transforms.plain.zone": "4712",
        "predicates": "ours",
        "predicates.ours.type": "com.shop.Ours",
        "predicates.ours.seed": "4713",
        "value.converter": "com.shop.Converter",
        "value.converter.code": "4714",
    }
    worker = a_worker(
        {"a": config},
        passwords={"com.shop.Mask$Value": "pin", "com.shop.Ours": "seed", "com.shop.Converter": "code"},
    )

    section = collect(FakeKafka(), workers=(worker,))["connectors"]

    assert isinstance(section, ConnectorsSection)
    masked = {"transforms.mask.pin", "predicates.ours.seed", "value.converter.code"}
    assert section.records[0].config == {key: MASK if key in masked else config[key] for key in config}


@pytest.mark.parametrize("class_today", ["Vault", "VaultV2"])
def test_values_masked_once_stay_masked_when_the_plugin_does_not_answer(class_today: str) -> None:
    """Also when it answers without the key: a new version may declare less, but the value is as secret as before."""
    config = {"connector.class": "Vault", "topic": "orders", "pin": "4711", "tokens.max": "8"}
    before = a_connector(
        "a", connect="connect-0.test:8083", config={**config, "pin": MASK, "tokens.max": MASK}
    )
    worker = a_worker({"a": {**config, "connector.class": class_today}}, passwords={"VaultV2": "other"})

    section = collect(FakeKafka(), workers=(worker,), previous=a_document(connectors=(before,)))["connectors"]

    assert isinstance(section, ConnectorsSection)
    shown = section.records[0].config
    assert shown["pin"] == MASK
    # A needless mask is undone once every plugin has said what it declares.
    assert shown["tokens.max"] == (MASK if class_today == "Vault" else "8")


@pytest.mark.slow
@pytest.mark.parametrize("platform", ["kafka_connect", "confluent_cloud"])
@pytest.mark.parametrize(("subjects", "connectors", "most"), [(37, 37, 12), (2500, 1000, 20)])
def test_http_requests_depend_on_pages_and_endpoints_not_on_subjects_and_connectors(
    subjects: int, connectors: int, most: int, platform: str
) -> None:
    registry = Confluent(schemas=some_schemas(subjects))
    worker = a_worker({f"connector-{n}": {"topic": f"topic-{n}"} for n in range(connectors)})
    cloud = FakeCloudConnect({f"connector-{n}": "RUNNING" for n in range(connectors)})

    if platform == "kafka_connect":
        sections = collect(FakeKafka(), registry=registry, workers=(worker,))
    else:
        sections = collect(FakeKafka(), registry=registry, cloud=cloud)

    assert len(sections["schemas"].records or ()) == subjects  # type: ignore[arg-type]  # schemas, not metrics
    costs = [section.cost for section in sections.values()]
    assert (
        sum(cost.http_requests - cost.level_requests for cost in costs) <= most - 2
    )  # two more register the events' schemas


@pytest.mark.slow
def test_levels_are_read_for_at_most_500_subjects_per_run_the_oldest_readings_first() -> None:
    registry = Confluent(schemas=some_schemas(1200), compatibility={some_schemas(1200)[0].subject: "FULL"})
    kafka = FakeKafka()
    document: Document | None = None
    known = []
    for _ in range(3):
        section = collect(kafka, previous=document, registry=registry)["schemas"]
        assert isinstance(section, SchemasSection)
        known.append(sum(1 for schema in section.records if schema.compatibility.value is not None))
        document = a_document(schemas=section.records)

    assert known == [500, 1000, 1200]
    assert document is not None
    by_subject = {schema.subject: schema for schema in document.schemas}
    assert (
        by_subject[some_schemas(1)[0].subject].compatibility.value,
        by_subject[some_schemas(1)[0].subject].compatibility.own,
    ) == (
        "FULL",
        True,
    )


def test_the_projects_own_subjects_are_left_out() -> None:
    from mesh_assets_tests.platforms.schema_registry.fakes import a_schema as a_registered_schema

    registry = Confluent(
        schemas=[
            a_registered_schema("discovery-events-value"),
            a_registered_schema("orders-value", schema_id=2),
        ]
    )

    section = collect(FakeKafka(), registry=registry)["schemas"]

    assert isinstance(section, SchemasSection)
    assert [schema.subject for schema in section.records] == ["orders-value"]


def test_levels_read_by_a_fast_clock_are_read_again_first() -> None:
    registry = Confluent(schemas=some_schemas(LEVELS_PER_RUN + 1))
    subjects = sorted(schema.subject for schema in registry.schemas)
    times = dict.fromkeys(subjects, MOMENT) | {subjects[-1]: datetime.now(UTC) + timedelta(days=400)}
    known = tuple(
        a_schema(subject, compatibility=SubjectLevel(value="FULL", own=True, read_at=read_at))
        for subject, read_at in times.items()
    )

    section = collect(FakeKafka(topics={}), previous=a_document(schemas=known), registry=registry)["schemas"]

    assert isinstance(section, SchemasSection)
    read_at = {schema.subject: schema.compatibility.read_at for schema in section.records}
    assert read_at[subjects[-1]] not in (None, times[subjects[-1]])
    assert list(read_at.values()).count(MOMENT) == 1
