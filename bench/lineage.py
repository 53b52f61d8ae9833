"""Times the lineage of a large estate, and of a quarter of it: `python -m bench.lineage`.

The bar: less CPU than the discovery of the same estate, 400 MB, and at most 4.4 times the time of the quarter.
"""

# ruff: noqa: T201 - a script speaks to its user

import resource
import time

import msgspec

from mesh_assets.analysis.graph import LineageGraph, Node
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.records import ConnectorTopic
from mesh_assets.lineage.clusters import ClusterFacts, MappedTopic
from mesh_assets.lineage.estate import cluster_graph
from mesh_assets.lineage.walk import walk_lineage
from mesh_assets_tests.documents import a_connector, a_document, a_group, a_schema, a_topic

TOPICS, CONNECTORS, GROUPS, SUBJECTS, MAPPINGS = 9_000, 1_000, 2_200, 5_000, 100


def topic(number: int) -> str:
    return f"dbz{number % 50}.public.t{number}"


def an_estate(scale: float) -> Document:
    """A quarter of the connectors are Debezium with a pattern, the others sinks of nine topics with a router."""
    topics = int(TOPICS * scale)
    connectors = []
    for number in range(int(CONNECTORS * scale)):
        if number % 4 == 0:
            config = {
                "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
                "database.hostname": f"host-{number}",
                "database.dbname": "shop",
                "topic.prefix": f"dbz{number % 50}" if number < 200 else f"db-{number}",
                "table.include.list": "public.t.*",
            }
            connectors.append(a_connector(f"c{number}", type="source", topics=(), config=config))
            continue
        used = [topic(at % topics) for at in range(number * 9, number * 9 + 9)]
        config = {
            "connector.class": "io.confluent.connect.s3.S3SinkConnector",
            "s3.bucket.name": "lake",
            "transforms": "r",
            "transforms.r.type": "org.apache.kafka.connect.transforms.RegexRouter",
            "transforms.r.regex": r"dbz[0-9]+\.(.*)",
            "transforms.r.replacement": "$1",
        }
        declared = tuple(ConnectorTopic(name=name, known="declared") for name in used)
        connectors.append(a_connector(f"c{number}", topics=declared, config=config))
    groups = (
        a_group(f"g{number}", topics=tuple(topic(at % topics) for at in range(number * 4, number * 4 + 4)))
        for number in range(int(GROUPS * scale))
    )
    return a_document(
        topics=tuple(a_topic(topic(number)) for number in range(topics)),
        connectors=tuple(connectors),
        consumer_groups=tuple(groups),
        schemas=tuple(a_schema(f"s{number}-value") for number in range(int(SUBJECTS * scale))),
    )


def main() -> None:
    for scale in (0.25, 1.0):
        document = an_estate(scale)
        mappings = tuple(
            MappedTopic(uuid=f"u{number}", function=f"f{number}", topic=topic(number))
            for number in range(MAPPINGS)
        )
        began = time.process_time()
        graph = cluster_graph(ClusterFacts(document=document, mappings=mappings))
        built = time.process_time()
        data = msgspec.json.encode(graph)
        msgspec.json.decode(data, type=LineageGraph)
        coded = time.process_time()
        start = Node(kind="topic", cluster=document.cluster.name, name=topic(5))
        walk_lineage(graph, start, direction="both", depth=5)
        walked = time.process_time()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(
            f"{scale:>4}: {built - began:.2f} s to build, {coded - built:.2f} s to encode and decode, {walked - coded:.2f} s to walk; "
            f"{len(graph.nodes):,} nodes, {len(graph.edges):,} edges, {len(data) / 1e6:.1f} MB as JSON, {peak} MB at most in the process"
        )


if __name__ == "__main__":
    main()
