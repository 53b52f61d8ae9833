"""Against a real Connect worker, read only: the client's one answer agrees with the interface connector by connector."""

import httpx
import pytest

from mesh_assets.platforms.connect.kafka_connect import KafkaConnectClient
from mesh_assets.platforms.http import path_segment

pytestmark = pytest.mark.sandbox


def test_the_whole_list_is_one_request_and_agrees_with_every_single_connector(
    connect: KafkaConnectClient, connect_url: str
) -> None:
    connectors = connect.connectors()
    assert connect.requests == 1
    with httpx.Client(base_url=connect_url, trust_env=False, timeout=30) as plain:
        assert [connector.name for connector in connectors] == sorted(plain.get("/connectors").json())
        for connector in connectors:
            path = f"/connectors/{path_segment(connector.name)}"
            info, status = plain.get(path).json(), plain.get(f"{path}/status").json()
            assert (connector.type, connector.config, connector.connector_class) == (
                info["type"],
                info["config"],
                info["config"]["connector.class"],
            )
            assert (connector.state, connector.worker_id) == (
                status["connector"]["state"],
                status["connector"]["worker_id"],
            )
            assert [(task.id, task.state, task.trace) for task in connector.tasks] == [
                (task["id"], task["state"], task.get("trace")) for task in status["tasks"]
            ]


def test_topics_are_requested_connector_by_connector(connect: KafkaConnectClient, connect_url: str) -> None:
    for connector in connect.connectors():
        used = httpx.get(
            f"{connect_url}/connectors/{path_segment(connector.name)}/topics", trust_env=False
        ).json()
        assert set(connect.topics(connector.name) or ()) >= set(used[connector.name]["topics"])


def test_the_worker_reports_its_version_and_cluster(connect: KafkaConnectClient) -> None:
    worker = connect.worker_info()
    assert worker.version == "4.3.1"
    assert worker.commit
    assert worker.kafka_cluster_id
