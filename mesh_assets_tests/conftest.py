"""What all tests share: real servers, started when a test first asks for them, and no network but loopback.

Workers use servers at the same time without disturbing each other: one has the `sandbox` with the whole estate, another
`stand_ins`, which plays AWS beside a broker whose estate no test looks at.
"""

import gc
import ipaddress
import os
import secrets
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from mesh_assets.platforms.secrets import forget_secrets
from mesh_assets.sandbox.servers import Endpoints, Sandbox
from mesh_assets_tests.processes import heed_interrupts
from mesh_assets_tests.store.azurite import running_azurite
from mesh_assets_tests.store.google_stand_in import GoogleStandIn, serving
from mesh_assets_tests.store.stores import KINDS, NewStore, new_stores

# Durations only show how busy the machine is.
_UNTIMED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("usual", _UNTIMED, max_examples=20)
settings.register_profile("fast", _UNTIMED, max_examples=10)  # `make test-fast`
settings.register_profile(
    "thorough", _UNTIMED, max_examples=200
)  # `make test-long`; `make fuzz` looks for longer
settings.load_profile("usual")

_CONNECT = socket.socket.connect


@contextmanager
def _the_network() -> Iterator[None]:
    """A first start downloads, even if a test asks for the sandbox midway, when its network is closed already."""
    guarded = socket.socket.connect
    socket.socket.connect = _CONNECT  # type: ignore[method-assign]
    try:
        yield
    finally:
        socket.socket.connect = guarded  # type: ignore[method-assign]


def pytest_configure() -> None:
    heed_interrupts()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """For `--dist loadgroup`: the tests of a sandbox go to one worker, and being the longest lists they start first; other
    tests stay together by file, files with slow tests first, so that no worker is left with one at the end. Marks every test
    that asks for a server."""
    groups = {item: _group(item) for item in items}
    for item, group in groups.items():
        item.add_marker(pytest.mark.xdist_group(group))
        if group in _SANDBOXES:
            item.add_marker(pytest.mark.sandbox)
    order = [
        *_SANDBOXES,
        *dict.fromkeys(group for item, group in groups.items() if item.get_closest_marker("slow")),
    ]
    place = {group: order.index(group) if group in order else len(order) for group in groups.values()}
    items.sort(key=lambda item: (place[groups[item]], item.get_closest_marker("late") is not None))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection() -> Iterator[None]:
    """What is imported and collected stays: searching it for garbage again and again while it grows takes a quarter of the
    collection's time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


# A second estate for half of its tests costs 54 CPU seconds to start and a quarter of a processor while it runs.
_SANDBOXES = ("sandbox", "stand_ins")


def _group(item: pytest.Item) -> str:
    asked_for = getattr(item, "fixturenames", ())
    if "sandbox" in asked_for:
        return "sandbox"
    if "stand_ins" in asked_for:
        return "stand_ins"
    # Its own server, or a parameter that asks for one.
    return "stand_ins" if item.get_closest_marker("sandbox") else item.nodeid.partition("::")[0]


_RUNNING: dict[str, Sandbox] = {}
"""The sandboxes that this worker has started and must stop, by group."""


@contextmanager
def _sandbox(
    tmp_path_factory: pytest.TempPathFactory, name: str, servers: Sequence[str] | None
) -> Iterator[Sandbox]:
    """MESH_TEST_SANDBOX names a folder to keep them in, which saves the start of the next session."""
    kept = os.environ.get("MESH_TEST_SANDBOX")
    box = Sandbox(Path(kept, name) if kept else tmp_path_factory.mktemp(name))
    if not kept:
        _RUNNING[name] = box
    try:
        with _the_network():
            box.start(servers)
        yield box
    finally:
        _stop(name)


def _stop(*names: str) -> None:
    for box in [_RUNNING.pop(name) for name in names if name in _RUNNING]:
        box.stop()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """Servers stop after the last test that needs them: idle, they take a quarter of a processor from the rest."""
    try:
        return (yield)
    finally:
        needed = _group(nextitem) if nextitem else None
        if _group(item) in _SANDBOXES and needed != _group(item):
            _stop(*(name for name in _SANDBOXES if name != needed))


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """The sandbox with all but its optional servers."""
    with _sandbox(tmp_path_factory, "sandbox", None) as box:
        yield box


@pytest.fixture
def endpoints(sandbox: Sandbox) -> Endpoints:
    """As they are now: a server that a test restarts may find its port taken by a stranger and move."""
    return sandbox.endpoints()


@pytest.fixture(scope="session")
def stand_ins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox with the stand-ins for AWS, which other fixtures start in it, and the warehouse's broker. No test stops its
    servers."""
    with _sandbox(tmp_path_factory, "stand_ins", ["aws"]) as box:
        yield box


@pytest.fixture(scope="session")
def aws_url(stand_ins: Sandbox) -> str:
    """Where the stand-in for AWS answers. An access key of twelve digits is an account of its own."""
    url = stand_ins.endpoints().aws_url
    assert url is not None
    return url


@pytest.fixture(scope="session")
def broker(stand_ins: Sandbox) -> Endpoints:
    """The warehouse's broker with all its listeners, for tests that ignore other topics on it."""
    return stand_ins.start(["broker"])


@pytest.fixture(scope="session")
def lambda_url(stand_ins: Sandbox) -> str:
    """Where the stand-in for Lambda's Kafka mappings answers, and through it that for AWS."""
    url = stand_ins.start(["lambda"]).lambda_url
    assert url is not None
    return url


@pytest.fixture
def aws_account(aws_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """An empty account in the stand-in, which boto3 finds through environment variables, as it finds AWS."""
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


@pytest.fixture(scope="session")
def google_stand_in() -> Iterator[GoogleStandIn]:
    """Google Cloud Storage, in a thread of this process."""
    with serving() as stand_in:
        yield stand_in


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Microsoft's emulator of Azure Blob Storage: its address."""
    with _the_network(), running_azurite(tmp_path_factory.mktemp("azurite")) as url:
        yield url


@pytest.fixture(params=KINDS)
def new_store(request: pytest.FixtureRequest, tmp_path: Path) -> NewStore:
    """Makes the value of MESH_STORE for an empty store of each kind."""
    return new_stores(request, request.param, tmp_path)


@pytest.fixture(autouse=True)
def _no_secret_remembered() -> Iterator[None]:
    yield
    forget_secrets()


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


@pytest.fixture
def hangs() -> Iterator[Callable[[], None]]:
    """Hangs until the test is over."""
    over = threading.Event()

    def hang() -> None:
        over.wait(30)

    yield hang
    over.set()
