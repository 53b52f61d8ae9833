"""The HTTP application: it answers its own requests and passes everything else on to ministack unchanged."""

import http.client
import json
import logging
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from mesh_assets.sandbox.kafka_mappings.msk import MskService
from mesh_assets.sandbox.kafka_mappings.refusals import FaultBoard, RefusedRequest
from mesh_assets.sandbox.kafka_mappings.roles import RoleService, error_xml, signed_by
from mesh_assets.sandbox.kafka_mappings.service import MappingService

_log = logging.getLogger(__name__)
MAPPINGS = "/2015-03-31/event-source-mappings"
_VERBS = {
    ("POST", False): "CreateEventSourceMapping",
    ("GET", False): "ListEventSourceMappings",
    ("GET", True): "GetEventSourceMapping",
    ("PUT", True): "UpdateEventSourceMapping",
    ("DELETE", True): "DeleteEventSourceMapping",
}
# They belong to one connection and are not passed on (RFC 9110, 7.6.1); the length is recomputed.
_OF_THE_CONNECTION = {
    "connection",
    "keep-alive",
    "transfer-encoding",
    "te",
    "trailer",
    "upgrade",
    "proxy-connection",
    "content-length",
}


class StandIn(ThreadingHTTPServer):
    """The server. `behind`: ministack's host and port."""

    daemon_threads = True

    def __init__(
        self,
        address: tuple[str, int],
        *,
        behind: str,
        mappings: MappingService,
        msk: MskService,
        roles: RoleService,
        faults: FaultBoard,
    ) -> None:
        super().__init__(address, _Handler)
        self.behind = behind
        self.mappings = mappings
        self.msk = msk
        self.roles = roles
        self.faults = faults


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: StandIn

    def _any(self) -> None:
        body = self._body()
        account, service = signed_by(self.headers.get("Authorization", ""))
        try:
            self._answer(account, service, body)
        except RefusedRequest as refused:
            self._refuse(refused)
        except (OSError, http.client.HTTPException) as error:
            self._refuse(
                RefusedRequest(
                    503,
                    "ServiceUnavailable",
                    f"the stand-in for AWS behind this one does not answer: {error}",
                )
            )
        except (ClientError, BotoCoreError) as error:
            _log.exception("%s %s", self.command, self.path)
            self._refuse(
                RefusedRequest(
                    500, "ServiceException", f"the stand-in for AWS behind this one refused: {error}"
                )
            )

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = do_OPTIONS = _any  # noqa: N815 - the base class's names

    def _answer(self, account: str, service: str, body: bytes) -> None:
        url = urlsplit(self.path)
        query = dict(parse_qsl(url.query))
        path = url.path.rstrip("/")
        if path == "/_standin":
            self._json(200, self._faults(body))
        elif path == MAPPINGS or path.startswith(MAPPINGS + "/"):
            self._mapping(account, unquote(path[len(MAPPINGS) :].lstrip("/")), query, _json_of(body))
        elif service == "kafka":
            self._deny(f"kafka:{self.command}")
            told = self.server.msk.answer(account, self.command, path, _json_of(body), query)
            if told is None:
                raise RefusedRequest(
                    404, "NotFoundException", f"this stand-in for MSK has no {self.command} {path}"
                )
            self._json(200, told)
        elif service == "iam":
            form = dict(parse_qsl(body.decode(), keep_blank_values=True))
            action = f"iam:{form.get('Action')}"
            other = self.server.roles.answer(account, form)
            if action in self.server.faults.now.deny:
                denial = error_xml(
                    "AccessDenied", f"User is not authorized to perform: {action} (the stand-in was told so)"
                )
                self._write(403, denial.encode(), {"Content-Type": "text/xml"})
            elif other is not None:
                self._write(other[0], other[1].encode(), {"Content-Type": "text/xml"})
            else:
                self._pass_on(body)
        else:
            self._deny_by_target(service)
            self._pass_on(body)

    def _mapping(self, account: str, uuid: str, query: Mapping[str, str], body: dict[str, Any]) -> None:
        verb = _VERBS.get((self.command, bool(uuid)))
        if verb is None:
            raise RefusedRequest(405, "MethodNotAllowedException", f"{self.command} is not for {self.path}")
        if self.server.faults.take("throttle"):
            raise RefusedRequest(429, "TooManyRequestsException", "Rate exceeded")
        self._deny(f"lambda:{verb}")
        if self.command != "GET" and self.server.faults.take("in_progress"):
            raise RefusedRequest(
                409,
                "ResourceConflictException",
                "The operation cannot be performed at this time. An update is in progress for resource: "
                f"{body.get('FunctionName') or uuid}",
            )
        mappings = self.server.mappings
        match verb:
            case "CreateEventSourceMapping":
                self._json(202, mappings.create(account, body))
            case "ListEventSourceMappings":
                self._json(200, mappings.list(account, query))
            case "GetEventSourceMapping":
                self._json(200, mappings.get(account, uuid))
            case "UpdateEventSourceMapping":
                self._json(202, mappings.update(account, uuid, body))
            case _:
                self._json(202, mappings.delete(account, uuid))

    def _faults(self, body: bytes) -> dict[str, Any]:
        if self.command == "PUT":
            try:
                self.server.faults.set(_json_of(body))
            except (ValueError, TypeError) as error:
                raise RefusedRequest(400, "BadRequest", str(error)) from error
        return self.server.faults.told()

    def _deny(self, action: str) -> None:
        if action in self.server.faults.now.deny:
            raise RefusedRequest(
                403,
                "AccessDeniedException",
                f"User is not authorized to perform: {action} (the stand-in was told so)",
            )

    def _deny_by_target(self, service: str) -> None:
        """Services with JSON protocols name the action in a header."""
        self._deny(f"{service}:{self.headers.get('X-Amz-Target', '').rpartition('.')[2]}")

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            content = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                content += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return content
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _pass_on(self, body: bytes) -> None:
        headers = {
            name: value
            for name, value in self.headers.items()
            if name.lower() not in _OF_THE_CONNECTION | {"host"}
        }
        behind = http.client.HTTPConnection(self.server.behind, timeout=150)
        try:
            behind.request(
                self.command,
                self.path,
                body=body or None,
                headers={**headers, "Content-Length": str(len(body))},
            )
            answer = behind.getresponse()
            content = answer.read()
            told = {
                name: value
                for name, value in answer.getheaders()
                if name.lower() not in _OF_THE_CONNECTION | {"date", "server"}
            }
            self._write(answer.status, content, told)
        finally:
            behind.close()

    def _refuse(self, refused: RefusedRequest) -> None:
        told = json.dumps({"Type": "User", "message": refused.message, "Message": refused.message}).encode()
        self._write(
            refused.status, told, {"Content-Type": "application/json", "x-amzn-ErrorType": refused.code}
        )

    def _json(self, status: int, told: Mapping[str, Any]) -> None:
        self._write(status, json.dumps(told).encode(), {"Content-Type": "application/json"})

    def _write(self, status: int, content: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        _log.info(format, *args)


def _json_of(body: bytes) -> dict[str, Any]:
    try:
        told = json.loads(body or b"{}")
    except ValueError as error:
        raise RefusedRequest(
            400, "InvalidRequestContentException", "Could not parse request body into json"
        ) from error
    if not isinstance(told, dict):
        raise RefusedRequest(400, "InvalidRequestContentException", "The request body is not an object")
    return told
