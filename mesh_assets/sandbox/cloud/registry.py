"""Schema Registry: a front before the sandbox's real one, whose content it gives in the published shape.

Real are subjects, versions, ids, compatibility checks and levels: those of Apicurio, in a group of their own.
The front's own are the keys; the bulk list (`/schemas`), which Apicurio answers without the subjects' names;
40408 and 40409 for a level or mode that is not the subject's own, where Apicurio answers with the inherited
one; and the default context's name.
"""

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from mesh_assets.sandbox.cloud.access import WRITABLE_SUBJECTS
from mesh_assets.sandbox.cloud.errors import error_answer
from mesh_assets.sandbox.cloud.orders import Orders
from mesh_assets.sandbox.cloud.registry_content import RegistryContent, Version, latest

# Confluent's largest page of the bulk list; a larger limit is silently cut to it.
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
        """The bulk list, by subject and version: of the latest versions when asked so, else of all."""
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
        """Only what is the subject's own, unless the global one is asked for as well."""
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
        """As Apicurio answers it, if this key may."""
        subject = request.path_params.get("subject")
        if (refused := self._refused(request, subject)) is not None:
            return refused
        if subject is not None and request.method == "GET" and self._orders.scale.subjects:
            made_up = next((v for v in self._versions() if v.subject == subject and v.number is None), None)
            if made_up is not None:
                return _json([1] if request.url.path.endswith("/versions") else self._content.schema(made_up))
        return self._native(request, body)

    def _native(self, request: Request, body: bytes) -> Response:
        # The path as it was sent: a subject may hold an encoded slash.
        path = request.scope["raw_path"].decode().removeprefix("/schema-registry")
        query = f"?{request.url.query}" if request.url.query else ""
        return _passed_on(self._content.ask(request.method, f"{path}{query}", body))

    def _versions(self) -> list[Version]:
        return self._content.versions(at_least=self._orders.scale.subjects)

    def _shown(self, versions: list[Version], request: Request) -> list[Version]:
        """Those this key is shown, of those the request asks for."""
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
        """403 for a subject this key may not read, or not write."""
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
