"""The schema registry: Apicurio, which speaks Confluent's API under /apis/ccompat/v7."""

from mesh_assets.sandbox.http_probe import http_answers
from mesh_assets.sandbox.java import JavaRuntime
from mesh_assets.sandbox.ports import LOOPBACK
from mesh_assets.sandbox.seeding.subjects import seed_subjects
from mesh_assets.sandbox.server import Launch, Server, Setting


def _launch(setting: Setting, java: JavaRuntime) -> Launch:
    ports = setting.state.ports
    database = setting.folder.data / "registry" / "h2"
    properties = {
        "quarkus.http.host": LOOPBACK,
        "quarkus.http.port": ports["registry"].number,
        "quarkus.management.host": LOOPBACK,
        "quarkus.management.port": ports["registry-management"].number,
        "quarkus.http.access-log.enabled": "false",
        # Without these /subjects silently stops at 1,000 and nothing is checked for compatibility.
        "apicurio.ccompat.max-subjects": 1_000_000,
        "apicurio.rules.global.compatibility": "BACKWARD",
        # A file, so that ids and content are the same after a restart; each write reaches it at once, so that
        # a kill loses none.
        "apicurio.storage.kind": "sql",
        "apicurio.storage.sql.kind": "h2",
        "apicurio.datasource.url": f"jdbc:h2:file:{database};WRITE_DELAY=0",
        "apicurio.datasource.jdbc.initial-size": 2,
        "apicurio.datasource.jdbc.min-size": 2,
        "apicurio.datasource.jdbc.max-size": 20,
    }
    arguments = [f"-D{name}={value}" for name, value in properties.items()]
    return Launch(
        command=tuple(java.command(*arguments, "-jar", str(java.registry_home / "quarkus-run.jar")))
    )


REGISTRY = Server(
    name="registry",
    title="Apicurio Registry",
    ports=("registry", "registry-management"),
    launch=_launch,
    answers=lambda setting: http_answers(f"{setting.state.registry_url}/subjects", seconds=5),
    endpoint=lambda state: state.registry_url,
    seed=lambda setting, progress: seed_subjects(setting.state.registry_url, progress),
)
