"""Made-up estates with their lineage: the generator first decides what feeds what, then writes configs that say so, with
invented names. It uses none of the analysis."""

import random
from dataclasses import dataclass, field

from mesh_assets.inventory.document import Document
from mesh_assets.inventory.groups import GroupMember
from mesh_assets.inventory.records import Connector, ConnectorTopic
from mesh_assets_tests.documents import a_connector, a_document, a_group, a_topic

# Names that a careless rule confuses.
_TABLES = ("orders", "orders_v2", "orders2", "order", "users", "user_orders")
_TOPICS = ("orders", "orders-v2", "orders.v2", "orders_v2", "pre.orders", "pre.orders-v2")
Flow = tuple[str, str, str]


@dataclass
class Generated:
    """`flows`: (source, connector, target). `readers`: (group, topic, whether it reads it now). `partly`: connectors with only
    a known system, by its address. `silent`: connectors that lead nowhere and have a note."""

    document: Document = field(default_factory=a_document)
    flows: set[Flow] = field(default_factory=set)
    readers: set[tuple[str, str, bool]] = field(default_factory=set)
    partly: dict[str, str] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)


def generate(seed: int) -> Generated:
    chance = random.Random(seed)
    made = Generated()
    connectors: list[Connector] = []
    topics = set(_TOPICS)
    for number in range(12):
        kind = chance.choice((_jdbc, _debezium_list, _debezium_pattern, _s3, _search, _snowflake))
        connectors.append(kind(chance, f"c{number}", made, topics))
    connectors += _traps(made)
    groups = []
    for number in range(6):
        reads, once = chance.sample(sorted(topics), 2)
        name = f"{reads}-app-{number}"
        member = GroupMember(
            member_id="m", client_id="c", host="/h", group_instance_id=None, assignment={reads: (0,)}
        )
        groups.append(a_group(name, topics=(reads, once), members=(member,)))
        made.readers |= {(name, reads, True), (name, once, False)}
    names = sorted(topics)
    made.document = a_document(
        topics=tuple(map(a_topic, names)), connectors=tuple(connectors), consumer_groups=tuple(groups)
    )
    return made


def _sink(name: str, topics: list[str], config: dict[str, str]) -> Connector:
    return a_connector(
        name,
        topics=tuple(ConnectorTopic(name=topic, known="declared") for topic in topics),
        config={**config, "topics": ",".join(topics)},
    )


def _source(name: str, config: dict[str, str]) -> Connector:
    return a_connector(name, type="source", topics=(), config={**config, "topics": ""})


def _renaming(pattern: str, replacement: str) -> dict[str, str]:
    return {
        "transforms": "r",
        "transforms.r.type": "org.apache.kafka.connect.transforms.RegexRouter",
        "transforms.r.regex": pattern,
        "transforms.r.replacement": replacement,
    }


def _jdbc(chance: random.Random, name: str, made: Generated, topics: set[str]) -> Connector:
    tables = chance.sample(_TABLES, 2)
    renames = chance.random() < 0.5
    for table in tables:
        topic = f"{name}.renamed.{table}" if renames else f"{name}-{table}"
        topics.add(topic)
        made.flows.add((f"postgres://{name}:5432/shop.crm.{table}", name, topic))
    config = {
        "connector.class": "io.confluent.connect.jdbc.JdbcSourceConnector",
        "connection.url": f"jdbc:postgresql://{name}/shop",
        "table.whitelist": ",".join(f"crm.{table}" for table in tables),
        "topic.prefix": f"{name}-",
    }
    return _source(name, {**config, **(_renaming(f"{name}-(.*)", f"{name}.renamed.$1") if renames else {})})


def _debezium_list(chance: random.Random, name: str, made: Generated, topics: set[str]) -> Connector:
    tables = chance.sample(_TABLES, 3)
    for table in tables:
        topics.add(f"{name}.shop.{table}")
        made.flows.add((f"mysql://{name}:3306/shop.{table}", name, f"{name}.shop.{table}"))
    return _source(
        name,
        {
            "connector.class": chance.choice(
                ("io.debezium.connector.mysql.MySqlConnector", "MySqlCdcSourceV2")
            ),
            "database.hostname": name,
            "topic.prefix": name,
            "table.include.list": ",".join(rf"shop\.{table}" for table in tables),
            "include.schema.changes": "false",
        },
    )


