"""Schema Registry: a front for the sandbox's real one, whose content it shows in the published shape.

Subjects, versions, ids, compatibility checks and levels are Apicurio's, in a group of its own for this cluster. The
front itself checks keys; lists all schemas (`/schemas`), where Apicurio leaves out the subjects' names;
answers 40408 and 40409 for a level or mode that is not the subject's own, where Apicurio returns the
inherited one; names the default context; adds data contracts, which Apicurio drops, to what it lists; and
makes up subjects on request, whose names say so.
"""

import threading
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from mesh_assets.sandbox.cloud.refusals import WRITABLE_SUBJECTS, Orders, error_answer
from mesh_assets.sandbox.estate.belonging import CONTRACTS
from mesh_assets.sandbox.estate.clusters import CLUSTER_ID
from mesh_assets.sandbox.local_http import local_client
from mesh_assets.sandbox.state import REGISTRY_API

_PAGE = 1000
# Far above the ids that Apicurio assigns.
_FIRST_MADE_UP_ID = 1_000_000


@dataclass(frozen=True, slots=True)
class Version:
    """`number`: Apicurio's own id for it; None: made up."""

    subject: str
    version: int
    number: int | None


class RegistryContent:
    """Reads Apicurio by its own interface, which lists all versions with their subjects in one request.

    Safe to use from several threads.
    """

    def __init__(self, native_url: str) -> None:
        """`native_url`: without a path."""
        self._client = local_client(native_url, group=CLUSTER_ID)
        self._lock = threading.Lock()
        self._schemas: dict[Version, dict[str, Any]] = {}

    def versions(self, *, at_least: int = 0) -> list[Version]:
        """All versions, by subject and number; made-up subjects fill up to `at_least` subjects.

        Raises `httpx.HTTPError`.
        """
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
        """The version in the published form. Raises `httpx.HTTPError`."""
        if version.number is None:
            return _made_up(version.subject)
        with self._lock:
            known = self._schemas.get(version)
        if known is None:
            # A version never changes, so it is fetched once.
            path = f"{REGISTRY_API}/subjects/{quote(version.subject, safe='')}/versions/{version.version}"
            known = dict(self._client.get(path).raise_for_status().json())
            known.update(CONTRACTS.get(version.subject, {}))
            with self._lock:
                self._schemas[version] = known
        return known

    def has_own_level(self, subject: str) -> bool:
        """Whether the level is the subject's own, which Apicurio's answers in Confluent's form do not say."""
        answer = self._client.get(
            f"/apis/registry/v3/groups/{CLUSTER_ID}/artifacts/{quote(subject, safe='')}/rules"
        )
        return answer.status_code == 200 and "COMPATIBILITY" in answer.json()

    def ask(self, method: str, path: str, body: bytes) -> httpx.Response:
        """Apicurio's answer to a request in Confluent's form. Raises `httpx.HTTPError`."""
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


# Confluent's largest page of the bulk list; a larger limit is silently reduced to it.
_LARGEST_PAGE = 1000
_JSON = "application/vnd.schemaregistry.v1+json"
_NO_OWN_LEVEL = {
    "config": (40408, "Subject '{}' does not have subject-level compatibility configured"),
    "mode": (40409, "Subject '{}' does not have subject-level mode configured"),
}


