"""The policies: each right that a mapping needs, in every situation and partition, and `*` only where AWS cannot
scope."""

import json
import subprocess
import sys
from typing import Any

import msgspec
import pytest

from mesh_assets.esm.iam.granted import policy_name
from mesh_assets.esm.iam.least_privilege import (
    NETWORK_ACTIONS,
    UNSCOPED_MSK_ACTION,
    UNSCOPED_TOKEN_ACTION,
    needed_statements,
)
from mesh_assets.esm.iam.policy import document_of
from mesh_assets.esm.iam.wiring import Wiring, wiring_of_mapping, wiring_of_request
from mesh_assets.esm.mapping import read_mapping
from mesh_assets_tests.esm.fake_aws import ACCOUNT, REGION, FakeAws
from mesh_assets_tests.esm.iam.situations import CONFLUENT, FOLDER, SITUATIONS, texts
from mesh_assets_tests.esm.requests import MSK, PROVISIONED, create

UNSCOPED = (NETWORK_ACTIONS, (UNSCOPED_MSK_ACTION,), (UNSCOPED_TOKEN_ACTION,))


@pytest.fixture(scope="module")
def reviewed() -> dict[str, dict[str, Any]]:
    """The policies of the files, by file and situation."""
    return {
        f"{path.stem}: {name}": policy
        for path in sorted(FOLDER.glob("*.json"))
        for name, policy in json.loads(path.read_text(encoding="utf-8")).items()
    }


def granted(policy: dict[str, Any]) -> dict[str, list[str]]:
    return {action: s["Resource"] for s in policy["Statement"] for action in s["Action"]}


def test_the_policies_are_the_reviewed_ones() -> None:
    written = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()}

    assert texts() == written, "run python -m mesh_assets_tests.esm.iam.situations, and look at what changes"


def test_no_situation_is_left_out(reviewed: dict[str, dict[str, Any]]) -> None:
    assert len(reviewed) == sum(len(situations) for situations in SITUATIONS.values()) + 3
    assert len(reviewed) >= 24


def test_kafkas_own_rights_go_only_to_the_role_that_logs_in(
    reviewed: dict[str, dict[str, Any]],
) -> None:
    """A registry's secret says nothing about the brokers."""
    by_iam = {name for name, policy in reviewed.items() if "kafka-cluster:ReadData" in granted(policy)}

    others = {name for name in reviewed if name not in by_iam}
    assert "msk: IAM, Confluent registry with a secret" in by_iam
    assert {name for name in others if name.startswith(("destinations", "partitions"))} == {
        "destinations: a topic, by SCRAM"
    }
    assert {name for name in by_iam if name.startswith("self_managed")} == {
        "self_managed: IAM_AUTH",
        "self_managed: IAM_AUTH, with the servers' CA, failed records to a topic",
        "self_managed: queue mode, IAM_AUTH",
        "self_managed: queue mode, IAM_AUTH, without a group",
    }
    for word in ("SCRAM", "mTLS", "without IAM"):
        assert {name for name in by_iam if word in name} == set()
    for policy in reviewed.values():
        assert {"kafka-cluster:AlterCluster", "kafka-cluster:*"} & granted(policy).keys() == set()


def test_queue_mode_needs_what_the_stream_does(reviewed: dict[str, dict[str, Any]]) -> None:
    """Kafka requires the same rights on a share group as on a consumer group."""
    stream, queue = reviewed["self_managed: IAM_AUTH"], reviewed["self_managed: queue mode, IAM_AUTH"]

    assert queue == stream
    assert granted(queue)["kafka-cluster:AlterGroup"] == [
        f"arn:aws:kafka:{REGION}:{ACCOUNT}:group/*/*/orders-handler"
    ]
    unnamed = granted(reviewed["self_managed: queue mode, IAM_AUTH, without a group"])
    assert not {"kafka-cluster:AlterGroup", "kafka-cluster:DescribeGroup"} & unnamed.keys()


def test_a_token_is_for_its_audience_only(reviewed: dict[str, dict[str, Any]]) -> None:
    policy = reviewed["self_managed: IAM_OAUTHBEARER_AUTH"]

    [token] = [s for s in policy["Statement"] if s["Action"] == ["sts:GetWebIdentityToken"]]

    assert token["Condition"] == {
        "ForAnyValue:StringEquals": {"sts:IdentityTokenAudience": ["kafka-cluster"]}
    }


def test_the_key_behind_an_alias_is_granted_and_never_the_alias(reviewed: dict[str, dict[str, Any]]) -> None:
    for name, policy in reviewed.items():
        rights = granted(policy)
        for action in ("kms:Decrypt", "kms:GenerateDataKey"):
            assert all(":key/" in key for key in rights.get(action, ()))
        encrypted = name.startswith("partitions") or (
            name.startswith("destinations") and " under " in name and "AWS' own" not in name
        )
        assert ("kms:GenerateDataKey" in rights) is encrypted
        if encrypted:
            assert ("kms:Decrypt" in rights) is ("S3" not in name)


