"""What is in the registry behind the front: Apicurio's group of this cluster, and on request made-up subjects
that say so."""

import threading
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx

from mesh_assets.sandbox.estate.cloud import CLUSTER_ID
from mesh_assets.sandbox.seeding.http import local_client
from mesh_assets.sandbox.state import REGISTRY_API

_PAGE = 1000
# Ids far above those Apicurio gives.
_FIRST_MADE_UP_ID = 1_000_000


@dataclass(frozen=True, slots=True)
class Version:
    """`number`: Apicurio's own id of it, given once; None: made up."""

    subject: str
    version: int
    number: int | None


class RegistryContent:
    """Reads Apicurio by its own interface, which names subjects and lists all versions in one request. Safe
    to use from many threads."""

    def __init__(self, native_url: str) -> None:
        """`native_url`: without a path."""
        self._client = local_client(native_url, group=CLUSTER_ID)
        self._lock = threading.Lock()
        self._schemas: dict[Version, dict[str, Any]] = {}

    def versions(self, *, at_least: int = 0) -> list[Version]:
        """By subject and version; with made-up subjects until there are `at_least` subjects. Raises
        httpx.HTTPError."""
        found: list[Version] = []
        seen = 0
        while True:
            parameters: dict[str, str | int] = {"groupId": CLUSTER_ID, "limit": _PAGE, "offset": seen}
            answer = (
                self._client.get("/apis/registry/v3/search/versions", params=parameters)
                .raise_for_status()
                .json()
            )
            seen += len(answer["versions"])
            found += [
                Version(v["artifactId"], int(v["version"]), int(v["globalId"]))
                for v in answer["versions"]
                if v["state"] == "ENABLED"
            ]
            if seen >= answer["count"] or not answer["versions"]:
                break
        missing = at_least - len({version.subject for version in found})
        found += [Version(f"synthetic.topic-{number:05d}-value", 1, None) for number in range(missing)]
        return sorted(found, key=lambda version: (version.subject, version.version))

    def schema(self, version: Version) -> dict[str, Any]:
        """In the published form. Raises httpx.HTTPError."""
        if version.number is None:
            return _made_up(version.subject)
        with self._lock:
            known = self._schemas.get(version)
        if known is None:
            # What a version is never changes, so it is asked for once.
            path = f"{REGISTRY_API}/subjects/{quote(version.subject, safe='')}/versions/{version.version}"
            known = dict(self._client.get(path).raise_for_status().json())
            with self._lock:
                self._schemas[version] = known
        return known

    def has_own_level(self, subject: str) -> bool:
        """Whether the compatibility level is the subject's own, which Apicurio's answers in Confluent's form
        do not tell."""
        answer = self._client.get(
            f"/apis/registry/v3/groups/{CLUSTER_ID}/artifacts/{quote(subject, safe='')}/rules"
        )
        return answer.status_code == 200 and "COMPATIBILITY" in answer.json()

    def ask(self, method: str, path: str, body: bytes) -> httpx.Response:
        """Apicurio's answer to a request in Confluent's form. Raises httpx.HTTPError."""
        return self._client.request(
            method, f"{REGISTRY_API}{path}", content=body, headers={"Content-Type": "application/json"}
        )


def latest(versions: list[Version]) -> list[Version]:
    """The newest version of each subject."""
    return list({version.subject: version for version in versions}.values())


def _made_up(subject: str) -> dict[str, Any]:
    number = int(subject.removeprefix("synthetic.topic-").removesuffix("-value"))
    schema = f'{{"type":"record","name":"Synthetic{number}","doc":"made up by a stand-in","fields":[{{"name":"id","type":"string"}}]}}'
    return {"subject": subject, "version": 1, "id": _FIRST_MADE_UP_ID + number, "schema": schema}
