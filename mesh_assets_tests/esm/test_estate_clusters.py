"""Which cluster of the estate a mapping reads, and a topic looked up there."""

from collections import Counter
from typing import Any

import msgspec
import pytest

from mesh_assets.esm.estate_clusters import cluster_of, estate_topics
from mesh_assets.esm.surroundings import UnknownClusterError
from mesh_assets.estate.file import parse_estate
from mesh_assets.estate.model import Estate
from mesh_assets.platforms.kafka import ClusterMetadata, PartitionMetadata, TopicMetadata
from mesh_assets_tests.esm.fake_aws import CLUSTER_ARN, FakeAws, refusal
from mesh_assets_tests.esm.iam.situations import CONNECTION_ARN
from mesh_assets_tests.esm.requests import WIRING

SERVERS = (
    "clusters: {own: {kafka: {bootstrap_servers: 'b1.example:9092,b2.example:9092'}}, "
    "msk: {kafka: {bootstrap_servers: 'b-2.orders:9098'}}}"
)
BY_ARN = f"clusters: {{msk: {{kafka: {{cluster_arn: '{CLUSTER_ARN}', security_protocol: SASL_SSL, sasl_mechanism: AWS_MSK_IAM}}}}}}"


def estate(text: str) -> Estate:
    return parse_estate(text, source="estate.yaml")


def name(aws: FakeAws, text: str, arn: str | None, *servers: str) -> str | None:
    cluster = cluster_of(estate(text), aws.account(), event_source_arn=arn, bootstrap_servers=servers)
    return None if cluster is None else cluster.name


def test_a_cluster_is_recognised_by_one_of_its_servers(aws: FakeAws) -> None:
    assert name(aws, SERVERS, None, "b2.example:9092", "b9.example:9092") == "own"
    assert name(aws, SERVERS, None, "b2.example:9093") is None


def test_a_cluster_is_recognised_whatever_names_its_servers(
    aws: FakeAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "clusters: {own: {kafka: {bootstrap_servers: '${BROKERS}:9092, b2.example:9092'}}}"
    assert name(aws, text, None, "b1.example:9092") is None
    assert name(aws, text, None, "b2.example:9092") == "own"
    monkeypatch.setenv("BROKERS", "B1.example")
    assert name(aws, text, None, "b1.Example:9092") == "own"


def test_an_msk_cluster_is_recognised_by_its_arn_or_its_servers_in_aws(aws: FakeAws) -> None:
    assert name(aws, BY_ARN, CLUSTER_ARN) == "msk"
    assert aws.calls == []
    assert name(aws, SERVERS, CLUSTER_ARN) == "msk"


def test_a_vpc_connection_is_recognised_by_its_cluster(aws: FakeAws) -> None:
    """Its own ARN has another UUID, for which AWS gives no brokers."""
    aws.connections[CONNECTION_ARN] = (CLUSTER_ARN, "SASL_IAM")
    assert name(aws, BY_ARN, CONNECTION_ARN) == "msk"
    assert name(aws, SERVERS, CONNECTION_ARN) == "msk"


class Reader:
    """A reader of one topic."""

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        self.closed = False

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(name)

    def metadata(self) -> ClusterMetadata:
        partition = PartitionMetadata(partition=0, leader=1, replicas=(1,), isr=(1,))
        topic = TopicMetadata(name="orders", id=None, internal=False, partitions=(partition,))
        return ClusterMetadata(cluster_id="c", brokers=(), topics=(topic,))

    def close(self) -> None:
        self.closed = True


def test_a_topic_is_looked_up_and_the_connection_closed(aws: FakeAws) -> None:
    reader = Reader()
    lookup = estate_topics(estate(SERVERS), aws.account(), open_reader=lambda _: reader)

    assert lookup(WIRING, ("b1.example:9092",)) == 1
    assert reader.closed
    assert lookup(msgspec.structs.replace(WIRING, topic="other"), ("b1.example:9092",)) is None


def test_a_cluster_outside_the_estate_is_unknown_not_a_missing_topic(aws: FakeAws) -> None:
    with pytest.raises(UnknownClusterError, match="the estate has no cluster with these bootstrap servers"):
        estate_topics(estate(SERVERS), aws.account())(WIRING, ("elsewhere:9092",))
    aws.failing["kafka.get_bootstrap_brokers"] = [refusal("AccessDeniedException", status=403)]
    msk = msgspec.structs.replace(WIRING, cluster_arn=CLUSTER_ARN)
    with pytest.raises(UnknownClusterError, match="kafka:GetBootstrapBrokers on MSK cluster"):
        estate_topics(estate(SERVERS), aws.account())(msk, ())
