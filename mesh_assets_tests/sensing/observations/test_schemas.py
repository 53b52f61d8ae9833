from dataclasses import replace

import httpx
import pytest

from mesh_assets.sensing.cursor import ClusterCursor
from mesh_assets.sensing.observations.schemas import observe_schemas
from mesh_assets_tests.platforms.schema_registry.fakes import (
    STYLES,
    Confluent,
    FakeRegistry,
    a_schema,
    some_schemas,
)
from mesh_assets_tests.sensing.estate import Estate, FakeCluster, reported


@pytest.fixture(params=STYLES, ids=lambda style: style.__name__)
def registry(request: pytest.FixtureRequest, warehouse: FakeCluster) -> FakeRegistry:
    warehouse.registry = request.param(schemas=warehouse.registry.schemas)
    return warehouse.registry


def test_a_registry_at_rest_is_not_a_reason_for_a_discovery(registry: FakeRegistry, estate: Estate) -> None:  # noqa: ARG001
    observed = estate.observe(observe_schemas)

    assert (observed.causes, observed.notes) == ((), ())


def test_new_versions_and_new_and_deleted_subjects_are_reported_whatever_the_registry(
    registry: FakeRegistry, estate: Estate
) -> None:
    registry.schemas[:] = [
        a_schema("users-value", schema_id=3, version=2, definition='"int"'),
        a_schema("clicks-value", schema_id=4),
    ]

    observed = estate.observe(observe_schemas)

    assert reported(observed.causes) == [
        ("schema_deleted", "orders-value", "Schema orders-value deleted: its latest version was 1"),
        ("schema_updated", "clicks-value", "Schema clicks-value created: version 1, AVRO"),
        ("schema_updated", "users-value", "Schema version 1 → 2"),
    ]


def test_the_same_event_has_the_same_cause_and_another_one_has_another(
    estate: Estate, warehouse: FakeCluster
) -> None:
    warehouse.registry.schemas[1] = replace(warehouse.registry.schemas[1], version=2, definition='"int"')
    [first] = estate.observe(observe_schemas).causes
    estate.pass_by(minutes=5)
    [again] = estate.observe(observe_schemas).causes
    warehouse.registry.schemas[1] = replace(warehouse.registry.schemas[1], version=3)
    [other] = estate.observe(observe_schemas).causes

    assert first == again
    assert other.cause_id != first.cause_id


def test_levels_of_a_subject_and_of_the_whole_registry_are_reported(
    estate: Estate, warehouse: FakeCluster
) -> None:
    warehouse.registry.compatibility["users-value"] = "FULL"
    warehouse.registry.global_mode = "READONLY"
    warehouse.registry.modes = {"orders-value": "READWRITE", "users-value": "READWRITE"}

    observed = estate.observe(observe_schemas)

    assert reported(observed.causes) == [
        ("schema_updated", "schema_registry", "Schema registry: mode READWRITE → READONLY"),
        ("schema_updated", "users-value", "Schema compatibility BACKWARD → FULL"),
    ]


def test_a_registry_that_is_down_gives_its_reason_and_no_deletion_and_afterwards_exactly_the_real_changes(
    estate: Estate, warehouse: FakeCluster
) -> None:
    warehouse.registry.before = lambda _: httpx.Response(503, text="starting")
    down = [estate.observe(observe_schemas) for _ in range(3)]
    warehouse.registry.before = lambda _: None
    warehouse.registry.schemas.pop(0)
    up = estate.observe(observe_schemas)

    assert [observed.causes for observed in down] == [(), (), ()]
    assert "503" in down[0].notes[0]
    assert reported(up.causes) == [
        ("schema_deleted", "orders-value", "Schema orders-value deleted: its latest version was 1")
    ]


@pytest.mark.slow
def test_with_a_bulk_list_a_tick_reads_pages_and_no_subjects(estate: Estate, warehouse: FakeCluster) -> None:
    registry = warehouse.registry = Confluent(schemas=some_schemas(3000))
    estate.discover()
    first = estate.observe(observe_schemas)
    registry.requests.clear()

    second = estate.observe(observe_schemas, cursor=first.cursor)

    assert (first.causes, second.causes) == ((), ())
    assert second.cursor.bulk
    # Pages overlap by one; levels come in slices: 500 subjects at 6 ticks per half hour, cut to 250.
    bulk, single = (
        registry.requests.count("GET /schemas"),
        [r for r in registry.requests if r.endswith("/versions/latest")],
    )
    assert (bulk, single) == (4, [])
    assert sum(request.startswith("GET /config/") for request in registry.requests) == 250


@pytest.mark.slow
def test_without_a_bulk_list_every_version_is_read_within_half_an_hour(
    estate: Estate, warehouse: FakeCluster
) -> None:
    registry = warehouse.registry
    registry.schemas[:] = some_schemas(1260)
    estate.discover()
    cursor, seen, sizes = ClusterCursor(), set[str](), []
    for _ in range(6):
        registry.requests.clear()
        cursor = estate.observe(observe_schemas, cursor=cursor).cursor
        asked = {request for request in registry.requests if request.endswith("/versions/latest")}
        sizes.append(len(asked))
        seen |= asked

    assert len(seen) == 1260
    assert max(sizes) <= 210 + 210


@pytest.mark.slow
def test_a_deleted_subject_outside_the_slice_is_noticed_at_once(
    estate: Estate, warehouse: FakeCluster
) -> None:
    warehouse.registry.schemas[:] = some_schemas(600)
    estate.discover()
    cursor = estate.observe(observe_schemas).cursor
    gone = sorted(schema.subject for schema in warehouse.registry.schemas)[5]
    warehouse.registry.schemas[:] = [
        schema for schema in warehouse.registry.schemas if schema.subject != gone
    ]

    observed = estate.observe(observe_schemas, cursor=cursor)

    assert [(cause.trigger.type, cause.trigger.resource) for cause in observed.causes] == [
        ("schema_deleted", gone)
    ]


def test_many_at_once_are_one_trigger_with_their_number(estate: Estate, warehouse: FakeCluster) -> None:
    warehouse.registry.schemas += [
        a_schema(f"new-{number:02}-value", schema_id=100 + number) for number in range(40)
    ]

    observed = estate.observe(observe_schemas)

    assert reported(observed.causes) == [
        (
            "schema_updated",
            None,
            "40 at once: new-00-value, new-01-value, new-02-value, new-03-value, new-04-value and 35 more",
        )
    ]


def test_nothing_is_launched_again_for_what_a_discovery_has_handled(
    estate: Estate, warehouse: FakeCluster
) -> None:
    warehouse.registry.schemas[1] = replace(warehouse.registry.schemas[1], version=2, definition='"int"')
    assert estate.observe(observe_schemas).causes

    estate.discover()

    assert estate.observe(observe_schemas).causes == ()
