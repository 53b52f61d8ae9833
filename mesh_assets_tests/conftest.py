"""What all tests share: the real servers, started once, and no network but loopback."""

import ipaddress
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from mesh_assets.platforms.secrets import forget_secrets
from mesh_assets.sandbox.servers import Endpoints, Sandbox
from mesh_assets_tests.store.stores import KINDS, NewStore, new_stores

_CONNECT = socket.socket.connect


@contextmanager
def _the_network() -> Iterator[None]:
    """A first start downloads, also where a test asks for the sandbox in its middle and the network is closed
    to it already."""
    guarded = socket.socket.connect
    socket.socket.connect = _CONNECT  # type: ignore[method-assign]
    try:
        yield
    finally:
        socket.socket.connect = guarded  # type: ignore[method-assign]


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """The sandbox with all its servers. MESH_TEST_SANDBOX names a folder to keep it in, which saves the start
    of the next session."""
    kept = os.environ.get("MESH_TEST_SANDBOX")
    box = Sandbox(Path(kept) if kept else tmp_path_factory.mktemp("sandbox"))
    try:
        with _the_network():
            box.start()
        yield box
    finally:
        if not kept:
            box.stop()


@pytest.fixture
def endpoints(sandbox: Sandbox) -> Endpoints:
    """As they are now: a server that a test restarts may find its port taken by a stranger and move."""
    return sandbox.endpoints()


@pytest.fixture(scope="module")
def aws_url(sandbox: Sandbox) -> Iterator[str]:
    """Where the stand-in for AWS answers, started for the tests of a file. An access key of twelve digits is
    an account of its own."""
    url = sandbox.start(["aws"]).aws_url
    assert url is not None
    yield url
    sandbox.stop(["aws"])


@pytest.fixture
def aws_account(aws_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """An empty account of the stand-in, which boto3 finds as it finds AWS: by environment variables."""
    account = str(secrets.randbelow(9 * 10**11) + 10**11)
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_REGION", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "no-such-file"))
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws_url)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", account)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "stand-in")
    return account


@pytest.fixture(params=KINDS)
def new_store(request: pytest.FixtureRequest, tmp_path: Path) -> NewStore:
    """Makes the value of MESH_STORE for an empty store, of each kind there is."""
    return new_stores(request, request.param, tmp_path)


@pytest.fixture(autouse=True)
def _no_secret_remembered() -> Iterator[None]:
    yield
    forget_secrets()


@pytest.fixture(scope="module")
def lambda_url(sandbox: Sandbox) -> Iterator[str]:
    """Where the stand-in for Lambda's Kafka mappings answers, and through it that for AWS, started for the
    module."""
    url = sandbox.start(["lambda"]).lambda_url
    assert url is not None
    yield url
    sandbox.stop(["lambda", "aws"])


@pytest.fixture(autouse=True)
def _no_network_but_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not _is_loopback(str(address[0])):
            raise AssertionError(f"a test tried to reach {address[0]}, which is not this machine")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith((".invalid", ".example", ".test"))  # resolves to nothing
