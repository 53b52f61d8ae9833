"""What happens between two discoveries stands in the second: real topics, connectors and schemas come, change
and go."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]  # re-exported without saying so

from mesh_assets.inventory.masking import MASK
from mesh_assets.sandbox.estate.connectors import PLANTED_PASSWORD, REFERENCED_PASSWORD
from mesh_assets.sandbox.servers import Endpoints
from mesh_assets_tests.workplace import Workplace

pytestmark = pytest.mark.sandbox


@contextmanager
def a_topic(endpoints: Endpoints, name: str) -> Iterator[None]:
    admin = AdminClient({"bootstrap.servers": endpoints.bootstrap_servers})
    admin.create_topics([NewTopic(name, num_partitions=3, replication_factor=1)])[name].result(30)
    try:
        yield
    finally:
        admin.delete_topics([name])[name].result(30)


def test_a_topic_that_came_and_went_is_created_and_then_deleted(
    workplace: Workplace, endpoints: Endpoints
) -> None:
    workplace.discover()
    with a_topic(endpoints, "payments"):
        created = workplace.discover()
    deleted = workplace.discover()

    assert created["first_changes"] == ["Topic payments created: 3 partitions, replication factor 1"]
    [sentence] = deleted["first_changes"]
    assert sentence.startswith("Topic payments deleted")


def test_a_new_version_of_a_schema_is_one_change(workplace: Workplace, endpoints: Endpoints) -> None:
    subject = f"{endpoints.registry_url}/subjects/discovery-test-value"
    first, second = (
        {
            "schemaType": "JSON",
            "schema": f'{{"$schema":"http://json-schema.org/draft-07/schema#","type":"object","title":"T{n}"}}',
        }
        for n in (1, 2)
    )
    httpx.put(
        f"{endpoints.registry_url}/config/discovery-test-value", json={"compatibility": "NONE"}
    ).raise_for_status()
    httpx.post(f"{subject}/versions", json=first).raise_for_status()
    try:
        workplace.discover()
        httpx.post(f"{subject}/versions", json=second).raise_for_status()
        report = workplace.discover()
    finally:
        httpx.delete(subject).raise_for_status()
        httpx.delete(subject, params={"permanent": "true"}).raise_for_status()

    assert report["first_changes"] == ["discovery-test-value: Schema version 1 → 2"]


def test_a_password_in_a_connectors_config_appears_nowhere(workplace: Workplace) -> None:
    done = workplace.mesh_assets("discover", "-v", "--json")
    workplace.mesh_assets("discover", "-v")
    shown = workplace.mesh_assets("snapshot", "show", "--cluster", "warehouse", "--json")

    assert any(MASK in connector.config.values() for connector in workplace.latest().connectors)
    written = [path for path in workplace.folder.rglob("*") if path.is_file()]
    assert len(written) > 10
    everything = [path.read_bytes() for path in written]
    everything += [text.encode() for text in (done.stdout, done.stderr, shown.stdout, shown.stderr)]
    for secret in (PLANTED_PASSWORD, REFERENCED_PASSWORD):
        assert not any(secret.encode() in content for content in everything)
