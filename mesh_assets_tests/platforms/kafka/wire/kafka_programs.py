"""Programs of Kafka's own for the tests: what its AdminClient tells of a cluster, groups of every kind that live, and
brokers of older versions.

    python -m mesh_assets_tests.platforms.kafka.wire.kafka_programs pin

rewrites the list of what they take from Maven Central, with the SHA-256 of each file. Read the diff before committing it.
"""

import hashlib
import json
import logging
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from mesh_assets.sandbox import pin
from mesh_assets.sandbox.artifacts import (
    Artifact,
    download,
    ensure_artifacts,
    machine_cache,
    maven_context,
)
from mesh_assets.sandbox.java import LOG4J, JavaRuntime, class_path_of, java_runtime
from mesh_assets.sandbox.progress import silent

_HERE = Path(__file__).parent / "java"
_LIST = _HERE / "artifacts.json"
_SOURCES = ("Reading.java", "Kinds.java", "Storage.java", "Living.java", "Access.java")

ECJ = "3.43.0"  # the sandbox's JVM has no compiler
OLD = ("2.8.2", "3.9.1")
_SECONDS = 180


@cache
def _runtime() -> JavaRuntime:
    return java_runtime(silent())


@cache
def _pins() -> tuple[Artifact, ...]:
    """Fetched the first time, by a process of its own: tests have no network, and jgo leaves sockets open."""
    if not all(one.path(machine_cache()).exists() for one in _listed()):
        _said([sys.executable, "-m", __name__, "fetch"])
    return _listed()


def _listed() -> tuple[Artifact, ...]:
    return tuple(Artifact(**entry) for entry in json.loads(_LIST.read_text()))


def _fetched(part: str) -> tuple[Path, ...]:
    return tuple(one.path(machine_cache()) for one in _pins() if one.part == part)


def class_path_of_broker(version: str) -> str:
    """Of one of the OLD brokers, with the binding of today's: without it, their log goes nowhere."""
    log4j = [jar for jar in _runtime().kafka_jars if jar.name.startswith("log4j-")]
    return class_path_of([*_fetched(f"kafka-{version}"), *log4j])


@cache
def _programs() -> str:
    """The class path of both programs, which are compiled once for this machine."""
    libraries = [*_runtime().kafka_jars, *_fetched("streams")]
    sources = [_HERE / name for name in _SOURCES]
    mark = hashlib.sha256(b"\0".join([*(one.read_bytes() for one in sources), _LIST.read_bytes()]))
    classes = machine_cache() / "compiled" / mark.hexdigest()[:16]
    if not classes.is_dir():
        classes.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="incoming-", dir=classes.parent) as incoming:
            [compiler] = _fetched("ecj")
            arguments = [
                "-source",
                "17",
                "-target",
                "17",
                "-proc:none",
                "-nowarn",
                "-d",
                f"{incoming}/classes",
            ]
            paths = ["-cp", class_path_of(libraries), *map(str, sources)]
            _said(_runtime().command("-jar", str(compiler), *arguments, *paths))
            # Where log4j looks by itself.
            Path(incoming, "classes", "log4j2.properties").write_text(
                LOG4J.format(target="SYSTEM_ERR", level="warn")
            )
            try:
                Path(incoming, "classes").rename(classes)
            except OSError:  # another worker was faster
                if not classes.is_dir():
                    raise
    return class_path_of(
        [*libraries, classes]
    )  # an archive of classes holds for what its class path begins with


def _command(program: str, *arguments: str) -> list[str]:
    archive = _runtime().archive_of("broker")
    # The JVM's own warnings would stand among what the program says.
    log = ("-Xlog:disable", "-Xlog:all=warning:stderr", *(archive.use() if archive else ()))
    return _runtime().command(*log, "-cp", _programs(), program, *arguments, heap_megabytes=256)


def _said(command: list[str], given: str = "") -> str:
    done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=_SECONDS, check=False)
    assert done.returncode == 0, done.stderr[-3_000:] or done.stdout[-3_000:]
    return done.stdout


def told_by_java(properties: Mapping[str, str], program: str = "Reading") -> dict[str, Any]:
    """What Kafka's AdminClient tells of the cluster; `Access`: of brokers and access. `properties`: Java's."""
    told: dict[str, Any] = json.loads(_said(_command(program), _lines(properties)))
    return told


