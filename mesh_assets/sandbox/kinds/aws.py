"""AWS: ministack, which stands in for SNS, SQS, CloudWatch, S3, SSM, Secrets Manager and more. Optional:
started when it is named.

Every start begins with an empty account and the topic and queues that Terraform would make; nothing is kept.
An access key of twelve digits is an account of its own, which keeps tests apart. Nobody has checked it
against AWS itself.
"""

import json
import shutil
from typing import Any

from mesh_assets.sandbox.http_probe import http_answers
from mesh_assets.sandbox.java import JavaRuntime
from mesh_assets.sandbox.ministack import ensure_ministack, ministack_python
from mesh_assets.sandbox.ports import LOOPBACK
from mesh_assets.sandbox.progress import Progress
from mesh_assets.sandbox.server import Launch, Server, Setting
from mesh_assets.sandbox.state import AWS_ACCOUNT, AWS_REGION, TRIGGER_NAME


def _launch(setting: Setting, java: JavaRuntime) -> Launch:  # noqa: ARG001 - the signature of a record's function
    home = setting.folder.data / "aws"
    environment = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": home,
        # Its Lambda workers leave folders behind; here they are found again.
        "TMPDIR": home / "tmp",
        "STATE_DIR": home / "state",
        "S3_DATA_DIR": home / "s3",
        # It would look for containers of its own to remove.
        "DOCKER_HOST": f"unix://{home}/no-docker",
        # It binds all interfaces unless told.
        "BIND_HOST": LOOPBACK,
        "MINISTACK_HOST": LOOPBACK,
        "GATEWAY_PORT": setting.state.ports["aws"].number,
        "MINISTACK_ACCOUNT_ID": AWS_ACCOUNT,
        "MINISTACK_REGION": AWS_REGION,
        "MINISTACK_MSK_BOOTSTRAP": setting.state.bootstrap_servers,
        "LAMBDA_EXECUTOR": "local",
    }
    # Nothing of the user's environment: a SERVICES, LOG_LEVEL or AWS_PROFILE of theirs is meant for something
    # else.
    variables = [f"{name}={value}" for name, value in environment.items()]
    return Launch(command=("/usr/bin/env", "-i", *variables, str(ministack_python()), "-m", "ministack"))


def _prepare(setting: Setting, java: JavaRuntime, progress: Progress) -> None:  # noqa: ARG001 - the signature of a record's function
    ensure_ministack(progress)
    _tidy(setting)  # after a crash nobody did
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
    start_seconds=60.0,
)
