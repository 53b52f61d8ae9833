"""An account whose mappings the proof looks at, through the project's own access."""

import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from unittest.mock import patch

import pytest

from mesh_assets.esm import aws_account
from mesh_assets.esm.connection import KafkaLogin
from mesh_assets.esm.lookup import get_mapping
from mesh_assets.esm.proof import Validation, ValidationRequest, validate_esm_processing, validation
from mesh_assets.estate.model import AwsAccountSettings
from mesh_assets.sandbox.credentials import warehouse_access
from mesh_assets.sandbox.servers import Endpoints, Sandbox
from mesh_assets_tests import an_aws_account


@pytest.fixture
def account(lambda_url: str, broker: Endpoints) -> Iterator[an_aws_account.AwsAccount]:
    with an_aws_account.an_account(lambda_url, broker) as made:
        yield made


@pytest.fixture
def access(account: an_aws_account.AwsAccount) -> aws_account.AwsAccount:
    return aws_account.AwsAccount(
        AwsAccountSettings(region="us-east-1", endpoint_url=account.url),
        make_client=lambda service, _: account.client(service),
    )


@pytest.fixture
def validate(access: aws_account.AwsAccount, broker: Endpoints) -> Callable[..., Validation]:
    """With times long enough for a busy machine. A test that waits in vain says with `until` when everything has happened that
    will: then the rest of its time passes at once."""

    def run(
        mapping: dict[str, Any],
        *,
        login: KafkaLogin | None = None,
        until: Callable[[], bool] = lambda: False,
        passed: bool = False,
        **request: Any,
    ) -> Validation:
        """`passed`: `until` counts only once the offsets are passed."""
        told: list[str] = [""]

        def over() -> bool:
            return (not passed or told[-1].startswith("offsets are passed")) and until()

        with patch.object(validation, "time", _HurriedTime(over)):
            return validate_esm_processing(
                access,
                get_mapping(access, mapping["UUID"]),
                login or KafkaLogin(bootstrap_servers=broker.bootstrap_servers),
                ValidationRequest(
                    **{"messages": 4, "deadline_seconds": 60, "metrics_seconds": 60, **request}
                ),
                progress=told.append,
            )

    return run


class _HurriedTime:
    """The time of day, which jumps past every deadline once the awaited condition holds."""

    def __init__(self, over: Callable[[], bool]) -> None:
        self._over = over
        self._ahead = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self._ahead

    def sleep(self, seconds: float) -> None:
        if self._over():
            self._ahead += 60.0
        else:
            time.sleep(seconds)


class Registry:
    """A registry at `url`: subject → its versions, each with the schema's text and its other fields. A schema's
    id is 100 times the subject's place, plus the version."""

    def __init__(self) -> None:
        self.subjects: dict[str, list[dict[str, Any]]] = {}
        self.url = ""
        self.asked_with: list[str | None] = []
        """The login of each request."""

    def add(self, subject: str, schema: Any, **said: Any) -> None:
        text = schema if isinstance(schema, str) else json.dumps(schema)
        self.subjects.setdefault(subject, []).append({"schema": text, **said})

    def answer(self, path: str) -> dict[str, Any] | None:
        match path.strip("/").split("/"):
            case ["subjects", subject, "versions", version] if subject in self.subjects:
                versions = self.subjects[subject]
                number = len(versions) if version == "latest" else int(version)
                place = list(self.subjects).index(subject) + 1
                said = {"subject": subject, "version": number, "id": 100 * place + number}
                return {**said, **versions[number - 1]}
            case ["schemas", "ids", schema_id]:
                place, number = divmod(int(schema_id), 100)
                return self.subjects[list(self.subjects)[place - 1]][number - 1]
        return None


@pytest.fixture
def registry() -> Iterator[Registry]:
    with _served(Registry()) as made:
        yield made


@pytest.fixture
def https_registry(
    stand_ins: Sandbox, broker: Endpoints, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Registry]:
    """With the broker's certificate, from the authority that the stand-in for Lambda trusts: Lambda accepts no other
    address."""
    assert broker.tls_bootstrap_servers
    own = warehouse_access(stand_ins.folder)
    monkeypatch.setenv("SSL_CERT_FILE", str(own.authority))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(own.broker)
    with _served(Registry(), context) as made:
        yield made


@contextmanager
def _served(made: Registry, context: ssl.SSLContext | None = None) -> Iterator[Registry]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = made.answer(self.path)
            made.asked_with.append(self.headers["Authorization"])
            body = json.dumps(found or {"error_code": 40401, "message": "Subject not found."}).encode()
            self.send_response(404 if found is None else 200)
            self.send_header("Content-Type", "application/vnd.schemaregistry.v1+json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        made.url = f"{'http' if context is None else 'https'}://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield made
        finally:
            server.shutdown()
            thread.join()
