"""The policy that is generated: each right it needs, in every partition, and `*` only where AWS cannot scope."""

import json
import subprocess
import sys
from typing import Any

import msgspec
import pytest

from mesh_assets.esm.iam.granted import policy_name
from mesh_assets.esm.iam.least_privilege import NETWORK_ACTIONS, UNSCOPED_MSK_ACTION, needed_statements
from mesh_assets.esm.iam.policy import document_of
from mesh_assets.esm.iam.wiring import Wiring, wiring_of_request
from mesh_assets_tests.esm.fake_aws import ACCOUNT, CLUSTER_ARN, KEY_ARN, REGION, SECRET_ARN
from mesh_assets_tests.esm.requests import MSK, MSK_SCRAM, SELF_MANAGED, SELF_MANAGED_SECRET, create

GLUE = f"arn:aws:glue:{REGION}:{ACCOUNT}:registry/main"


def wiring(
    base: dict[str, Any], *, partition: str = "aws", keys: tuple[str, ...] = (), **changes: Any
) -> Wiring:
    made = wiring_of_request(create(base, **changes), partition=partition, region=REGION, account_id=ACCOUNT)
    return msgspec.structs.replace(made, keys=keys)


WIRINGS = {
    "msk iam": wiring(MSK),
    "msk iam, sqs": wiring(MSK, on_failure_destination=f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead"),
    "msk iam, kafka": wiring(MSK, on_failure_destination="kafka://orders-dead"),
    "msk iam, glue, s3": wiring(
        MSK,
        provisioned_mode=True,
        schema_registry={"uri": GLUE},
        on_failure_destination="arn:aws:s3:::dead-letters",
    ),
    "msk scram, key, sns": wiring(
        MSK_SCRAM, keys=(KEY_ARN,), on_failure_destination=f"arn:aws:sns:{REGION}:{ACCOUNT}:dead"
    ),
    "msk by vpc connection": wiring(
        MSK, event_source_arn=f"arn:aws:kafka:{REGION}:{ACCOUNT}:vpc-connection/999999999999/orders/0f6d-7"
    ),
    "self-managed in a vpc": wiring(SELF_MANAGED),
    "self-managed on the internet": wiring(
        SELF_MANAGED, source_access_configurations=[{"type": "BASIC_AUTH", "uri": SELF_MANAGED_SECRET}]
    ),
}


def granted(given: Wiring) -> dict[str, tuple[str, ...]]:
    return {
        action: statement.resources for statement in needed_statements(given) for action in statement.actions
    }


@pytest.mark.parametrize(
    ("partition", "region"), [("aws", REGION), ("aws-cn", "cn-north-1"), ("aws-us-gov", "us-gov-west-1")]
)
def test_msk_with_iam_gets_the_cluster_the_topic_and_the_group_with_the_clusters_uuid(
    partition: str, region: str
) -> None:
    place = f"arn:{partition}:kafka:{region}:{ACCOUNT}"
    made = wiring_of_request(
        create(MSK, event_source_arn=f"{place}:cluster/orders/0f6d-7"),
        partition=partition,
        region=region,
        account_id=ACCOUNT,
    )
    rights = granted(made)

    assert (
        rights["kafka-cluster:Connect"]
        == rights["kafka:DescribeClusterV2"]
        == (f"{place}:cluster/orders/0f6d-7",)
    )
    assert (
        rights["kafka-cluster:ReadData"]
        == rights["kafka-cluster:DescribeTopic"]
        == (f"{place}:topic/orders/0f6d-7/orders",)
    )
    assert (
        rights["kafka-cluster:AlterGroup"]
        == rights["kafka-cluster:DescribeGroup"]
        == (f"{place}:group/orders/0f6d-7/orders-handler",)
    )
    assert rights["logs:PutLogEvents"] == (
        f"arn:{partition}:logs:{region}:{ACCOUNT}:log-group:/aws/lambda/orders-handler:log-stream:*",
    )
    assert {"kafka-cluster:AlterCluster", "kafka-cluster:WriteData", "kafka-cluster:*"} & set(rights) == set()


def test_msk_with_scram_gets_the_secret_and_its_key_and_nothing_of_iam_authentication() -> None:
    rights = granted(WIRINGS["msk scram, key, sns"])

    assert rights["secretsmanager:GetSecretValue"] == (SECRET_ARN,)
    assert rights["kms:Decrypt"] == (KEY_ARN,)
    assert not any(action.startswith("kafka-cluster:") for action in rights)


def test_an_msk_cluster_without_iam_gets_nothing_of_iam_authentication() -> None:
    rights = granted(msgspec.structs.replace(WIRINGS["msk iam"], iam_enabled=False))

    assert not any(action.startswith("kafka-cluster:") for action in rights)


def test_another_accounts_cluster_is_the_owners() -> None:
    rights = granted(WIRINGS["msk by vpc connection"])

    assert rights["kafka-cluster:Connect"] == (f"arn:aws:kafka:{REGION}:999999999999:cluster/orders/0f6d-7",)
    assert rights["kafka:DescribeVpcConnection"] == (
        f"arn:aws:kafka:{REGION}:{ACCOUNT}:vpc-connection/999999999999/orders/0f6d-7",
    )


def test_a_self_managed_cluster_gets_the_network_only_in_a_vpc() -> None:
    assert set(NETWORK_ACTIONS) <= set(granted(WIRINGS["self-managed in a vpc"]))
    assert set(granted(WIRINGS["self-managed on the internet"])) == {
        "logs:CreateLogGroup",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "secretsmanager:GetSecretValue",
    }


def test_destinations_and_registries_get_their_own_rights() -> None:
    assert granted(WIRINGS["msk iam, sqs"])["sqs:SendMessage"] == (f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead",)
    assert granted(WIRINGS["msk scram, key, sns"])["sns:Publish"] == (f"arn:aws:sns:{REGION}:{ACCOUNT}:dead",)
    assert granted(WIRINGS["msk iam, kafka"])["kafka-cluster:WriteData"] == (
        f"{CLUSTER_ARN.replace(':cluster/', ':topic/')}/orders-dead",
    )
    glue = granted(WIRINGS["msk iam, glue, s3"])
    assert glue["glue:GetRegistry"] == (GLUE,)
    assert glue["glue:GetSchemaVersion"] == (GLUE, f"arn:aws:glue:{REGION}:{ACCOUNT}:schema/main/*")
    assert (glue["s3:PutObject"], glue["s3:ListBucket"]) == (
        ("arn:aws:s3:::dead-letters/*",),
        ("arn:aws:s3:::dead-letters",),
    )


@pytest.mark.parametrize("name", WIRINGS)
def test_a_star_is_used_only_where_aws_cannot_scope(name: str) -> None:
    for statement in needed_statements(WIRINGS[name]):
        assert not any("*" in action for action in statement.actions)
        if "*" in statement.resources:
            assert statement.resources == ("*",)
            assert statement.actions in (NETWORK_ACTIONS, (UNSCOPED_MSK_ACTION,))
            continue
        for resource in statement.resources:
            # Below a thing that is named: log streams, schemas of the registry, objects of the bucket.
            if "*" in resource:
                assert resource.endswith((":*", "log-stream:*", "/*"))
                assert resource.count("*") == 1
                assert resource.split(":")[2] in ("logs", "glue", "s3")


def test_the_policys_name_is_the_same_for_the_same_mapping_and_fits_iam() -> None:
    assert policy_name(WIRINGS["msk iam"]) == policy_name(wiring(MSK, batch_size=7))
    assert policy_name(WIRINGS["msk iam"]) != policy_name(wiring(MSK, kafka_consumer_group_id="other"))
    assert len(policy_name(wiring(MSK, kafka_topic="x" * 249))) <= 128


_LINT = """
import json, sys, warnings
warnings.simplefilter("ignore")  # parliament reads its data by pkg_resources, which setuptools has declared old
from parliament import analyze_policy_string, enhance_finding
found = {}
for name, text in json.load(sys.stdin).items():
    findings = [enhance_finding(finding) for finding in analyze_policy_string(text).findings]
    found[name] = [f"{f.issue} {f.detail}" for f in findings]
print(json.dumps(found))
"""


def test_a_policy_linter_finds_nothing_but_the_networks_star() -> None:
    """parliament, in a process of its own: what it imports warns."""
    policies = {name: json.dumps(document_of(needed_statements(given))) for name, given in WIRINGS.items()}
    star = "RESOURCE_STAR ['ec2:CreateNetworkInterface', 'ec2:DeleteNetworkInterface']"

    done = subprocess.run(
        [sys.executable, "-c", _LINT], input=json.dumps(policies), capture_output=True, text=True, timeout=120
    )

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        name: [star] if given.uses_vpc else [] for name, given in WIRINGS.items()
    }
