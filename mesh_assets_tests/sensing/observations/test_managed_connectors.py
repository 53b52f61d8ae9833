"""Sensors on Confluent Cloud: one request per look, its own states, and no deletion where only a right is missing."""

from pathlib import Path

import pytest

from mesh_assets.sensing.observations.connectors import observe_connectors
from mesh_assets.sensing.observations.resources import observe_resources
from mesh_assets_tests.collecting.cluster_fakes import FakeCloudConnect
from mesh_assets_tests.sensing.estate import (
    Estate,
    FakeCluster,
    Kafka,
    reported,
)


@pytest.fixture
def cloud() -> FakeCloudConnect:
    return FakeCloudConnect({"orders": "RUNNING", "users": "RUNNING"})


@pytest.fixture
def estate(tmp_path: Path, cloud: FakeCloudConnect) -> Estate:
    """A cluster with two managed connectors, discovered once."""
    estate = Estate(tmp_path, FakeCluster(kafka=Kafka(topics={"orders": [10]}), cloud=cloud))
    estate.discover()
    cloud.requests.clear()
    return estate


@pytest.mark.parametrize("state", ["DEGRADED", "FAILED"])
def test_a_managed_connector_that_breaks_and_recovers_is_reported_twice(
    estate: Estate, cloud: FakeCloudConnect, state: str
) -> None:
    cloud.states["orders"] = state
    broken = estate.observe(observe_connectors)
    estate.discover()
    cloud.states["orders"] = "RUNNING"
    mended = estate.observe(observe_connectors, cursor=broken.cursor)
    assert [(one.trigger.type, one.trigger.resource) for one in broken.causes] == [
        ("connector_failed", "orders")
    ]
    assert [(one.trigger.type, one.trigger.resource) for one in mended.causes] == [
        ("connector_recovered", "orders")
    ]


@pytest.mark.parametrize("state", ["PROVISIONING", "PAUSED", "NONE"])
def test_a_created_or_paused_managed_connector_has_not_failed(
    estate: Estate, cloud: FakeCloudConnect, state: str
) -> None:
    cloud.states["orders"] = state
    assert estate.observe(observe_connectors).causes == ()
    assert cloud.requests == ["list"]


def test_a_deleted_managed_connector_is_reported_after_a_request_by_name(
    estate: Estate, cloud: FakeCloudConnect
) -> None:
    del cloud.states["users"]
    observed = estate.observe(observe_resources)
    assert reported(observed.causes) == [
        ("resource_deleted", "users", "Connector users deleted: source, was RUNNING")
    ]
    assert cloud.requests == ["list", "/users"]


def test_a_filtered_list_is_a_note_and_not_a_reason_for_a_run(
    estate: Estate, cloud: FakeCloudConnect
) -> None:
    cloud.hidden = {"users"}
    for observe in (observe_connectors, observe_resources):
        observed = estate.observe(observe)
        assert observed.causes == ()
        assert (
            "no longer lists 1 connector, yet refuses to say whether users is still there"
            in observed.notes[0]
        )


def test_a_connector_recreated_under_its_name_is_not_a_change(
    estate: Estate, cloud: FakeCloudConnect
) -> None:
    entry = cloud._entry
    cloud._entry = lambda name, state: {**entry(name, state), "id": {"id": "lcc-new", "id_type": "ID"}}  # type: ignore[method-assign]
    assert estate.observe(observe_connectors).causes == estate.observe(observe_resources).causes == ()
