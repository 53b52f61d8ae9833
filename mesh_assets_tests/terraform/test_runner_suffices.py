"""The runner's IAM role is enough for what the code does in AWS: each operation of a client is granted, on
what it is done to."""

import re
from pathlib import Path
from typing import Any

import pytest

import mesh_assets
from mesh_assets_tests.terraform.configuration import read

PACKAGE = Path(mesh_assets.__file__).parent

# The client's operation, as the code calls it → IAM's action, and what it must be granted on.
QUEUE, DEAD_LETTERS, TOPIC = (
    "${aws_sqs_queue.triggers.arn}",
    "${aws_sqs_queue.dead_letters.arn}",
    "${statement.value}",
)
OBJECTS, BUCKET = "${aws_s3_bucket.store.arn}/${var.store_prefix}/*", "${aws_s3_bucket.store.arn}"
PARAMETERS = "${[for parameter in aws_ssm_parameter.discovery_agent : parameter.arn]}"
NEEDED = {
    "platforms/secrets/parameter_store.py": {
        "get_parameter": ("ssm:GetParameter", PARAMETERS),
        "get_parameters": ("ssm:GetParameters", PARAMETERS),
    },
    "platforms/aws/sqs.py": {
        "receive_message": ("sqs:ReceiveMessage", QUEUE),
        "delete_message_batch": ("sqs:DeleteMessage", QUEUE),
        "send_message": ("sqs:SendMessage", DEAD_LETTERS),
    },
    "platforms/aws/sns.py": {"publish": ("sns:Publish", TOPIC)},
    "inventory/store/bucket.py": {
        "get_object": ("s3:GetObject", OBJECTS),
        "put_object": ("s3:PutObject", OBJECTS),
        "delete_object": ("s3:DeleteObject", OBJECTS),
        "list_objects_v2": ("s3:ListBucket", BUCKET),
    },
}
_OPERATION = re.compile(
    r'(?:client\.|")([a-z]+_[a-z_0-9]*(?:message|object|objects_v2|parameters?)(?:_batch)?|publish)\b'
)


@pytest.mark.parametrize("file", NEEDED)
def test_every_operation_of_the_code_is_granted(file: str) -> None:
    used = set(_OPERATION.findall((PACKAGE / file).read_text(encoding="utf-8")))
    assert used == NEEDED[file].keys()
    granted = policy()
    assert [
        NEEDED[file][operation] for operation in sorted(used) if NEEDED[file][operation] not in granted
    ] == []


def policy() -> set[tuple[str, str]]:
    """What the runner's policy allows: action and resource."""
    documents = {
        name: body
        for block in read()["data"]
        for name, body in block.get("aws_iam_policy_document", {}).items()
    }
    statements = [
        *documents["runner"]["statement"],
        *(content for each in documents["runner"]["dynamic"] for content in contents(each)),
    ]
    return {
        (action, resource)
        for body in statements
        for action in body["actions"]
        for resource in listed(body["resources"])
    }


def contents(dynamic: dict[str, Any]) -> list[Any]:
    found: list[Any] = dynamic["statement"]["content"]
    return found


def listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]
