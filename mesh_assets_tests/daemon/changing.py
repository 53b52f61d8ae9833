"""What changes while a daemon runs: topics, subjects and a sink that belong to these tests alone, on the sandbox's servers."""

import time
from collections.abc import Sequence
from pathlib import Path

import httpx
from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # exported, but not declared so
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
)

from mesh_assets.sandbox.servers import Endpoints


class Changing:
    """Creates and changes things through the servers' own interfaces."""

    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints = endpoints
        self._admin = AdminClient({"bootstrap.servers": endpoints.bootstrap_servers})

    def close(self) -> None:
        self._admin.__exit__(None, None, None)

    def make_topic(self, name: str, *, partitions: int = 1) -> None:
        self._admin.create_topics([NewTopic(name, num_partitions=partitions, replication_factor=1)])[
            name
        ].result(30)

    def delete_topics(self, names: Sequence[str]) -> None:
        """Those of them that exist."""
        for future in self._admin.delete_topics(list(names)).values():
            try:
                future.result(30)
            except KafkaException as error:
                if error.args[0].code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
                    raise

    def set_retention_ms(self, topic: str, retention_ms: int) -> None:
        entry = ConfigEntry("retention.ms", str(retention_ms), incremental_operation=AlterConfigOpType.SET)
        resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
        self._admin.incremental_alter_configs([resource])[resource].result(30)

    def produce(self, topic: str, value: bytes) -> None:
        producer = Producer({"bootstrap.servers": self._endpoints.bootstrap_servers})
        producer.produce(topic, value=value)
        assert producer.flush(30) == 0
        producer.close()

    def register(self, subject: str, version: int) -> None:
        """A schema that differs by version, compatible or not."""
        registry = self._endpoints.registry_url
        httpx.put(f"{registry}/config/{subject}", json={"compatibility": "NONE"}).raise_for_status()
        schema = (
            f'{{"$schema":"http://json-schema.org/draft-07/schema#","type":"object","title":"T{version}"}}'
        )
        content = {"schemaType": "JSON", "schema": schema}
        httpx.post(f"{registry}/subjects/{subject}/versions", json=content).raise_for_status()

    def delete_subject(self, subject: str) -> None:
        url = f"{self._endpoints.registry_url}/subjects/{subject}"
        httpx.delete(url)
        httpx.delete(url, params={"permanent": "true"})

    def put_sink(self, name: str, topic: str, file: Path, **more: str) -> None:
        """A connector whose task fails when it reads what is not JSON, unless it is told to tolerate errors."""
        config = {
            "connector.class": "org.apache.kafka.connect.file.FileStreamSinkConnector",
            "tasks.max": "1",
            "topics": topic,
            "file": str(file),
            "value.converter": "org.apache.kafka.connect.json.JsonConverter",
            "value.converter.schemas.enable": "false",
            **more,
        }
        httpx.put(
            f"{self._endpoints.connect_url}/connectors/{name}/config", json=config, timeout=30
        ).raise_for_status()

    def wait_for_task(self, connector: str, state: str) -> None:
        url, deadline = f"{self._endpoints.connect_url}/connectors/{connector}/status", time.monotonic() + 60
        while [task["state"] for task in httpx.get(url, timeout=30).json().get("tasks", ())] != [state]:
            assert time.monotonic() < deadline, f"the task of {connector} is not {state}"
            time.sleep(0.2)

    def delete_sink(self, name: str) -> None:
        """And its consumer group, as soon as its consumer has left it."""
        httpx.delete(f"{self._endpoints.connect_url}/connectors/{name}", timeout=30)
        group, deadline = f"connect-{name}", time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                self._admin.delete_consumer_groups([group])[group].result(10)
            except KafkaException as error:
                if error.args[0].code() != KafkaError.NON_EMPTY_GROUP:
                    return
                time.sleep(0.2)
            else:
                return
