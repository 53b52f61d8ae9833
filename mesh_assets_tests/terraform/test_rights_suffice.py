"""The rights suffice: role bindings grant every right that a discovery needs, and the runner's policy every AWS operation."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import mesh_assets
from mesh_assets.estate.fields import CHANGES_TOPIC, EVENTS_TOPIC
from mesh_assets.events import avro_form
from mesh_assets.platforms.confluent_cloud.service import (
    CONNECT_KEY,
    METRICS_KEY,
    SCHEMA_REGISTRY_KEY,
    role_for,
)
from mesh_assets.platforms.http import Credential
from mesh_assets_tests.esm.operator_rights import rights_by_command
from mesh_assets_tests.terraform.configuration import Binding, bindings, read, resources
from mesh_assets_tests.terraform.terraform_cli import FOLDER

pytestmark = pytest.mark.slow

PACKAGE = Path(mesh_assets.__file__).parent
OPERATOR = Binding("Operator", "local.operator_crn")
OWN_TOPICS = (EVENTS_TOPIC, CHANGES_TOPIC)

# A right, as the code words it when Kafka refuses → the bindings that grant it, all of them needed. docs/terraform.md has the
# table of what each role allows.
GRANTS: dict[str, list[Binding]] = {
    "DESCRIBE on the cluster": [OPERATOR],
    "DESCRIBE_CONFIGS on the cluster": [OPERATOR],
    "DESCRIBE on the topic": [OPERATOR],
    "DESCRIBE on the topics": [OPERATOR],
    "DESCRIBE on the topics that the group reads": [OPERATOR],
    "DESCRIBE_CONFIGS on the topic": [OPERATOR],
    "DESCRIBE_CONFIGS on the topics": [OPERATOR],
    "DESCRIBE on the group": [OPERATOR, Binding("DeveloperRead", "group=*")],
    "DESCRIBE on the groups": [OPERATOR, Binding("DeveloperRead", "group=*")],
    "DESCRIBE on the cluster or on the groups": [OPERATOR, Binding("DeveloperRead", "group=*")],
    "DESCRIBE on the group and on its topics": [OPERATOR, Binding("DeveloperRead", "group=*")],
    "WRITE on the topic …": [Binding("DeveloperWrite", f"topic={name}") for name in OWN_TOPICS],
    "WRITE on the transactional id …": [Binding("DeveloperWrite", "transactional-id=mesh-assets-*")],
    "READ on the topic …": [Binding("DeveloperRead", f"topic={EVENTS_TOPIC}")],
}
# The same for HTTP: the role named in a refusal → the bindings.
HTTP_GRANTS: dict[Credential, dict[str, list[Binding]]] = {
    CONNECT_KEY: {
        "Operator on the cluster": [OPERATOR],
        "DeveloperRead on connector *": [
            Binding("DeveloperRead", "connector=${name}")
        ],  # * unless names are given
    },
    METRICS_KEY: {
        "MetricsViewer, granted on the organization": [
            Binding("MetricsViewer", "data.confluent_organization.this.resource_name")
        ]
    },
    SCHEMA_REGISTRY_KEY: {
        "DeveloperRead on subject *": [Binding("DeveloperRead", "subject=*")],
        "DeveloperWrite on discovery-events-value and discovery-changes-value": [
            Binding("DeveloperWrite", f"subject={name}-value") for name in OWN_TOPICS
        ],
    },
}
# Terraform creates the topics; the publisher does so only where it may. Reading a topic's records is a separate right:
# `enable_profiling`. Producers and transactions would need it on every topic; without it they are unknown.
NOT_NEEDED = {
    "CREATE on the topic",
    "READ on topic …",
    "READ on the topics",
    "DESCRIBE on the transactional ids",
}

# The same rights on a Basic cluster, which has ACLs in place of roles.
ACLS = {
    "DESCRIBE on the cluster": [("CLUSTER", "kafka-cluster", "DESCRIBE")],
    "DESCRIBE_CONFIGS on the cluster": [("CLUSTER", "kafka-cluster", "DESCRIBE_CONFIGS")],
    "DESCRIBE on the topic": [("TOPIC", "*", "DESCRIBE")],
    "DESCRIBE on the topics": [("TOPIC", "*", "DESCRIBE")],
    "DESCRIBE on the topics that the group reads": [("TOPIC", "*", "DESCRIBE")],
    "DESCRIBE_CONFIGS on the topic": [("TOPIC", "*", "DESCRIBE_CONFIGS")],
    "DESCRIBE_CONFIGS on the topics": [("TOPIC", "*", "DESCRIBE_CONFIGS")],
    "DESCRIBE on the group": [("GROUP", "*", "DESCRIBE")],
    "DESCRIBE on the groups": [("GROUP", "*", "DESCRIBE")],
    "DESCRIBE on the cluster or on the groups": [("GROUP", "*", "DESCRIBE")],
    "DESCRIBE on the group and on its topics": [("GROUP", "*", "DESCRIBE"), ("TOPIC", "*", "DESCRIBE")],
    "WRITE on the topic …": [
        ("TOPIC", "local.events_topic", "WRITE"),
        ("TOPIC", "local.changes_topic", "WRITE"),
    ],
    "WRITE on the transactional id …": [("TRANSACTIONAL_ID", "mesh-assets-*", "WRITE")],
    "READ on the topic …": [("TOPIC", "local.events_topic", "READ")],
}


def test_every_right_that_the_code_needs_from_kafka_is_granted_by_a_role() -> None:
    bound = bindings((FOLDER / "agents.tf").read_text(encoding="utf-8"))
    needed = rights_in_the_code() - NOT_NEEDED
    assert needed == GRANTS.keys()
    assert [binding for right in needed for binding in GRANTS[right] if binding not in bound] == []


def test_every_right_that_the_code_needs_from_kafka_is_granted_by_an_acl_on_a_basic_cluster() -> None:
    text = (FOLDER / "acls.tf").read_text(encoding="utf-8")
    bound = {
        (kind, name.strip('"'), operation)
        for kind, name, operation in re.findall(
            r'\{ type = "(\w+)", name = ("[^"]+"|[\w.]+), operation = "(\w+)" \}', text
        )
    }
    needed = rights_in_the_code() - NOT_NEEDED
    assert needed == ACLS.keys()
    assert [acl for right in needed for acl in ACLS[right] if acl not in bound] == []
    granted = {acl for acls in ACLS.values() for acl in acls}
    assert bound - granted == {("TOPIC", "pattern", "READ")}  # profiling, and nothing else


def test_terraform_creates_the_topics_that_the_agent_may_not_create() -> None:
    topics = resources("confluent_kafka_topic", blocks=read())
    assert {topic["topic_name"] for topic in topics.values()} == {
        "${local.events_topic}",
        "${local.changes_topic}",
    }


def test_every_registered_subject_is_writable_and_all_are_readable() -> None:
    bound = bindings((FOLDER / "agents.tf").read_text(encoding="utf-8"))
    registrar = _Registrar()
    avro_form.register_schemas(registrar, events_topic=EVENTS_TOPIC, changes_topic=CHANGES_TOPIC, cached=None)
    assert len(registrar.subjects) == 2
    for subject in registrar.subjects:
        assert Binding("DeveloperWrite", f"subject={subject}") in bound
    assert Binding("DeveloperRead", "subject=*") in bound


@pytest.mark.parametrize("credential", HTTP_GRANTS)
def test_every_role_named_to_a_refused_key_is_bound(credential: Credential) -> None:
    bound = bindings((FOLDER / "agents.tf").read_text(encoding="utf-8"))
    needed = HTTP_GRANTS[credential]
    assert len(re.findall(r"Operator|Developer[A-Z]|MetricsViewer", credential.lacking)) == len(needed)
    for words, granted in needed.items():
        assert words in credential.lacking
        assert [binding for binding in granted if binding not in bound] == []


@pytest.mark.parametrize("right", GRANTS)
def test_a_refused_right_comes_with_the_role_that_grants_it(right: str) -> None:
    assert role_for(right).startswith(f"the role {GRANTS[right][0].role} on ")


# Kafka's name for an operation, and its resource.
_RIGHT = re.compile(r"[A-Z_]+ on (?:the )?(?:cluster|topics?|groups?|transactional ids?)(?: [\w …]+)?")
_MAY_NAME_ONE = re.compile(r"[A-Z_]\W+on\b")  # also where a literal is continued on the next line


@cache
def rights_in_the_code() -> set[str]:
    """Every right that the code names as missing for a refused call to Kafka; names in it become `…`."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        # Mappings are created and proven with the operator's credentials, not the agent's.
        if {"sandbox", "esm"} & set(path.relative_to(PACKAGE).parts):
            continue
        code = path.read_text(encoding="utf-8")
        if not _MAY_NAME_ONE.search(code):
            continue  # to parse all files takes seconds
        for node in ast.walk(ast.parse(code)):
            found |= {text for text in _text(node) if _RIGHT.fullmatch(text)}
    return found


