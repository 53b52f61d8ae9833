"""What a connection to Kafka may contain, and what is refused."""

from typing import Any

import pytest
from pydantic import ValidationError

from mesh_assets.estate.connections import KafkaConnection, is_confluent_host

ARN = "arn:aws:kafka:eu-west-1:123456789012:cluster/payments/0f1c9f2e-6f0e-4b0a-9d1c-0c9a8d9b7f66-2"
IAM = {"security_protocol": "SASL_SSL", "sasl_mechanism": "AWS_MSK_IAM"}
SCRAM = {
    "security_protocol": "SASL_SSL",
    "sasl_mechanism": "SCRAM-SHA-512",
    "username": "u",
    "password": "ssm:/p",
}


@pytest.mark.parametrize(
    "fields",
    [
        {"bootstrap_servers": "one:9092"},
        {"bootstrap_servers": "one:9098", "region": "eu-west-1", **IAM},
        {"cluster_arn": ARN},
        {"cluster_arn": ARN, "security_protocol": "SSL", "msk_network": "public"},
        {"cluster_arn": ARN, **IAM},
        {"cluster_arn": ARN, **SCRAM, "msk_network": "multi_vpc"},
    ],
)
def test_a_connection_names_its_brokers_or_an_msk_cluster(fields: dict[str, Any]) -> None:
    assert KafkaConnection(**fields).address in (ARN, fields.get("bootstrap_servers"))


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({}, "expected bootstrap_servers, or the cluster_arn of an Amazon MSK cluster, but not both"),
        ({"bootstrap_servers": "one:9092", "cluster_arn": ARN}, "but not both"),
        (
            {"bootstrap_servers": "one:9098", "sasl_mechanism": "AWS_MSK_IAM"},
            "AWS_MSK_IAM needs security_protocol SASL_SSL",
        ),
        (
            {"bootstrap_servers": "one:9098", **IAM, "username": "alice"},
            "AWS_MSK_IAM takes no username and password",
        ),
        (
            {"cluster_arn": ARN, **SCRAM, "sasl_mechanism": "PLAIN"},
            "Amazon MSK supports SASL_SSL with AWS_MSK_IAM or SCRAM-SHA-512",
        ),
        ({"cluster_arn": ARN, "msk_network": "public"}, "msk_network public has no brokers for PLAINTEXT"),
        ({"cluster_arn": "arn:aws:lambda:eu-west-1:123456789012:function:f"}, "cluster_arn"),
    ],
)
def test_unworkable_settings_are_refused_when_the_estate_is_read(
    fields: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ValidationError, match=sentence):
        KafkaConnection(**fields)


@pytest.mark.parametrize(
    ("address", "is_one"),
    [
        ("pkc-1.eu-west-1.aws.confluent.cloud:9092", True),
        ("SASL_SSL://pkc-1.confluent.cloud:9092", True),
        ("https://psrc-1.us-east1.gcp.confluent.cloud/", True),
        ("confluent.cloud.example:9092", False),
        ("notconfluent.cloud:9092", False),
        ("127.0.0.1:9092", False),
        ("[::1", False),
        ("", False),
    ],
)
def test_confluent_cloud_is_recognised_by_its_domain(address: str, is_one: bool) -> None:
    assert is_confluent_host(address) is is_one
