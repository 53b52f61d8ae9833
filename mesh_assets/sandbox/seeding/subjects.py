"""Registers the schemas that are missing, those that others refer to first."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import httpx

from mesh_assets.sandbox.estate.cloud import CLUSTER_ID
from mesh_assets.sandbox.estate.cloud_schemas import cloud_subjects
from mesh_assets.sandbox.estate.subjects import Subject, all_subjects
from mesh_assets.sandbox.progress import Progress
from mesh_assets.sandbox.seeding.http import local_client, send

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
