"""The schema registry, Apicurio, which offers Confluent's API under /apis/ccompat/v7; and the subjects registered there."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import httpx

from mesh_assets.sandbox.estate.clusters import CLUSTER_ID
from mesh_assets.sandbox.estate.subjects import Subject, all_subjects, cloud_subjects
from mesh_assets.sandbox.java import REGISTRY_JAR, JavaRuntime
from mesh_assets.sandbox.local_http import http_answers, local_client, send
from mesh_assets.sandbox.progress import Progress
from mesh_assets.sandbox.server import Launch, Server, Setting
from mesh_assets.sandbox.state import LOOPBACK

# For each of the two clusters.
_IN_FLIGHT = 4
_GLOBAL_LEVEL = "BACKWARD"


def seed_subjects(registry_url: str, progress: Progress) -> None:
    """Register the missing schemas of both clusters, at the same time.

    Each cluster has its own group in the one registry and does not see the other's subjects. Raises
    `SandboxError` when the registry refuses one.
    """
    with ThreadPoolExecutor(2, thread_name_prefix="registering") as pool:
        asked = [
            pool.submit(_seed, registry_url, all_subjects(), progress),
            pool.submit(_seed, registry_url, cloud_subjects(), progress, group=CLUSTER_ID),
        ]
        for one in asked:
            one.result()


def _seed(
    registry_url: str, subjects: Sequence[Subject], progress: Progress, *, group: str | None = None
) -> None:
    with (
        local_client(registry_url, group=group) as client,
        ThreadPoolExecutor(_IN_FLIGHT, thread_name_prefix="subjects") as pool,
    ):
        known = set(send(client, "GET", "/subjects").json())
        missing = [s for s in subjects if s.name not in known]
        if missing:
            progress.say(f"registering {len(missing)} schema subjects{f' of {group}' if group else ''}")
        # A schema can only be registered after those it refers to.
        for wave in ([s for s in subjects if not s.references], [s for s in subjects if s.references]):
            asked = [pool.submit(_register, client, s, known=s.name in known) for s in wave]
            for one in asked:
                one.result()


def _register(client: httpx.Client, subject: Subject, *, known: bool) -> None:
    """Register the missing versions: all of them, without asking first, if the subject is not `known`."""
    answer = send(client, "GET", f"/subjects/{subject.name}/versions") if known else None
    there = len(answer.json()) if answer is not None and answer.status_code == 200 else 0
    references = [
        {"name": file, "subject": referred, "version": 1} for referred, file in subject.references.items()
    ]
    for text in subject.versions[there:]:
        body = {"schemaType": subject.schema_type, "schema": text, "references": references}
        send(client, "POST", f"/subjects/{subject.name}/versions", body)
    if subject.compatibility and not (known and _has_own_level(client, subject)):
        send(client, "PUT", f"/config/{subject.name}", {"compatibility": subject.compatibility})


def _has_own_level(client: httpx.Client, subject: Subject) -> bool:
    """Whether it has; for a subject without, this registry returns the global level."""
    answer = send(client, "GET", f"/config/{subject.name}").json()
    return bool(answer.get("compatibilityLevel") != _GLOBAL_LEVEL)


def _launch(setting: Setting, java: JavaRuntime) -> Launch:
    ports = setting.state.ports
    database = setting.folder.data / "registry" / "h2"
    properties = {
        "quarkus.http.host": LOOPBACK,
        "quarkus.http.port": ports["registry"].number,
        "quarkus.management.host": LOOPBACK,
        "quarkus.management.port": ports["registry-management"].number,
        "quarkus.http.access-log.enabled": "false",
        # Without these, /subjects silently stops at 1,000 and nothing is checked for compatibility.
        "apicurio.ccompat.max-subjects": 1_000_000,
        "apicurio.rules.global.compatibility": "BACKWARD",
        # In a file, so that ids and content survive a restart; with each write going to it at once, they survive a kill.
        "apicurio.storage.kind": "sql",
        "apicurio.storage.sql.kind": "h2",
        "apicurio.datasource.url": f"jdbc:h2:file:{database};WRITE_DELAY=0",
        "apicurio.datasource.jdbc.initial-size": 2,
        "apicurio.datasource.jdbc.min-size": 2,
        "apicurio.datasource.jdbc.max-size": 20,
    }
    arguments = [f"-D{name}={value}" for name, value in properties.items()]
    return Launch(command=tuple(java.command(*arguments, "-jar", str(java.registry_home / REGISTRY_JAR))))


REGISTRY = Server(
    name="registry",
    title="Apicurio Registry",
    ports=("registry", "registry-management"),
    launch=_launch,
    answers=lambda setting: http_answers(f"{setting.state.registry_url}/subjects", seconds=5),
    endpoint=lambda state: state.registry_url,
    seed=lambda setting, progress: seed_subjects(setting.state.registry_url, progress),
)
