"""Sensors on Confluent Cloud: one request a look, its own states, and no deletion where only a right is
missing."""

from pathlib import Path

import pytest

from mesh_assets.sensing.observations.connectors import observe_connectors
from mesh_assets.sensing.observations.resources import observe_resources
from mesh_assets_tests.collecting.cluster_fakes import FakeCloudConnect
from mesh_assets_tests.sensing.observations.world import (
    FakeCluster,
    Kafka,
    World,
    told,
)


@pytest.fixture
def cloud() -> FakeCloudConnect:
    return FakeCloudConnect({"orders": "RUNNING", "users": "RUNNING"})


@pytest.fixture
def world(tmp_path: Path, cloud: FakeCloudConnect) -> World:
    """A cluster with two managed connectors, discovered once."""
    world = World(tmp_path, FakeCluster(kafka=Kafka(topics={"orders": [10]}), cloud=cloud))
    world.discover()
    cloud.requests.clear()
    return world


@pytest.mark.parametrize("state", ["DEGRADED", "FAILED"])
def test_a_managed_connector_that_breaks_and_recovers_is_told_twice(
    world: World, cloud: FakeCloudConnect, state: str
) -> None:
    cloud.states["orders"] = state
    broken = world.look(observe_connectors)
    world.discover()
    cloud.states["orders"] = "RUNNING"
    mended = world.look(observe_connectors, cursor=broken.cursor)
    assert [(one.trigger.type, one.trigger.resource) for one in broken.causes] == [
        ("connector_failed", "orders")
    ]
    assert [(one.trigger.type, one.trigger.resource) for one in mended.causes] == [
        ("connector_recovered", "orders")
    ]


@pytest.mark.parametrize("state", ["PROVISIONING", "PAUSED", "NONE"])
def test_a_managed_connector_that_is_made_or_paused_has_not_failed(
    world: World, cloud: FakeCloudConnect, state: str
) -> None:
    cloud.states["orders"] = state
    assert world.look(observe_connectors).causes == ()
    assert cloud.requests == ["list"]


def test_a_deleted_managed_connector_is_told_after_it_was_asked_for(
    world: World, cloud: FakeCloudConnect
) -> None:
    del cloud.states["users"]
    observed = world.look(observe_resources)
    assert told(observed.causes) == [
        ("resource_deleted", "users", "Connector users deleted: source, was RUNNING")
    ]
    assert cloud.requests == ["list", "/users"]


def test_a_filtered_list_is_a_note_and_no_reason_for_a_run(world: World, cloud: FakeCloudConnect) -> None:
    cloud.hidden = {"users"}
    for observe in (observe_connectors, observe_resources):
        observed = world.look(observe)
        assert observed.causes == ()
        assert (
            "lists 1 connector no more, yet refuses to say whether users is still there" in observed.notes[0]
        )


def test_a_connector_made_anew_under_its_name_is_no_change(world: World, cloud: FakeCloudConnect) -> None:
    entry = cloud._entry
    cloud._entry = lambda name, state: {**entry(name, state), "id": {"id": "lcc-new", "id_type": "ID"}}  # type: ignore[method-assign]
    assert world.look(observe_connectors).causes == world.look(observe_resources).causes == ()
