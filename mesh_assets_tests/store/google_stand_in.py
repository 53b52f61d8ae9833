"""Google Cloud Storage on this machine, as far as a store uses it: written from its published interface
(https://cloud.google.com/storage/docs/json_api/v1/objects) and used through Google's own library.

No emulator in a package registry refuses a conditional delete: fake-gcs-server ignores `ifGenerationMatch` there,
gcp-storage-emulator everywhere. Google's storage-testbench does but is in no registry: with
MESH_TEST_GCS=http://127.0.0.1:9000, the tests of stores use one that was started by hand.
"""

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

PAGE = 5
"""Objects per page of a listing, so that small tests have several pages."""


class Held(NamedTuple):
    data: bytes
    metadata: Mapping[str, str]
    version: int
    modified_at: datetime


class Answer(NamedTuple):
    status: int
    body: bytes = b""
    headers: Mapping[str, str] = {}


@dataclass
class GoogleStandIn:
    """`refuses`: everything is answered with 403. `loses`: this many next changes are carried out but answered with 503.
    `meanwhile`: runs in place of the next change, which is answered with 503."""

    url: str = ""
    buckets: dict[str, dict[str, Held]] = field(default_factory=dict)
    refuses: bool = False
    loses: int = 0
    meanwhile: Callable[[], object] | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)
    versions: Iterator[int] = field(default_factory=lambda: count(time.time_ns() // 1_000))
    uploads: dict[str, tuple[str, str, Mapping[str, str], int | None]] = field(default_factory=dict)

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        split = urlsplit(target)
        path = split.path.strip("/").split("/")
        query = {name: values[0] for name, values in parse_qs(split.query, keep_blank_values=True).items()}
        if self.meanwhile is not None and method != "GET":
            act, self.meanwhile = self.meanwhile, None
            act()
            return _error(503, "busy")
        with self.lock:
            if self.refuses:
                return _error(
                    403, "mesh@example.iam.gserviceaccount.com does not have storage.objects access"
                )
            made = self._answer(method, path, query, headers, body)
            if self.loses and method != "GET":
                self.loses -= 1
                return _error(503, "lost")
            return made

    def _write(self, bucket: str, name: str, data: bytes, metadata: Mapping[str, str]) -> Held:
        held = Held(data, metadata, next(self.versions), datetime.now(UTC))
        self.buckets[bucket][name] = held
        return held

    def _answer(
        self, method: str, path: list[str], query: Mapping[str, str], headers: Mapping[str, str], body: bytes
    ) -> Answer:
        kind, path = (path[0], path[3:]) if path[0] in ("upload", "download") else ("", path[2:])
        if method == "POST" and path == ["b"]:
            self.buckets[json.loads(body)["name"]] = {}
            return _json({"name": json.loads(body)["name"], "kind": "storage#bucket"})
        bucket, name = path[1], unquote(path[3]) if len(path) > 3 else ""
        if bucket not in self.buckets:
            return _error(404, "The specified bucket does not exist.")
        objects = self.buckets[bucket]
        condition = int(query["ifGenerationMatch"]) if "ifGenerationMatch" in query else None
        if kind == "upload":
            return self._upload(method, bucket, query, headers, body, condition)
        if not name:
            return _listing(objects, query)
        held = objects.get(name)
        if held is None:
            return (
                Answer(404, f"No such object: {bucket}/{name}".encode())
                if kind
                else _error(404, f"No such object: {bucket}/{name}")
            )
        if condition not in (None, held.version):
            return _error(412, "At least one of the pre-conditions you specified did not hold.")
        if method == "DELETE":
            del objects[name]
            return Answer(204)
        if query.get("alt") == "media":
            return Answer(
                200,
                held.data,
                {"X-Goog-Generation": str(held.version), "X-Goog-Hash": f"crc32c={_crc32c(held.data)}"},
            )
        return _json(_described(bucket, name, held))

    def _upload(
        self,
        method: str,
        bucket: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        body: bytes,
        condition: int | None,
    ) -> Answer:
        if method == "PUT":
            bucket, name, metadata, condition = self.uploads[query["upload_id"]]
            data = body
        elif query["uploadType"] == "resumable":
            described = json.loads(body)
            name, upload_id = described["name"], str(next(self.versions))
            if not self._holds(bucket, name, condition):
                return _error(412, "At least one of the pre-conditions you specified did not hold.")
            self.uploads[upload_id] = (bucket, name, described.get("metadata", {}), condition)
            where = f"{self.url}/upload/storage/v1/b/{bucket}/o?uploadType=resumable&upload_id={upload_id}"
            return Answer(200, b"", {"Location": where})
        else:
            boundary = headers["content-type"].partition("boundary=")[2].strip("\"'").encode()
            _, first, second, _ = body.split(b"--" + boundary)
            described = json.loads(first.partition(b"\r\n\r\n")[2])
            name, metadata = described["name"], described.get("metadata", {})
            data = second.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n")
        if not self._holds(bucket, name, condition):
            return _error(412, "At least one of the pre-conditions you specified did not hold.")
        return _json(_described(bucket, name, self._write(bucket, name, data, metadata)))

    def _holds(self, bucket: str, name: str, condition: int | None) -> bool:
        held = self.buckets[bucket].get(name)
        return condition is None or condition == (0 if held is None else held.version)


def _page(objects: Mapping[str, Held], prefix: str, after: str) -> tuple[list[str], str | None]:
    names = [name for name in sorted(objects) if name.startswith(prefix) and name > after]
    return names[:PAGE], names[PAGE - 1] if len(names) > PAGE else None


def _listing(objects: Mapping[str, Held], query: Mapping[str, str]) -> Answer:
    names, following = _page(objects, query.get("prefix", ""), query.get("pageToken", ""))
    return _json(
        {"items": [_described("", name, objects[name]) for name in names]}
        | ({} if following is None else {"nextPageToken": following})
    )


def _described(bucket: str, name: str, held: Held) -> dict[str, object]:
    return {
        "kind": "storage#object",
        "bucket": bucket,
        "name": name,
        "size": str(len(held.data)),
        "generation": str(held.version),
        "metadata": held.metadata,
        "updated": held.modified_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "crc32c": _crc32c(held.data),
    }


def _crc32c(data: bytes) -> str:
    import google_crc32c  # of Google's library

    return base64.b64encode(google_crc32c.Checksum(data).digest()).decode()


def _json(content: object) -> Answer:
    return Answer(200, json.dumps(content).encode(), {"Content-Type": "application/json"})


def _error(status: int, message: str) -> Answer:
    return _json({"error": {"code": status, "message": message}})._replace(status=status)


@contextmanager
def serving() -> Iterator[GoogleStandIn]:
    """Until the end."""
    stand_in = GoogleStandIn()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def _any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = stand_in.answer(self.command, self.path, headers, body)
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        do_GET = do_PUT = do_POST = do_DELETE = _any  # noqa: N815 - the library's names

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    stand_in.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield stand_in
    finally:
        server.shutdown()
        server.server_close()