def test_a_star_is_used_only_where_aws_cannot_scope(reviewed: dict[str, dict[str, Any]]) -> None:
    for name, policy in reviewed.items():
        for statement in policy["Statement"]:
            assert not any("*" in action for action in statement["Action"])
            if "*" in statement["Resource"]:
                assert statement["Resource"] == ["*"]
                assert tuple(statement["Action"]) in UNSCOPED
                continue
            for resource in statement["Resource"]:
                if "*" not in resource:
                    continue
                if resource.split(":")[2] == "kafka":  # the name or the UUID of an unknown cluster
                    assert "IAM_AUTH" in name or name.endswith("may not be read")
                    continue
                # Below a named resource: log streams, schemas of the registry, objects in the bucket.
                assert resource.endswith((":*", "log-stream:*", "/*"))
                assert resource.count("*") == 1
                assert resource.split(":")[2] in ("logs", "glue", "s3")


def wiring(base: dict[str, Any], **changes: Any) -> Wiring:
    return wiring_of_request(create(base, **changes), partition="aws", region=REGION, account_id=ACCOUNT)


def test_a_mapping_has_the_wiring_of_its_request(aws: FakeAws) -> None:
    request = {"schema_registry": CONFLUENT, "on_failure_destination": "kafka://orders-dead"}
    uuid = aws.add_mapping(
        AmazonManagedKafkaEventSourceConfig={
            "ConsumerGroupId": "orders-handler",
            "SchemaRegistryConfig": {
                "SchemaRegistryURI": CONFLUENT["uri"],
                "AccessConfigs": [
                    {"Type": "BASIC_AUTH", "URI": CONFLUENT["access_configurations"][0]["uri"]}
                ],
            },
        },
        DestinationConfig={"OnFailure": {"Destination": "kafka://orders-dead"}},
    )

    found = wiring_of_mapping(read_mapping(aws.mappings[uuid]))
    assert found == msgspec.structs.replace(wiring(PROVISIONED, **request), exists=True)


def test_a_right_is_named_even_without_what_only_aws_knows() -> None:
    """IAM is assumed where the cluster was not asked, and the owner's cluster is known by name."""
    plain = wiring(MSK)
    connected = msgspec.structs.replace(
        plain, cluster_arn=f"arn:aws:kafka:{REGION}:{ACCOUNT}:vpc-connection/999999999999/orders/c0nn-7"
    )

    assert plain.uses_iam_authentication
    assert granted(document_of(needed_statements(connected)))["kafka-cluster:Connect"] == [
        f"arn:aws:kafka:{REGION}:999999999999:cluster/orders/*"
    ]


def test_the_policys_name_is_the_same_only_for_the_same_document_and_fits_iam() -> None:
    document = document_of(needed_statements(wiring(MSK)))
    assert policy_name("orders", document) == policy_name("orders", json.loads(json.dumps(document)))
    assert policy_name("orders", document) != policy_name("orders", document_of(()))
    assert len(policy_name("x" * 249, document)) <= 128


_LINT = """
import json, sys, warnings
warnings.simplefilter("ignore")  # parliament reads its data by pkg_resources, which setuptools has declared old
import parliament
from parliament import analyze_policy_string, enhance_finding
# What came after parliament's last release, as AWS' service authorization reference has it.
token = {"privilege": "GetWebIdentityToken", "access_level": "Read", "description": "", "resource_types": [
    {"resource_type": "", "condition_keys": ["sts:IdentityTokenAudience"], "dependent_actions": []}]}
[sts] = [service for service in parliament.iam_definition if service["prefix"] == "sts"]
sts["privileges"].append(token)
sts["conditions"].append({"condition": "sts:IdentityTokenAudience", "description": "", "type": "ArrayOfString"})
found = {}
for name, text in json.load(sys.stdin).items():
    findings = [enhance_finding(finding) for finding in analyze_policy_string(text).findings]
    found[name] = [f"{f.issue} {f.detail}" for f in findings]
print(json.dumps(found))
"""


@pytest.mark.slow
def test_a_policy_linter_finds_nothing_but_the_networks_star(reviewed: dict[str, dict[str, Any]]) -> None:
    """parliament, in its own process: its imports emit warnings."""
    policies = {name: json.dumps(policy) for name, policy in reviewed.items()}
    star = "RESOURCE_STAR ['ec2:CreateNetworkInterface', 'ec2:DeleteNetworkInterface']"

    done = subprocess.run(
        [sys.executable, "-c", _LINT], input=json.dumps(policies), capture_output=True, text=True, timeout=120
    )

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        name: [star] if "ec2:CreateNetworkInterface" in granted(policy) else []
        for name, policy in reviewed.items()
    }