def living_groups(properties: Mapping[str, str], mark: str) -> AbstractContextManager[None]:
    """Inside, groups of all kinds live and stand still, and transactions are open; all named after `mark`."""
    return _running("Living", properties, mark)


def granted_access(properties: Mapping[str, str], mark: str) -> AbstractContextManager[None]:
    """Inside, there are ACLs (where there is an authorizer), a quota, a SCRAM user and a config of the cluster."""
    return _running("Access", properties, mark)


@contextmanager
def _running(program: str, properties: Mapping[str, str], mark: str) -> Iterator[None]:
    with (
        tempfile.TemporaryFile("w+") as log,
        subprocess.Popen(
            _command(program, mark), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None

        def end() -> str:
            log.seek(0)
            return f"{process.wait(_SECONDS)}: {log.read()[-3_000:]}"

        try:
            process.stdin.write(_lines(properties))
            process.stdin.flush()
            ready = process.stdout.readline()  # it gives up by itself
            assert ready == "ready\n", end()
            yield
            process.stdin.close()
            assert process.wait(_SECONDS) == 0, end()
        finally:
            process.kill()


def _lines(properties: Mapping[str, str]) -> str:
    return "".join(f"{name}={value}\n" for name, value in properties.items()) + "\n"


# --- brokers of older versions

_PROPERTIES = """\
process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
controller.quorum.voters=1@127.0.0.1:{controller}
log.dirs={data}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=3
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
log.cleaner.dedupe.buffer.size=8388608
"""


@contextmanager
def old_broker(version: str, folder: Path, *, port: int, controller: int, cluster_id: str) -> Iterator[str]:
    """One node of KRaft: 2.8 had it first, and it saves a ZooKeeper. Its address; it may not answer yet."""
    log4j, properties = folder / "log4j2.properties", folder / "server.properties"
    log4j.write_text(LOG4J.format(target="SYSTEM_OUT", level="info"))
    properties.write_text(_PROPERTIES.format(port=port, controller=controller, data=folder / "data"))
    java = ("-cp", class_path_of_broker(version), f"-Dlog4j2.configurationFile={log4j}")
    tool = ("kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", str(properties))
    _said(_runtime().command(*java, *tool))
    with (
        (folder / "server.log").open("w") as log,
        subprocess.Popen(
            _runtime().command(*java, "kafka.Kafka", str(properties)), stdout=log, stderr=subprocess.STDOUT
        ) as process,
    ):
        try:
            yield f"127.0.0.1:{port}"
            assert process.poll() is None, (folder / "server.log").read_text()[-3_000:]
        finally:
            process.kill()  # what it kept is thrown away


# --- the list


def _pinned(work: Path) -> list[Artifact]:
    context = maven_context(work)

    def alone(part: str, group: str, name: str, version: str) -> Artifact:
        return pin._pin(context.project(group, name).at_version(version).artifact(), part)

    pinned = [
        alone("ecj", "org.eclipse.jdt", "ecj", ECJ),
        # Without RocksDB, which is only for topologies with a state.
        alone("streams", "org.apache.kafka", "kafka-streams", pin.KAFKA),
    ]
    for version in OLD:
        wanted = context.create_dependency(f"org.apache.kafka:kafka_2.13:{version}")
        roots, needed = maven_context(work / version).resolver.resolve([wanted])
        found = {
            d.artifact.key: d.artifact for d in (*roots, *needed) if d.scope != "test" and not d.optional
        }
        pinned += [pin._pin(artifact, f"kafka-{version}") for artifact in found.values()]
    return sorted(pinned, key=lambda one: (one.part, one.group, one.name))


def main() -> None:
    if sys.argv[1:] == ["fetch"]:
        java_runtime(silent())
        ensure_artifacts(_listed(), cache=machine_cache(), download=download, progress=silent())
        return
    if sys.argv[1:] != ["pin"]:
        raise SystemExit(f"expected fetch or pin, not {' '.join(sys.argv[1:]) or 'nothing'}")
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    with tempfile.TemporaryDirectory() as work:
        pinned = _pinned(Path(work))
    _LIST.write_text("[\n" + ",\n".join(f"  {json.dumps(asdict(one))}" for one in pinned) + "\n]\n")


if __name__ == "__main__":
    main()
