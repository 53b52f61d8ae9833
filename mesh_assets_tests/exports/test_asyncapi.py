"""AsyncAPI documents: valid by AsyncAPI's own parser, and saying what the documents and the graph say."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mesh_assets.estate.file import load_estate
from mesh_assets.estate.model import Cluster
from mesh_assets.exports.asyncapi import asyncapi_document
from mesh_assets.exports.asyncapi_schemas import Ids, Schemas
from mesh_assets.exports.document_text import as_json, as_yaml
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.records import Schema, SchemaReference, TopicSchema
from mesh_assets.lineage.clusters import ClusterFacts, MappedTopic
from mesh_assets.lineage.estate import cluster_graph
from mesh_assets_tests.documents import a_connector, a_document, a_group, a_schema, a_topic
from mesh_assets_tests.exports.a_mesh import AVRO, CONTRACT, DOMAINS
from mesh_assets_tests.exports.asyncapi_parser import diagnostics, parser_file

PLAIN = "{bootstrap_servers: 'b:9092,a:9092'}"
SASL = "{bootstrap_servers: 'a:9093', security_protocol: SASL_SSL, sasl_mechanism: SCRAM-SHA-512, username: me, password: '${SECRET}'}"
TREE = json.dumps(
    {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": "https://example.com/tree.json",
        "type": "object",
        "definitions": {"node": {"type": "object", "properties": {"next": {"$ref": "#/definitions/node"}}}},
        "properties": {
            "id": {"type": "string"},
            "root": {"$ref": "#/definitions/node"},
            "whole": {"$ref": "#"},
        },
    }
)
USER = '{"type": "object", "properties": {"tree": {"$ref": "tree.json#/definitions/node"}, "version": {"enum": ["1e3", "no"]}}}'
PROTO = 'syntax = "proto3";\nmessage Payment {\n  string id = 1;\n}\n'
DOCUMENT = a_document(
    topics=(
        a_topic(
            "orders",
            partitions=3,
            replicas=(1, 2),
            config={
                "cleanup.policy": "compact,delete",
                "retention.ms": "-1",
                "max.message.bytes": None,
                "segment.bytes": "1",
                "confluent.value.schema.validation": "true",
            },
            schema=TopicSchema(key_subjects=("orders-key",), value_subjects=("orders-value",)),
        ),
        a_topic("users", schema=TopicSchema(value_subjects=("users-value",), record_subjects=("trees/v1",))),
        a_topic(
            "payments", schema=TopicSchema(key_subjects=("users-value",), value_subjects=("payments-value",))
        ),
        a_topic("1e3", schema=TopicSchema(key_subjects=("orders-value",), value_subjects=("broken-value",))),
    ),
    schemas=(
        a_schema("orders-key", schema_type="AVRO", definition='"long"'),
        a_schema(
            "orders-value",
            schema_type="AVRO",
            definition=AVRO,
            contract=CONTRACT,
            naming_strategy="topic",
            id=7,
        ),
        a_schema(
            "users-value",
            definition=USER,
            references=(SchemaReference(name="tree.json", subject="trees/v1", version=1),),
        ),
        a_schema("trees/v1", definition=TREE),
        a_schema("payments-value", schema_type="PROTOBUF", definition=PROTO),
        a_schema("broken-value", definition="{"),
    ),
    connectors=(
        a_connector("lake"),
        a_connector("gen", type="source", config={"topics": "users"}, topics=()),
    ),
    consumer_groups=(
        a_group("fraud"),
        a_group("gone", state="Empty", topics=("users",)),
    ),
)


@pytest.fixture(scope="session")
def parser() -> Path:
    return parser_file()


def a_cluster(folder: Path, kafka: str = PLAIN, registry: str = "https://registry.test:8081") -> Cluster:
    path = folder / "estate.yaml"
    path.write_text(f"clusters: {{warehouse: {{kafka: {kafka}, schema_registry: {{url: '{registry}'}}}}}}")
    return load_estate(path).clusters["warehouse"]


def made(
    folder: Path,
    document: Document = DOCUMENT,
    *,
    addresses: tuple[str, ...] = ("b:9092", "a:9092"),
    **cluster: str,
) -> tuple[dict[str, Any], tuple[str, ...]]:
    mapping = MappedTopic(uuid="u-1", function="score", topic="orders", state="Enabled")
    graph = cluster_graph(ClusterFacts(document=document, mappings=(mapping,)))
    return asyncapi_document(document, a_cluster(folder, **cluster), addresses, graph, DOMAINS)


def resolved(document: Mapping[str, Any], reference: str) -> Any:
    value: Any = document
    for part in reference.removeprefix("#/").split("/"):
        value = value[part]
    return value


@pytest.mark.slow
def test_asyncapis_own_parser_accepts_the_document_and_rejects_faults(parser: Path, tmp_path: Path) -> None:
    plain, _ = made(tmp_path)
    secure, _ = made(tmp_path, kafka=SASL)
    wrong, _ = made(tmp_path)
    wrong["channels"]["orders"]["bindings"]["kafka"]["partitions"] = 0
    texts = {
        "plain.yaml": as_yaml(plain),
        "plain.json": as_json(plain),
        "secure.yaml": as_yaml(secure),
        "wrong.yaml": as_yaml(wrong),
    }
    for name, chunks in texts.items():
        (tmp_path / name).write_bytes(b"".join(chunks))
    *found, of_wrong = diagnostics(parser, [tmp_path / name for name in texts])
    assert found == [[], [], []]
    assert any("bindings/kafka/partitions" in place for severity, _, place in of_wrong if severity == 0)


def test_servers_have_the_addresses_the_protocol_and_the_registry(tmp_path: Path) -> None:
    document, _ = made(tmp_path)
    assert document["servers"]["bootstrap-2"] == {
        "host": "a:9092",
        "protocol": "kafka",
        "bindings": {"kafka": {"bindingVersion": "0.5.0", "schemaRegistryUrl": "https://registry.test:8081"}},
    }
    secure, _ = made(tmp_path, kafka=SASL, addresses=("a:9093",))
    assert secure["servers"]["bootstrap-1"]["protocol"] == "kafka-secure"
    assert secure["components"]["securitySchemes"] == {"login": {"type": "scramSha512"}}
    assert "SECRET" not in json.dumps(secure)


def test_an_address_that_names_a_secret_is_not_exported(tmp_path: Path) -> None:
    document, _ = made(tmp_path, registry="https://${USER}:${PASS}@registry.test")
    assert "schemaRegistryUrl" not in document["servers"]["bootstrap-1"]["bindings"]["kafka"]
    bindings = [
        one["bindings"]["kafka"]
        for channel in document["channels"].values()
        for one in channel["messages"].values()
    ]
    assert bindings
    assert not any("schemaIdLocation" in one for one in bindings)


def test_a_channel_is_the_topic_with_its_configs_domain_owner_and_message(tmp_path: Path) -> None:
    document, _ = made(tmp_path)
    assert document["channels"]["orders"] == {
        "address": "orders",
        "description": "What a customer bought.",
        "tags": [{"name": "shop", "description": "its name"}],
        "messages": {
            "orders-value": {
                "name": "orders-value",
                "payload": {"$ref": "#/components/schemas/orders-value"},
                "bindings": {
                    "kafka": {
                        "bindingVersion": "0.5.0",
                        "key": {"type": "integer"},
                        "schemaIdLocation": "payload",
                        "schemaIdPayloadEncoding": "4",
                        "schemaLookupStrategy": "TopicNameStrategy",
                    }
                },
                "x-schema-id": 7,
                "x-schema-version": 1,
            }
        },
        "bindings": {
            "kafka": {
                "topic": "orders",
                "bindingVersion": "0.5.0",
                "partitions": 3,
                "replicas": 2,
                "topicConfiguration": {
                    "cleanup.policy": ["compact", "delete"],
                    "retention.ms": -1,
                    "confluent.value.schema.validation": True,
                },
            }
        },
        "x-owner": "team-orders",
    }


def test_every_reference_leads_to_something_and_a_json_schema_keeps_its_meaning(tmp_path: Path) -> None:
    document, _ = made(tmp_path)
    references = []

    def collect(value: Any) -> None:
        for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            collect(inner)
        if isinstance(value, dict) and isinstance(value.get("$ref"), str):
            references.append(value["$ref"])

    collect(document)
    assert len(references) > 10
    for reference in references:
        assert resolved(document, reference) is not None
    user = document["components"]["schemas"]["users-value"]["schema"]
    assert resolved(document, user["properties"]["tree"]["$ref"]) == {
        "type": "object",
        "properties": {"next": {"$ref": "#/components/schemas/trees_v1/schema/definitions/node"}},
    }
    formats = {name: one["schemaFormat"] for name, one in document["components"]["schemas"].items()}
    assert formats == {
        "orders-key": "application/vnd.apache.avro+json;version=1.9.0",
        "orders-value": "application/vnd.apache.avro+json;version=1.9.0",
        "users-value": "application/schema+json;version=draft-07",
        "trees_v1": "application/schema+json;version=draft-07",
        "payments-value": "application/vnd.google.protobuf;version=3",
    }


def test_the_notes_say_what_is_left_out(tmp_path: Path) -> None:
    document, notes = made(tmp_path)
    [message] = document["channels"]["1e3"]["messages"].values()
    assert "payload" not in message
    assert message["description"].startswith("The schema is left out: ")
    assert message["bindings"]["kafka"]["x-key-schema"] == {"$ref": "#/components/schemas/orders-value"}
    assert len(notes) == 1
    assert notes[0].startswith("1 schema of warehouse left out, the first being broken-value: ")


def test_a_schema_with_a_missing_reference_is_left_out_with_everything_that_refers_to_it() -> None:
    def refers(subject: str, to: str, version: int = 1) -> Schema:
        reference = SchemaReference(name=f"{to}.json", subject=to, version=version)
        return a_schema(subject, definition=json.dumps({"$ref": f"{to}.json"}), references=(reference,))

    schemas = Schemas([refers("a", "b"), refers("b", "c"), refers("c", "d", version=2), a_schema("d")])
    assert set(schemas.components) == {"d"}
    assert set(schemas.left_out) == {"a", "b", "c"}
    assert (
        schemas.left_out["c"]
        == "it refers to 'd.json', which is not among the latest versions of the subjects"
    )
    anchored = Schemas([a_schema("a", definition='{"$ref": "#here"}')])
    assert "anchor" in anchored.left_out["a"]


def test_operations_are_the_current_readers_and_writers_with_their_groups(tmp_path: Path) -> None:
    document, _ = made(tmp_path)
    operations = {
        (one["action"], one["channel"]["$ref"], one["title"]): one.get("bindings", {})
        .get("kafka", {})
        .get("groupId")
        for one in document["operations"].values()
    }
    orders = "#/channels/orders"
    assert operations == {
        ("receive", orders, "application fraud receives"): {"type": "string", "enum": ["fraud"]},
        ("receive", orders, "connector lake receives"): {"type": "string", "enum": ["connect-lake"]},
        ("receive", orders, "event source mapping u-1 receives"): None,
    }


# Any text, and those that are almost words: there YAML must quote what looks like its own syntax.
_texts = st.text(max_size=8) | st.text("ayes No0-:#'?!|>*&@%{}[],. \n\t/$~_=\x85\u2028", max_size=10)
_leaves = (
    _texts | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans() | st.none()
)
_values = st.recursive(
    _leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3),
    max_leaves=12,
)


@given(_values, _texts)
def test_yaml_reads_back_as_written(value: Any, key: str) -> None:
    large = {f"{key}{number}": value if number == 7 else number for number in range(300)}
    document = {
        "channels": {"a": {key: value, "c": {}}, "1e3": [value]},
        "other": value,
        "large": {"of": large},
    }
    text = b"".join(as_yaml(document)).decode()
    assert yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)) == document
    assert json.loads(b"".join(as_json(document))) == document


class _PyYaml(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]  # one of two classes
    """With the two styles that are chosen here: of texts that readers of YAML 1.1 and 1.2 would take for two things, and of those
    of several lines."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - PyYAML names it
        return True


def _styled(dumper: _PyYaml, text: str) -> yaml.ScalarNode:
    number = text[:1] in set("0123456789.") or (text[:1] in set("-+") and text[1:2] in set("0123456789."))
    style = '"' if number or "\u2028" in text or "\u2029" in text else "|" if "\n" in text else None
    node: yaml.ScalarNode = dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)
    return node


_PyYaml.add_representer(str, _styled)


@given(_values, _texts)
def test_yaml_is_byte_for_byte_what_pyyaml_writes(value: Any, key: str) -> None:
    document = {"first": {key: value}, "list": [value, {key: value}, [value]], key: value}
    text = b"".join(as_yaml(document)).decode()
    whole = yaml.dump(document, Dumper=_PyYaml, sort_keys=False, allow_unicode=True, width=1_000_000)
    assert text == whole.removesuffix("...\n")  # which may end a document, and need not


@given(st.lists(st.text(min_size=1), unique=True))
def test_identifiers_are_allowed_and_different(names: list[str]) -> None:
    ids = Ids()
    found = [ids.of(name) for name in names]
    assert len(set(found)) == len(names)
    assert all(
        set(one) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") for one in found
    )
    assert [ids.of(name) for name in names] == found