def _debezium_pattern(chance: random.Random, name: str, made: Generated, topics: set[str]) -> Connector:
    """Its prefix begins like a neighbour's, whose topics do not belong to it."""
    for table in ("orders", "orders_v2"):
        topics.add(f"{name}.public.{table}")
        made.flows.add((f"postgres://{name}:5432/shop.public.{table}", name, f"{name}.public.{table}"))
    topics |= {f"{name}.public.users", f"{name}x.public.orders", f"{name}-public.orders"}
    return _source(
        name,
        {
            "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
            "database.hostname": name,
            "database.dbname": "shop",
            "topic.prefix": name,
            "table.include.list": chance.choice((r"public\.orders.*", r"public\.(orders|orders_v2)")),
        },
    )


def _s3(chance: random.Random, name: str, made: Generated, topics: set[str]) -> Connector:  # noqa: ARG001 - as the others
    used = chance.sample(_TOPICS, 3)
    renames = chance.random() < 0.5
    for topic in used:
        bare = topic.removeprefix("pre.") if renames else topic
        made.flows.add((topic, name, f"s3://{name}/raw/{bare}"))
    config = {
        "connector.class": chance.choice(("io.confluent.connect.s3.S3SinkConnector", "S3_SINK")),
        "s3.bucket.name": name,
        "topics.dir": "raw",
    }
    return _sink(name, used, {**config, **(_renaming(r"pre\.(.*)", "$1") if renames else {})})


def _search(chance: random.Random, name: str, made: Generated, topics: set[str]) -> Connector:  # noqa: ARG001
    used = chance.sample(_TOPICS, 2)
    made.flows |= {(topic, name, f"elasticsearch://{name}:9200/{topic}") for topic in used}
    config = {
        "connector.class": "io.confluent.connect.elasticsearch.ElasticsearchSinkConnector",
        "connection.url": f"http://{name}",
    }
    return _sink(name, used, config)


def _snowflake(chance: random.Random, name: str, made: Generated, topics: set[str]) -> Connector:  # noqa: ARG001
    used = chance.sample(_TOPICS, 2)
    tables = {topic: f"T{at}" for at, topic in enumerate(used)}
    made.flows |= {(topic, name, f"snowflake://{name}/LAKE.RAW.{table}") for topic, table in tables.items()}
    config = {
        "connector.class": chance.choice(
            ("com.snowflake.kafka.connector.SnowflakeSinkConnector", "SnowflakeSink")
        ),
        "snowflake.url.name": f"{name}.snowflakecomputing.com",
        "snowflake.database.name": "lake",
        "snowflake.schema.name": "raw",
        "snowflake.topic2table.map": ",".join(f"{topic}:{table}" for topic, table in tables.items()),
    }
    return _sink(name, used, config)


def _traps(made: Generated) -> list[Connector]:
    made.silent.add("unknown-class")
    made.partly |= {"by-record": "s3://by-record", "outbox": "postgres://outbox:5432/shop.public.outbox"}
    made.flows.add(("orders", "by-record", "s3://by-record"))
    s3 = {"connector.class": "S3_SINK", "s3.bucket.name": "by-record", "transforms": "t"}
    return [
        _source(
            "unknown-class",
            {
                "connector.class": "com.example.Source",
                "connection.url": "jdbc:postgresql://x/y",
                "table.whitelist": "orders",
            },
        ),
        _sink(
            "by-record",
            ["orders"],
            {**s3, "transforms.t.type": "io.confluent.connect.transforms.ExtractTopic$Value"},
        ),
        _source(
            "outbox",
            {
                "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
                "database.hostname": "outbox",
                "database.dbname": "shop",
                "topic.prefix": "outbox",
                "table.include.list": "public.outbox",
                "transforms": "t",
                "transforms.t.type": "io.debezium.transforms.outbox.EventRouter",
            },
        ),
    ]