def _text(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)


class _Registrar:
    url = "https://registry.test"
    requests = 0

    def __init__(self) -> None:
        self.subjects: list[str] = []

    def register(self, subject: str, schema: str, schema_type: str = "AVRO") -> int:
        assert (schema, schema_type) != ("", "")
        self.subjects.append(subject)
        return len(self.subjects)

    def schema_by_id(self, schema_id: int) -> None:
        raise AssertionError(f"nobody asks for schema {schema_id}")


# The client's operation, as the code calls it → IAM's action, and the resource it must be granted for.
QUEUE, DEAD_LETTERS, TOPIC = (
    "${aws_sqs_queue.triggers.arn}",
    "${aws_sqs_queue.dead_letters.arn}",
    "${statement.value}",
)
OBJECTS, BUCKET = "${aws_s3_bucket.store.arn}/${var.store_prefix}/*", "${aws_s3_bucket.store.arn}"
PARAMETERS = "${[for parameter in aws_ssm_parameter.discovery_agent : parameter.arn]}"
NEEDED = {
    "platforms/secrets/stores.py": {
        "get_parameter": ("ssm:GetParameter", PARAMETERS),
        "get_parameters": ("ssm:GetParameters", PARAMETERS),
    },
    "platforms/aws/messaging.py": {
        "receive_message": ("sqs:ReceiveMessage", QUEUE),
        "delete_message_batch": ("sqs:DeleteMessage", QUEUE),
        "send_message": ("sqs:SendMessage", DEAD_LETTERS),
        "publish": ("sns:Publish", TOPIC),
    },
    "platforms/aws/msk_clusters.py": {"list_clusters_v2": ("kafka:ListClustersV2", "*")},
    "store/s3.py": {
        "get_object": ("s3:GetObject", OBJECTS),
        "head_object": ("s3:GetObject", OBJECTS),
        "put_object": ("s3:PutObject", OBJECTS),
        "delete_object": ("s3:DeleteObject", OBJECTS),
        "list_objects_v2": ("s3:ListBucket", BUCKET),
    },
}
_OPERATION = re.compile(
    r'(?:client\.|")([a-z]+_[a-z_0-9]*(?:message|object|objects_v2|clusters_v2|parameters?)(?:_batch)?|publish)\b'
)


@pytest.mark.parametrize("file", NEEDED)
def test_every_operation_of_the_code_is_granted(file: str) -> None:
    used = set(_OPERATION.findall((PACKAGE / file).read_text(encoding="utf-8")))
    assert used == NEEDED[file].keys()
    granted = policy()
    assert [
        NEEDED[file][operation] for operation in sorted(used) if NEEDED[file][operation] not in granted
    ] == []


def test_enable_esm_grants_exactly_what_the_commands_need() -> None:
    """The table in docs/esm.md, which has its own test against the code."""
    needed = set().union(*(rights.all for rights in rights_by_command().values()))

    assert {action for action, _ in policy("esm")} == needed


def policy(name: str = "runner") -> set[tuple[str, str]]:
    """The actions and resources that the policy of that name allows."""
    documents = {
        name: body
        for block in read()["data"]
        for name, body in block.get("aws_iam_policy_document", {}).items()
    }
    statements = [
        *documents[name]["statement"],
        *(content for each in documents[name]["dynamic"] for content in contents(each)),
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
