"""For maintainers: rewrites `artifacts.json`. Change a version here, then run `python -m mesh_assets.sandbox.pin`.

It resolves the roots with their dependencies, fetches every file and notes its SHA-256. Every later start trusts what it
writes, so read the diff before committing it: only the files of changed versions may differ.
"""

import json
import logging
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mesh_assets.sandbox.artifacts import Artifact, maven_context, sha256_of

_log = logging.getLogger(__name__)

KAFKA = "4.3.1"
APICURIO = "3.3.3"
# Kafka's own distribution adds log4j at build time. Its published dependencies lack the binding, without which nothing is
# logged.
LOG4J = "2.25.4"

_CLASS_PATH = (
    f"org.apache.kafka:kafka_2.13:{KAFKA}",
    f"org.apache.kafka:connect-runtime:{KAFKA}",
    f"org.apache.kafka:kafka-tools:{KAFKA}",
)


def pin_artifacts(work: Path) -> list[Artifact]:
    """The list for the versions above, from files fetched into `work`."""
    context = maven_context(work)
    given = [context.create_dependency(c) for c in _CLASS_PATH]
    roots, needed = context.resolver.resolve(given)
    class_path = {
        d.artifact.key: d.artifact for d in (*roots, *needed) if d.scope != "test" and not d.optional
    }
    # Separately: resolved together with Kafka, log4j's parent would impose the versions of everything it tests with,
    # Kafka's among them.
    binding = context.project("org.apache.logging.log4j", "log4j-slf4j-impl").at_version(LOG4J).artifact()
    plugin = context.project("org.apache.kafka", "connect-file").at_version(KAFKA).artifact()
    registry = (
        context.project("io.apicurio", "apicurio-registry-app").at_version(APICURIO).artifact("all", "tar.gz")
    )
    pinned = [_pin(a, "kafka") for a in (*class_path.values(), binding)]
    pinned += [_pin(plugin, "connect-file"), _pin(registry, "apicurio")]
    return sorted(pinned, key=lambda a: (a.part, a.group, a.name))


def _pin(artifact: Any, part: str) -> Artifact:
    path = Path(artifact.resolve())
    _log.info("%s", path.name)
    return Artifact(
        group=artifact.groupId,
        name=artifact.artifactId,
        version=artifact.version,
        packaging=artifact.packaging,
        classifier=artifact.classifier,
        part=part,
        sha256=sha256_of(path),
        size_bytes=path.stat().st_size,
    )


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    with tempfile.TemporaryDirectory() as work:
        pinned = pin_artifacts(Path(work))
    target = Path(__file__).with_name("artifacts.json")
    target.write_text("[\n" + ",\n".join(f"  {json.dumps(asdict(a))}" for a in pinned) + "\n]\n")
    _log.info("%d artifacts written to %s", len(pinned), target)


if __name__ == "__main__":
    main()
