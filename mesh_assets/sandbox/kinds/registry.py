"""The schema registry, Apicurio, which speaks Confluent's API under /apis/ccompat/v7, and the subjects registered there."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import httpx

from mesh_assets.sandbox.estate.clusters import CLUSTER_ID
from mesh_assets.sandbox.estate.subjects import Subject, all_subjects, cloud_subjects
from mesh_assets.sandbox.java import JavaRuntime
from mesh_assets.sandbox.local_http import http_answers, local_client, send
from mesh_assets.sandbox.progress import Progress
from mesh_assets.sandbox.server import Launch, Server, Setting
from mesh_assets.sandbox.state import LOOPBACK

# Registers the schemas that are missing, those that others refer to first.

_IN_FLIGHT = 4
_GLOBAL_LEVEL = "BACKWARD"


def seed_subjects(registry_url: str, progress: Progress) -> None:
    """Both clusters' subjects, each in a space of its own of the one registry: neither cluster sees the
    other's."""
    _seed(registry_url, all_subjects(), progress)
    _seed(registry_url, cloud_subjects(), progress, group=CLUSTER_ID)


def _seed(
    registry_url: str, subjects: Sequence[Subject], progress: Progress, *, group: str | None = None
) -> None:
    with (
        local_client(registry_url, group=group) as client,
        ThreadPoolExecutor(_IN_FLIGHT, thread_name_prefix="subjects") as pool,
    ):
        missing = {s.name for s in subjects} - set(send(client, "GET", "/subjects").json())
        if missing:
            progress.say(f"registering {len(missing)} schema subjects{f' of {group}' if group else ''}")

        for wave in ([s for s in subjects if not s.references], [s for s in subjects if s.references]):
            for done in [pool.submit(_register, client, subject) for subject in wave]:
                done.result()


def _register(client: httpx.Client, subject: Subject) -> None:
    answer = send(client, "GET", f"/subjects/{subject.name}/versions")
    there = len(answer.json()) if answer.status_code == 200 else 0
    references = [
        {"name": file, "subject": referred, "version": 1} for referred, file in subject.references.items()
    ]
    for number, text in enumerate(subject.versions, start=1):
        if number > there:
            body = {"schemaType": subject.schema_type, "schema": text, "references": references}
            send(client, "POST", f"/subjects/{subject.name}/versions", body)
    # This registry answers the global level where a subject has none of its own.
    if (
        subject.compatibility
        and send(client, "GET", f"/config/{subject.name}").json().get("compatibilityLevel") == _GLOBAL_LEVEL
    ):
        send(client, "PUT", f"/config/{subject.name}", {"compatibility": subject.compatibility})


# The schema registry: Apicurio, which speaks Confluent's API under /apis/ccompat/v7.


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
