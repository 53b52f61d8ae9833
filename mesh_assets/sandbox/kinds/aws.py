"""AWS: ministack, a stand-in for SNS, SQS, CloudWatch, S3, SSM, Secrets Manager and more. Optional: started when named.

It runs in its own environment, made once per machine, because it pins another botocore. `ministack.lock.txt`,
made by `make lock` with uv, names every package with its hashes; they come from whatever index this machine's
pip uses.

Every start begins with an empty account, plus the topic and queues that Terraform would make; nothing is
kept. An access key of twelve digits is a separate account, which keeps tests apart. It has never been
compared with AWS itself.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from importlib import resources
from pathlib import Path
from typing import Any

from mesh_assets.errors import SandboxError
from mesh_assets.sandbox.artifacts import machine_cache
from mesh_assets.sandbox.folder import locked
from mesh_assets.sandbox.java import JavaRuntime
from mesh_assets.sandbox.local_http import http_answers
from mesh_assets.sandbox.progress import Progress
from mesh_assets.sandbox.server import Launch, Server, Setting
from mesh_assets.sandbox.state import AWS_ACCOUNT, AWS_REGION, LOOPBACK, TRIGGER_NAME

_LOCK = "ministack.lock.txt"
# 35 MB over a slow line. Measured on a fast one: 7 s, environment included.
_INSTALL_SECONDS = 600.0


def lock_text() -> str:
    return resources.files("mesh_assets.sandbox").joinpath(_LOCK).read_text()


def ministack_home(cache: Path | None = None) -> Path:
    """The environment's folder. Its path depends on the pins and the Python version: a changed pin means a
    new one."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    pins = hashlib.sha256(f"{lock_text()}\0{python}\0{sys.base_prefix}".encode()).hexdigest()[:16]
    return (cache or machine_cache()) / "ministack" / f"python{python}-{pins}"


def ministack_python(cache: Path | None = None) -> Path:
    return ministack_home(cache) / "bin" / "python"


def ensure_ministack(progress: Progress, *, cache: Path | None = None) -> None:
    """Make the environment unless it exists, in which case no network is needed. Raises `SandboxError` when it cannot be made."""
    home = ministack_home(cache)
    if home.is_dir():
        return
    home.parent.mkdir(parents=True, exist_ok=True)
    with locked(
        home.parent / "install.lock",
        timeout_seconds=_INSTALL_SECONDS,
        what=f"the environment in {home.parent}",
    ):
        if home.is_dir():  # another process made it while this one waited
            return
        progress.say("installing the stand-in for AWS (ministack), once for this machine")
        fresh = Path(tempfile.mkdtemp(prefix="incoming-", dir=home.parent))
        try:
            _install(fresh)
            fresh.replace(home)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)


def _install(folder: Path) -> None:
    lock = folder / _LOCK
    lock.write_text(lock_text())
    _run([sys.executable, "-m", "venv", str(folder)], "Python's venv could not make an environment")
    pip = [
        str(folder / "bin" / "python"),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-input",
    ]
    _run(
        # One retry: if no index can be reached, the user should know within seconds.
        [*pip, "--retries", "1", "--only-binary", ":all:", "--require-hashes", "--requirement", str(lock)],
        "its packages could not be installed; the first start needs the package index that pip is set up for",
    )


def _run(command: list[str], failure: str) -> None:
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "PIP_USER")
    }
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_INSTALL_SECONDS, check=False, env=environment
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SandboxError(f"the stand-in for AWS: {failure} ({type(error).__name__})") from error
    if done.returncode != 0:
        lines = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        raise SandboxError(
            f"the stand-in for AWS: {failure} (it said: {lines[-1][:200] if lines else 'nothing'})"
        )


def _launch(setting: Setting, java: JavaRuntime) -> Launch:  # noqa: ARG001 - the signature of a record's function
    home = setting.folder.data / "aws"
    environment = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": home,
        # Its Lambda workers leave folders behind; here they can be found and removed.
        "TMPDIR": home / "tmp",
        "STATE_DIR": home / "state",
        "S3_DATA_DIR": home / "s3",
        # It would look for leftover containers to remove.
        "DOCKER_HOST": f"unix://{home}/no-docker",
        # By default it binds all interfaces.
        "BIND_HOST": LOOPBACK,
        "MINISTACK_HOST": LOOPBACK,
        "GATEWAY_PORT": setting.state.ports["aws"].number,
        "MINISTACK_ACCOUNT_ID": AWS_ACCOUNT,
        "MINISTACK_REGION": AWS_REGION,
        "MINISTACK_MSK_BOOTSTRAP": setting.state.bootstrap_servers,
        "LAMBDA_EXECUTOR": "local",
    }
    # Nothing from the user's environment: their SERVICES, LOG_LEVEL or AWS_PROFILE is meant for something else.
    variables = [f"{name}={value}" for name, value in environment.items()]
    return Launch(command=("/usr/bin/env", "-i", *variables, str(ministack_python()), "-m", "ministack"))


def _prepare(setting: Setting, java: JavaRuntime, progress: Progress) -> None:  # noqa: ARG001 - the signature of a record's function
    ensure_ministack(progress)
    _tidy(setting)  # after a crash, nobody has
    (setting.folder.data / "aws" / "tmp").mkdir(parents=True)


def _tidy(setting: Setting) -> None:
    shutil.rmtree(setting.folder.data / "aws", ignore_errors=True)


def _seed(setting: Setting, progress: Progress) -> None:
    """The topic `discovery-agent-triggers` with its queue and dead-letter queue, as Terraform makes them."""
    import boto3  # heavy, and only needed here

    def client(service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=setting.state.aws_url,
            region_name=AWS_REGION,
            aws_access_key_id=AWS_ACCOUNT,
            aws_secret_access_key="sandbox",
        )

    sqs, sns = client("sqs"), client("sns")
    if any(queue.endswith(f"/{TRIGGER_NAME}") for queue in sqs.list_queues().get("QueueUrls", ())):
        return
    dead = sqs.create_queue(QueueName=f"{TRIGGER_NAME}-dlq")["QueueUrl"]
    dead_arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    redrive = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": "20"})
    queue = sqs.create_queue(QueueName=TRIGGER_NAME, Attributes={"RedrivePolicy": redrive})["QueueUrl"]
    topic = sns.create_topic(Name=TRIGGER_NAME)["TopicArn"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    progress.say(f"made the topic {topic} and its queue")


AWS = Server(
    name="aws",
    title="ministack, a stand-in for AWS",
    ports=("aws",),
    optional=True,
    launch=_launch,
    prepare=_prepare,
    answers=lambda setting: http_answers(f"{setting.state.aws_url}/_ministack/health", seconds=5),
    endpoint=lambda state: state.aws_url or "",
    seed=_seed,
    tidy=_tidy,
    start_seconds=180.0,
)
