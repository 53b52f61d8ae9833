"""Which column becomes which field, only where schemas and transforms show it."""

import json
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from mesh_assets.inventory.records import ConnectorTopic, TopicSchema
from mesh_assets.lineage.clusters import ClusterFacts
from mesh_assets.lineage.estate import cluster_graph
from mesh_assets.lineage.fields import sink_columns, source_columns
from mesh_assets_tests.documents import a_connector, a_document, a_schema, a_topic

KAFKA = "org.apache.kafka.connect.transforms."
DEBEZIUM = {
    "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
    "database.hostname": "pg",
    "database.dbname": "shop",
    "topic.prefix": "dbz",
    "table.include.list": "public.orders",
}
JDBC_SOURCE = {
    "connector.class": "io.confluent.connect.jdbc.JdbcSourceConnector",
    "connection.url": "jdbc:postgresql://pg/shop",
    "topic.prefix": "dbz.public.",
    "table.whitelist": "orders",
}
JDBC_SINK = {
    "connector.class": "io.confluent.connect.jdbc.JdbcSinkConnector",
    "connection.url": "jdbc:postgresql://wh/lake",
    "auto.create": "true",
}
ROW = {"id": "int", "total": "double"}
ENVELOPE = {"before": ROW, "after": ROW, "op": "string"}


def transform(kind: str, **config: str) -> dict[str, str]:
    settings = {f"transforms.t.{key.replace('_', '.')}": value for key, value in config.items()}
    return {"transforms": "t", "transforms.t.type": kind, **settings}


def avro(fields: Mapping[str, object], name: str = "Value") -> dict[str, object]:
    return {
        "type": "record",
        "name": name,
        "fields": [
            {"name": field, "type": type_ if isinstance(type_, str) else avro(type_, f"{name}_{field}")}  # type: ignore[arg-type]
            for field, type_ in fields.items()
        ],
    }


def columns(
    kind: str, config: Mapping[str, str], fields: Mapping[str, object], *, subjects: int = 1
) -> dict[str, str] | None:
    """Source → target of the connector's one flow."""
    name = "dbz.public.orders"
    named = tuple(f"{name}-value-{number}" for number in range(subjects))
    topic = replace(a_topic(name), schema=TopicSchema(value_subjects=named))
    schemas = tuple(
        a_schema(subject, schema_type="AVRO", definition=json.dumps(avro(fields))) for subject in named
    )
    used = (ConnectorTopic(name=name, known="declared"),) if kind == "sink" else ()
    connector = a_connector(
        "c",
        type=kind,
        topics=used,
        config={"topics": "", **config},
        connector_class=config["connector.class"],
    )
    graph = cluster_graph(
        ClusterFacts(document=a_document(topics=(topic,), schemas=schemas, connectors=(connector,)))
    )
    [flow] = graph.flows
    return None if flow.columns is None else {pair.source: pair.target for pair in flow.columns}


@pytest.mark.parametrize(
    ("config", "fields", "expected"),
    [
        (DEBEZIUM, ENVELOPE, {"id": "after.id", "total": "after.total"}),
        (
            {**DEBEZIUM, **transform("io.debezium.transforms.ExtractNewRecordState", add_fields="op")},
            {**ROW, "__op": "string"},
            {"id": "id", "total": "total"},
        ),
        (
            {**DEBEZIUM, "connector.class": "PostgresCdcSource", "after.state.only": "true"},
            ROW,
            {"id": "id", "total": "total"},
        ),
        (
            {**DEBEZIUM, **transform(f"{KAFKA}ExtractField$Value", field="after")},
            ROW,
            {"id": "id", "total": "total"},
        ),
        (
            {**DEBEZIUM, **transform(f"{KAFKA}ReplaceField$Key", renames="id:no")},
            ENVELOPE,
            {"id": "after.id", "total": "after.total"},
        ),
        (DEBEZIUM, ROW, None),
        (JDBC_SOURCE, ROW, {"id": "id", "total": "total"}),
        (
            {
                **JDBC_SOURCE,
                **transform(f"{KAFKA}ReplaceField$Value", renames="order_id:id", exclude="secret"),
            },
            ROW,
            {"order_id": "id", "total": "total"},
        ),
        (
            {
                **JDBC_SOURCE,
                **transform(f"{KAFKA}InsertField$Value", static_field="origin", static_value="pg"),
            },
            {**ROW, "origin": "string"},
            {"id": "id", "total": "total"},
        ),
        (
            {**JDBC_SOURCE, **transform(f"{KAFKA}Cast$Value", spec="id:int64,total:string")},
            ROW,
            {"id": "id", "total": "total"},
        ),
        ({**JDBC_SOURCE, **transform(f"{KAFKA}Cast$Value", spec="string")}, ROW, None),
        ({**JDBC_SOURCE, **transform(f"{KAFKA}HoistField$Value", field="row")}, {"row": ROW}, None),
        (
            {**JDBC_SOURCE, **transform(f"{KAFKA}MaskField$Value", fields="total", predicate="p")},
            ROW,
            {"id": "id", "total": "total"},
        ),
        ({**JDBC_SOURCE, **transform(f"{KAFKA}ReplaceField$Value", renames="a:b", predicate="p")}, ROW, None),
        # Of a schema that is older than the config.
        ({**JDBC_SOURCE, **transform(f"{KAFKA}ReplaceField$Value", exclude="total")}, ROW, {"id": "id"}),
        ({**JDBC_SOURCE, **transform(f"{KAFKA}ReplaceField$Value", include="id")}, ROW, {"id": "id"}),
    ],
)
def test_columns_of_a_source_are_the_fields_that_its_transforms_keep(
    config: Mapping[str, str], fields: Mapping[str, object], expected: dict[str, str] | None
) -> None:
    assert columns("source", config, fields) == expected


