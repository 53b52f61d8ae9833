"""A faked Secrets Manager and the brokers of a cluster."""

from typing import Any

import pytest

from mesh_assets_tests.esm.fake_aws import FakeAws, refusal


@pytest.fixture
def secrets(aws: FakeAws) -> dict[str, str]:
    """Name → text, as in Secrets Manager."""
    kept: dict[str, str] = {}

    def answer(SecretId: str) -> dict[str, Any]:  # noqa: N803 - AWS' name
        if SecretId not in kept:
            raise refusal("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
        return {"ARN": SecretId, "Name": "s", "SecretString": kept[SecretId]}

    aws.answers["secretsmanager.get_secret_value"] = answer
    aws.answers["kafka.get_bootstrap_brokers"] = lambda ClusterArn: {  # noqa: N803, ARG005 - AWS' name
        "BootstrapBrokerString": "b-1:9092",
        "BootstrapBrokerStringTls": "b-1:9094",
        "BootstrapBrokerStringSaslScram": "b-1:9096",
        "BootstrapBrokerStringSaslIam": "b-1:9098",
        "BootstrapBrokerStringPublicSaslIam": "b-1-public:9198",
    }
    return kept
