"""The stand-in for AWS: it has its own environment, listens on loopback, starts when named, and leaves nothing behind."""

import io
import re
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from mesh_assets.errors import SandboxError
from mesh_assets.estate.file import load_estate
from mesh_assets.platforms.aws.client import new_session
from mesh_assets.sandbox.artifacts import machine_cache
from mesh_assets.sandbox.java import JavaRuntime
from mesh_assets.sandbox.kinds.aws import AWS, ensure_ministack, lock_text, ministack_home
from mesh_assets.sandbox.kinds.brokers import BROKER
from mesh_assets.sandbox.progress import Lines, silent
from mesh_assets.sandbox.servers import Sandbox
from mesh_assets_tests.sandbox.small_servers import CONNECT, NO_JAVA, REGISTRY, a_server


def test_every_package_is_pinned_with_its_hashes_and_no_address() -> None:
    lock = lock_text()

    packages = re.split(r"^(?=[a-z0-9])", lock, flags=re.MULTILINE)[1:]
    assert "ministack==1.5.33 " in lock
    assert all(
        re.match(r"[a-z0-9_.-]+==\S+ .*\\\n    --hash=sha256:[0-9a-f]{64}", package) for package in packages
    )
    assert "://" not in lock


@pytest.mark.slow
@pytest.mark.long
def test_without_a_package_index_it_says_so_in_one_sentence_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "PIP_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:1/simple")
    monkeypatch.setenv("PIP_NO_INDEX", "")
    monkeypatch.setenv("PIP_RETRIES", "0")

    with pytest.raises(
        SandboxError, match="the first start needs the package index that pip is set up for"
    ) as caught:
        ensure_ministack(silent(), cache=tmp_path)

    assert "\n" not in str(caught.value)
    assert [path.name for path in (tmp_path / "ministack").iterdir()] == ["install.lock"]


def test_an_existing_environment_is_used_without_a_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ministack_home(tmp_path).mkdir(parents=True)
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    lines: list[str] = []

    ensure_ministack(Lines(lines.append), cache=tmp_path)

    assert lines == []


def test_the_aws_server_is_optional_and_shown_once_it_was_started(tmp_path: Path) -> None:
    servers = (a_server("broker"), REGISTRY, CONNECT, replace(a_server("aws"), optional=True))
    box = Sandbox(tmp_path / "box", servers=servers, runtime=lambda _: NO_JAVA)
    try:
        assert box.start().aws_url is None
        assert [status.name for status in box.status()] == ["broker", "registry", "connect"]
        assert "triggers:" not in box.endpoints().estate_file.read_text()

        ends = box.start(["aws"])
        assert ends.aws_url is not None
        assert [status.name for status in box.status()] == ["broker", "registry", "connect", "aws"]
        assert f'endpoint_url: "{ends.aws_url}"' in ends.estate_file.read_text()
        assert "aws" in box.stop()
        assert [status.name for status in box.status()] == ["broker", "registry", "connect"]
    finally:
        box.stop()


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A separate sandbox with this server alone, since these tests stop it. No JVM runs."""
    ports_only = tuple(a_server(server.name) for server in (BROKER, REGISTRY, CONNECT))
    made = Sandbox(tmp_path_factory.mktemp("aws") / "box", servers=(*ports_only, AWS), runtime=_no_java)
    yield made
    made.stop()


def _no_java(progress: Any) -> JavaRuntime:  # noqa: ARG001 - the signature of a runtime
    return NO_JAVA


def client(box: Sandbox, service: str) -> Any:
    return new_session().create_client(
        service,
        endpoint_url=box.endpoints().aws_url,
        region_name="us-east-1",
        aws_access_key_id="123456789012",
        aws_secret_access_key="sandbox",
    )


def listening(box: Sandbox) -> set[str]:
    [status] = box.status(["aws"])
    process = psutil.Process(status.pid)
    return {c.laddr.ip for c in process.net_connections("tcp") if c.status == psutil.CONN_LISTEN}


@pytest.mark.sandbox
def test_the_aws_server_starts_on_loopback_with_the_queues_of_its_estate_file(box: Sandbox) -> None:
    ends = box.start(["aws"])

    assert listening(box) == {"127.0.0.1"}
    triggers = load_estate(ends.estate_file).triggers
    assert triggers is not None
    assert triggers.endpoint_url == ends.aws_url
    client(box, "sns").publish(
        TopicArn="arn:aws:sns:us-east-1:123456789012:discovery-agent-triggers", Message="{}"
    )
    sqs = client(box, "sqs")
    assert len(sqs.receive_message(QueueUrl=triggers.queue_url, WaitTimeSeconds=5)["Messages"]) == 1
    assert "Messages" not in sqs.receive_message(QueueUrl=triggers.dead_letter_queue_url)


@pytest.mark.sandbox
@pytest.mark.long
def test_a_restart_gives_an_empty_account_and_a_stop_leaves_nothing(box: Sandbox) -> None:
    ends = box.start(["aws"])
    client(box, "sqs").create_queue(QueueName="another")
    role = client(box, "iam").create_role(RoleName="runs", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("app.py", "def run(event, context): return event")
    functions = client(box, "lambda")
    functions.create_function(
        FunctionName="echo",
        Runtime="python3.11",
        Role=role,
        Handler="app.run",
        Code={"ZipFile": archive.getvalue()},
    )
    assert functions.invoke(FunctionName="echo", Payload=b'{"n": 1}')["Payload"].read() == b'{"n": 1}'
    home = box.folder.data / "aws"
    assert list((home / "tmp").glob("ministack-lambda-*")) != []

    box.stop(["aws"])
    assert not home.exists()

    assert box.start(["aws"]) == ends
    names = [url.rpartition("/")[2] for url in client(box, "sqs").list_queues()["QueueUrls"]]
    assert sorted(names) == ["discovery-agent-triggers", "discovery-agent-triggers-dlq"]


@pytest.mark.sandbox
def test_its_environment_is_in_the_machines_cache_and_not_in_ours(box: Sandbox) -> None:
    box.start(["aws"])
    [status] = box.status(["aws"])

    process = psutil.Process(status.pid)
    assert process.cmdline()[0].startswith(str(machine_cache() / "ministack"))
    assert "AWS_PROFILE" not in process.environ()