@pytest.mark.parametrize(
    ("config", "fields", "expected"),
    [
        (JDBC_SINK, ROW, {"id": "id", "total": "total"}),
        (JDBC_SINK, {"id": "int", "address": {"city": "string"}}, {"id": "id", "address": "address"}),
        (
            {**JDBC_SINK, **transform(f"{KAFKA}Flatten$Value", delimiter="_")},
            {"id": "int", "address": {"city": "string"}},
            {"id": "id", "address.city": "address_city"},
        ),
        (
            {**JDBC_SINK, **transform(f"{KAFKA}ReplaceField$Value", exclude="total", renames="id:no")},
            ROW,
            {"id": "no"},
        ),
        ({**JDBC_SINK, **transform(f"{KAFKA}ReplaceField$Value", include="id")}, ROW, {"id": "id"}),
        # It depends on the worker's version whether an old name is heeded.
        ({**JDBC_SINK, **transform(f"{KAFKA}ReplaceField$Value", blacklist="total")}, ROW, None),
        (
            {**JDBC_SINK, **transform(f"{KAFKA}ReplaceField$Value", whitelist="id", renames="id:no")},
            ROW,
            None,
        ),
        (
            {**JDBC_SINK, **transform(f"{KAFKA}ReplaceField$Value", whitelist="total", include="id")},
            ROW,
            {"id": "id"},
        ),
        (
            {**JDBC_SINK, **transform("io.debezium.transforms.ExtractNewRecordState")},
            ENVELOPE,
            {"after.id": "id", "after.total": "total"},
        ),
        ({**JDBC_SINK, **transform("com.example.Encrypt")}, ROW, None),
        ({**JDBC_SINK, "auto.create": "false"}, ROW, None),
        ({**JDBC_SINK, "fields.whitelist": "id"}, ROW, None),
        ({"connector.class": "S3_SINK", "s3.bucket.name": "lake"}, ROW, None),
        (
            {
                "connector.class": "SnowflakeSink",
                "snowflake.url.name": "a.snowflakecomputing.com",
                "snowflake.enable.schematization": "true",
            },
            ROW,
            {"id": "ID", "total": "TOTAL"},
        ),
        ({"connector.class": "SnowflakeSink", "snowflake.url.name": "a.snowflakecomputing.com"}, ROW, None),
        (
            {"connector.class": "BigQuerySink", "project": "p", "datasets": "d", "autoCreateTables": "true"},
            ROW,
            {"id": "id", "total": "total"},
        ),
    ],
)
def test_fields_become_columns_of_a_sinks_tables(
    config: Mapping[str, str], fields: Mapping[str, object], expected: dict[str, str] | None
) -> None:
    assert columns("sink", config, fields) == expected


@pytest.mark.parametrize("subjects", [0, 2])
def test_without_one_schema_no_column_is_known(subjects: int) -> None:
    assert columns("source", DEBEZIUM, ENVELOPE, subjects=subjects) is None
    assert columns("sink", JDBC_SINK, ROW, subjects=subjects) is None


NAMES = st.sampled_from(["id", "no", "total", "amount", "city"])


@given(
    st.dictionaries(NAMES, NAMES.map(lambda name: f"{name}_x"), max_size=3),
    st.sets(NAMES),
    st.lists(NAMES, unique=True),
)
def test_each_output_leads_back_to_its_input(
    renames: Mapping[str, str], exclude: set[str], fields: Sequence[str]
) -> None:
    renames = {old: new for old, new in renames.items() if list(renames.values()).count(new) == 1}
    config = transform(
        f"{KAFKA}ReplaceField$Value",
        exclude=",".join(exclude),
        renames=",".join(f"{old}:{new}" for old, new in renames.items()),
    )
    out = sink_columns(config, fields)
    assert out is not None
    back = source_columns(config, [pair.target for pair in out])
    assert back == out
    assert {pair.source for pair in out} == set(fields) - exclude