class Registry:
    """The endpoints under `/schema-registry`."""

    def __init__(self, content: RegistryContent, orders: Orders) -> None:
        self._content = content
        self._orders = orders

    def schemas(self, request: Request, body: bytes) -> Response:  # noqa: ARG002 - the form of an endpoint
        """The bulk list, by subject and version: all versions, or only the latest ones."""
        parameters = request.query_params
        try:
            offset, limit = int(parameters.get("offset", 0)), int(parameters.get("limit", -1))
        except ValueError:
            return error_answer("registry", 422, "offset and limit must be numbers", code=42212)
        size = min(limit, _LARGEST_PAGE) if limit >= 0 else _LARGEST_PAGE
        shown = self._shown(self._versions(), request)
        wanted = latest(shown) if parameters.get("latestOnly") == "true" else shown
        return _json([self._content.schema(version) for version in wanted[offset : offset + size]])

    def subjects(self, request: Request, body: bytes) -> Response:
        if request.query_params.get("deleted") == "true":
            return self.forward(request, body)
        return _json(
            list(dict.fromkeys(version.subject for version in self._shown(self._versions(), request)))
        )

    def contexts(self, request: Request, body: bytes) -> Response:  # noqa: ARG002
        return _json(["."])

    def compatibility(self, request: Request, body: bytes) -> Response:
        return self._level("config", request, body)

    def mode(self, request: Request, body: bytes) -> Response:
        return self._level("mode", request, body)

    def _level(self, what: str, request: Request, body: bytes) -> Response:
        """The subject's own level or mode; the global one only if the request also asks for that."""
        subject = str(request.path_params["subject"])
        if request.method != "GET":
            return self.forward(request, body)
        if (refused := self._refused(request, subject)) is not None:
            return refused
        if what == "config" and self._content.has_own_level(subject):
            return self._native(request, body)
        if request.query_params.get("defaultToGlobal") == "true":
            return _passed_on(self._content.ask("GET", f"/{what}", b""))
        code, sentence = _NO_OWN_LEVEL[what]
        return error_answer("registry", 404, sentence.format(subject), code=code)

    def forward(self, request: Request, body: bytes) -> Response:
        """Apicurio's answer, if the key has the right."""
        subject = request.path_params.get("subject")
        if (refused := self._refused(request, subject)) is not None:
            return refused
        if subject is not None and request.method == "GET" and self._orders.scale.subjects:
            made_up = next((v for v in self._versions() if v.subject == subject and v.number is None), None)
            if made_up is not None:
                return _json([1] if request.url.path.endswith("/versions") else self._content.schema(made_up))
        return self._native(request, body)

    def _native(self, request: Request, body: bytes) -> Response:
        # The path as sent: a subject may contain an encoded slash.
        path = request.scope["raw_path"].decode().removeprefix("/schema-registry")
        query = f"?{request.url.query}" if request.url.query else ""
        return _passed_on(self._content.ask(request.method, f"{path}{query}", body))

    def _versions(self) -> list[Version]:
        return self._content.versions(at_least=self._orders.scale.subjects)

    def _shown(self, versions: list[Version], request: Request) -> list[Version]:
        """Those that the request asks for and this key may see."""
        prefix = request.query_params.get("subjectPrefix", "").removeprefix(":*:").removeprefix(":.:")
        visible = self._visible(versions)
        return [
            v for v in versions if v.subject.startswith(prefix) and (visible is None or v.subject in visible)
        ]

    def _visible(self, versions: list[Version]) -> set[str] | None:
        """None: all."""
        shown = self._orders.shown("subjects")
        return (
            None
            if shown is None
            else set(list(dict.fromkeys(version.subject for version in versions))[:shown])
        )

    def _refused(self, request: Request, subject: str | None) -> Response | None:
        """403 for a subject that this key may not read or write."""
        writes = request.method in ("PUT", "DELETE") or (
            request.method == "POST" and request.url.path.endswith("/versions")
        )
        if writes and subject not in WRITABLE_SUBJECTS:
            return error_answer("registry", 403, f"User is denied operation Write on Subject: {subject}")
        if subject is not None and self._orders.shown("subjects") is not None:
            versions = self._versions()
            if subject not in (self._visible(versions) or ()) and any(
                version.subject == subject for version in versions
            ):
                return error_answer("registry", 403, f"User is denied operation Read on Subject: {subject}")
        return None


def _passed_on(answer: httpx.Response) -> Response:
    return Response(answer.content, status_code=answer.status_code, media_type=_JSON)


def _json(content: object) -> JSONResponse:
    return JSONResponse(content, media_type=_JSON)
