"""Configs that no one would write on purpose: every class gives edges or notes, and no address with a secret in it."""

import zlib
from typing import Any

import pytest
from msgspec.structs import replace

from mesh_assets.connector_rules.registry import KNOWN_CLASSES
from mesh_assets.inventory.records import ConnectorTopic
from mesh_assets.lineage.clusters import ClusterFacts
from mesh_assets.lineage.estate import cluster_graph
from mesh_assets.masking.configs import MASK, mask_config
from mesh_assets_tests.documents import a_connector, a_document, a_topic
from mesh_assets_tests.lineage.configs import told

TOPICS = ("orders", "9a.b-c", "source.orders")
ODD = (
    *(
        "",
        " ",
        ",",
        ", ,",
        ":",
        "=",
        ".",
        "..",
        "/",
        "://",
        "a://",
        "http://[",
        "s3://[b/x",
        "http://h:port/x",
    ),
    *("jdbc:", "jdbc:x://", "jdbc:sqlserver://", "jdbc:oracle:thin:@", "jdbc:mysql://,/", "mongodb://"),
    *("${", "${topic", "$9", "(", "[", "\\", "*", "a:b:c", "a,b", "true", "-1", "0", "é", "\x00", "\n"),
    *(
        "{}",
        "[]",
        '{"a":1}',
        '{"*":""}',
        '{"d":5}',
        "a.b.c.d",
        "(?i)x",
        "SELECT",
        ":::",
        "a=b=c",
        "h:1",
        "orders",
    ),
    *(
        "RegexRouter",
        "org.apache.kafka.connect.transforms.Filter",
        "TimestampRouter",
        "IdentityReplicationPolicy",
    ),
)


class Anything(dict[str, str | None]):
    """A config with an odd value for any key."""

    def __init__(self, class_name: str, *, seed: str, values: tuple[str, ...]) -> None:
        super().__init__({"connector.class": class_name})
        self._seed, self._values = seed, values

    def get(self, key: str, default: Any = None) -> Any:
        if key in self:
            return super().get(key, default)
        return self._values[zlib.crc32(f"{self._seed} {key}".encode()) % len(self._values)]


@pytest.mark.parametrize("class_name", sorted(KNOWN_CLASSES))
def test_no_config_prevents_the_graph(class_name: str) -> None:
    configs = [Anything(class_name, seed="", values=(value,)) for value in ODD]
    configs += [Anything(class_name, seed=str(seed), values=ODD) for seed in range(20)]
    configs += [Anything(class_name, seed=str(seed), values=(",", "")) for seed in range(10)]
    used = tuple(ConnectorTopic(name=name, known="observed") for name in TOPICS)
    connectors = tuple(
        replace(
            a_connector(f"{kind}-{at}", type=kind, topics=used, connector_class=class_name), config=config
        )
        for at, config in enumerate(configs)
        for kind in ("source", "sink")
    )
    document = a_document(topics=tuple(map(a_topic, TOPICS)), connectors=connectors)
    graph = cluster_graph(ClusterFacts(document=document, bootstrap_servers=("h:1",)))
    assert {node.name for node in graph.nodes if node.kind == "connector"} == {one.name for one in connectors}


@pytest.mark.parametrize(
    ("config", "flows", "notes"),
    [
        pytest.param(
            {
                "connector.class": "org.apache.iceberg.connect.IcebergSinkConnector",
                "iceberg.catalog.uri": "https://alice:hunter2@catalog:8181/v1",
                "iceberg.tables": "shop.orders",
            },
            {"orders → https://catalog:8181/shop.orders"},
            [],
            id="the address of a catalog",
        ),
        pytest.param(
            {"connector.class": "ClickHouseSink", "hostname": "https://alice:hunter2@house:8443/"},
            {"orders → clickhouse://house:8443/default.orders"},
            [],
            id="an address where a host is expected",
        ),
        pytest.param(
            {"connector.class": "PostgresSink", "connection.host": "alice:hunter2@db", "db.name": "shop"},
            {"orders → postgres://db:5432/shop.public.orders"},
            [],
            id="a user before a host",
        ),
        pytest.param(
            {
                "connector.class": "HttpSink",
                "http.api.url": "https://hooks.slack.com/services/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",
            },
            {"orders → https://hooks.slack.com"},
            ["its config hides a part of the address of what is behind it"],
            id="a path that is a secret: two of them are not one",
        ),
    ],
)
def test_hidden_values_are_not_part_of_an_address(
    config: dict[str, str], flows: set[str], notes: list[str]
) -> None:
    for shown in (mask_config(config), *([config] if not notes else [])):
        found = told("sink", {**shown, "topics": "orders"}, topics=["orders"])  # type: ignore[dict-item]
        assert found.flows == flows
        assert found.notes == notes


def test_a_source_keeps_its_topic_where_its_config_hides_the_file() -> None:
    config = {"connector.class": "FileStreamSource", "file": f"/in/{MASK}.csv", "topic": "orders"}
    found = told("source", config, topics=["orders"])
    assert (found.flows, found.edges) == (set(), {"· → orders"})
    assert found.notes == ["its config hides a part of the address of what is behind it"]
