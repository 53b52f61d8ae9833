"""The second discovery contains what happened since the first: real topics, connectors and schemas are created, changed and
deleted."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]  # re-exported without saying so

from mesh_assets.masking.configs import MASK
from mesh_assets.sandbox.estate.clusters import PLANTED_PASSWORD, REFERENCED_PASSWORD
from mesh_assets.sandbox.servers import Endpoints
from mesh_assets_tests.workplace import Workplace

pytestmark = pytest.mark.sandbox


SUBJECT = "discovery-test-value"


@contextmanager
def a_topic(endpoints: Endpoints, name: str) -> Iterator[None]:
    with AdminClient({"bootstrap.servers": endpoints.bootstrap_servers}) as admin:
        admin.create_topics([NewTopic(name, num_partitions=3, replication_factor=1)])[name].result(30)
        try:
            yield
        finally:
            admin.delete_topics([name])[name].result(30)


@contextmanager
def a_subject(endpoints: Endpoints) -> Iterator[Callable[[int], None]]:
    """Registers versions of it."""
    registry = str(endpoints.registry_url)
    subject = f"{registry}/subjects/{SUBJECT}"

    def register(number: int) -> None:
        schema = (
            f'{{"$schema":"http://json-schema.org/draft-07/schema#","type":"object","title":"T{number}"}}'
        )
        httpx.post(f"{subject}/versions", json={"schemaType": "JSON", "schema": schema}).raise_for_status()

    httpx.put(f"{registry}/config/{SUBJECT}", json={"compatibility": "NONE"}).raise_for_status()
    register(1)
    try:
        yield register
    finally:
        httpx.delete(subject).raise_for_status()
        httpx.delete(subject, params={"permanent": "true"}).raise_for_status()


def test_creations_changes_and_deletions_between_discoveries(
    discovered: Workplace, endpoints: Endpoints
) -> None:
    with a_subject(endpoints) as register:
        with a_topic(endpoints, "payments"):
            created = discovered.discover()
            register(2)
        changed = discovered.discover()

    assert sorted(created["first_changes"]) == [
        f"Schema {SUBJECT} created: version 1, JSON",
        "Topic payments created: 3 partitions, replication factor 1",
    ]
    deleted, version = sorted(changed["first_changes"])
    assert deleted.startswith("Topic payments deleted")
    assert version == f"{SUBJECT}: Schema version 1 → 2"


def test_a_password_in_a_connectors_config_appears_nowhere(discovered: Workplace) -> None:
    done = discovered.mesh_assets("discover", "-v", "--json")
    shown = discovered.mesh_assets("snapshot", "show", "--cluster", "warehouse", "--json")

    assert any(MASK in connector.config.values() for connector in discovered.latest().connectors)
    written = [path for path in discovered.folder.rglob("*") if path.is_file()]
    assert len(written) > 10
    everything = [path.read_bytes() for path in written]
    everything += [text.encode() for text in (done.stdout, done.stderr, shown.stdout, shown.stderr)]
    for secret in (PLANTED_PASSWORD, REFERENCED_PASSWORD):
        assert not any(secret.encode() in content for content in everything)
