import pytest

from mesh_assets.estate.confluent_cloud import is_confluent_host


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
def test_confluent_cloud_is_known_by_its_domain(address: str, is_one: bool) -> None:
    assert is_confluent_host(address) is is_one
