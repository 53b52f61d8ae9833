"""Kafka's own programs for the tests: a client that prints what its AdminClient reads and keeps groups of every kind alive, and
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
from contextlib import contextmanager
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import IO, Any

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
_SOURCES = tuple(
    f"{name}.java"
    for name in ("Program", "Reading", "Kinds", "Storage", "Transactions", "Access", "Living", "Crowd")
)

ECJ = "3.43.0"  # the sandbox's JVM has no compiler
EARLY = "2.8.2"
"""KRaft's first version: it has neither transactions nor ACLs nor SCRAM users, and answers requests about access with a
meaningless error. How brokers of that age behave with ZooKeeper is not tested here."""
OLD = (EARLY, "3.9.1")
_SECONDS = 180


@cache
def _runtime() -> JavaRuntime:
    return java_runtime(silent())


@cache
def _pins() -> tuple[Artifact, ...]:
    """Fetched the first time, in its own process: tests have no network, and jgo leaves sockets open."""
    if not all(one.path(machine_cache()).exists() for one in _listed()):
        _said([sys.executable, "-m", __name__, "fetch"])
    return _listed()


def _listed() -> tuple[Artifact, ...]:
    return tuple(Artifact(**entry) for entry in json.loads(_LIST.read_text()))


def _fetched(part: str) -> tuple[Path, ...]:
    return tuple(one.path(machine_cache()) for one in _pins() if one.part == part)


def class_path_of_broker(version: str) -> str:
    """Of one of the OLD brokers, with today's logging binding: without it, there is no log."""
    log4j = [jar for jar in _runtime().kafka_jars if jar.name.startswith("log4j-")]
    return class_path_of([*_fetched(f"kafka-{version}"), *log4j])


@cache
def _programs() -> str:
    """The class path of the program, which is compiled once for this machine."""
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
            # Where log4j looks by default.
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
    )  # a class archive is valid for class paths with the same beginning


def _command() -> list[str]:
    archive = _runtime().archive_of("broker")
    # The JVM's own warnings would mix with the program's output.
    log = ("-Xlog:disable", "-Xlog:all=warning:stderr", *(archive.use() if archive else ()))
    return _runtime().command(*log, "-cp", _programs(), "Program", heap_megabytes=384)


def _said(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
    assert done.returncode == 0, done.stderr[-3_000:] or done.stdout[-3_000:]
    return done.stdout


class KafkasOwnClient:
    """A running `Program.java`. Each call fails with its last output when the program gives up, as it does after a while."""

    def __init__(self, process: subprocess.Popen[str], log: IO[str]) -> None:
        self._process = process
        self._log = log

    def read(self, *, everything: bool = True) -> dict[str, Any]:
        """What Kafka's AdminClient reads from the cluster; `everything`: also transactions, brokers and access."""
        told: dict[str, Any] = self._asked("read" if everything else "topics-and-groups")
        return told

    def live(self, mark: str) -> None:
        """From here on, groups of all kinds are alive and idle, and transactions are open; all named after `mark`."""
        self._make(f"live {mark}")

    def grant(self, mark: str) -> None:
        """From here on, there are ACLs (where there is an authorizer), quotas, a SCRAM user and a config of the cluster."""
        self._make(f"grant {mark}")

    def crowd(self, mark: str, number: int) -> None:
        """From here on, there are as many topics, of many kinds."""
        self._make(f"crowd {mark} {number}")

    def _make(self, wish: str) -> None:
        assert (answer := self._asked(wish)) == "ready", answer

    def _asked(self, wish: str) -> Any:
        self.say(wish + "\n")
        assert self._process.stdout is not None
        answer = self._process.stdout.readline()
        assert answer, self.end()
        return json.loads(answer)

    def say(self, text: str) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(text)
            self._process.stdin.flush()
        except BrokenPipeError:
            raise AssertionError(self.end()) from None

    def end(self) -> str:
        code = self._process.wait(_SECONDS)
        self._log.seek(0)
        return f"{code}: {self._log.read()[-3_000:]}"


@contextmanager
def kafkas_own_client(properties: Mapping[str, str]) -> Iterator[KafkasOwnClient]:
    """`properties`: Java's. Its resources are gone at the end."""
    with (
        tempfile.TemporaryFile("w+") as log,
        subprocess.Popen(
            _command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
        ) as process,
    ):
        client = KafkasOwnClient(process, log)
        try:
            client.say("".join(f"{name}={value}\n" for name, value in properties.items()) + "\n")
            yield client
            assert process.stdin is not None
            process.stdin.close()
            assert process.wait(_SECONDS) == 0, client.end()
        finally:
            process.kill()


# --- brokers of older versions

# KRaft had no authorizer before 3.2.
_OWN = {
    "3.9.1": "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer\nsuper.users=User:ANONYMOUS\n"
}
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
transaction.state.log.num.partitions=2
auto.create.topics.enable=false
{own}group.initial.rebalance.delay.ms=0
log.cleaner.dedupe.buffer.size=8388608
"""


@contextmanager
def old_broker(version: str, folder: Path, *, port: int, controller: int, cluster_id: str) -> Iterator[str]:
    """One KRaft node, which 2.8 introduced: no ZooKeeper needed. Yields its address; it may not answer yet."""
    log4j, properties = folder / "log4j2.properties", folder / "server.properties"
    log4j.write_text(LOG4J.format(target="SYSTEM_OUT", level="info"))
    properties.write_text(
        _PROPERTIES.format(port=port, controller=controller, data=folder / "data", own=_OWN.get(version, ""))
    )
    java = ("-cp", class_path_of_broker(version), f"-Dlog4j2.configurationFile={log4j}")
    if version == EARLY:  # it needs no more, and the tool takes 3 CPU seconds
        (folder / "data").mkdir()
        (folder / "data/meta.properties").write_text(f"version=1\ncluster.id={cluster_id}\nnode.id=1\n")
    else:
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
            process.kill()  # its data is discarded


# --- the list


def _pinned(work: Path) -> list[Artifact]:
    context = maven_context(work)

    def alone(part: str, group: str, name: str, version: str) -> Artifact:
        return pin._pin(context.project(group, name).at_version(version).artifact(), part)

    pinned = [
        alone("ecj", "org.eclipse.jdt", "ecj", ECJ),
        # Without RocksDB, which only stateful topologies need.
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
