"""The asset of all mappings and its checks."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from mesh_assets.defs.esm.asset import MAPPINGS_KEY, NOT_CONFIGURED, mappings_asset
from mesh_assets.defs.resources import estate_resource
from mesh_assets.errors import PlatformError, UnreachableError
from mesh_assets.esm import health as lag_module
from mesh_assets.estate.model import Cluster
from mesh_assets.platforms.kafka import (
    ClusterMetadata,
    CommittedPartition,
    ConsumerGroup,
    GroupsReading,
    OffsetsReading,
    PartitionMetadata,
    PartitionOffsets,
    ShareGroup,
    TopicMetadata,
    UnlistedGroups,
)
from mesh_assets.platforms.kafka.wire.named_groups import SharePartition
from mesh_assets_tests.defs.esm.fakes import FAKES, INSTANCES, FakeMappings
from mesh_assets_tests.esm.fake_aws import REGION, FakeAws, refusal

pytestmark = pytest.mark.slow

CLUSTERS = "clusters: {own: {kafka: {bootstrap_servers: 'b1.example:9092'}, anomalies: {lag_records: 100}}}\n"
ACCOUNTS = f"esm: {{accounts: [{{region: {REGION}}}]}}\n"
OWN: dict[str, Any] = {
    "SelfManagedEventSource": {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["b1.example:9092"]}},
    "SelfManagedKafkaEventSourceConfig": {"ConsumerGroupId": "payers"},
}
NOW = datetime(2026, 11, 26, tzinfo=UTC)


class Reader:
    """A cluster with the topic `payments`: one partition, 500 records, of which the group `payers` has committed some.
    `unlisted`: why no list shows the group."""

    def __init__(self, committed: int | None, unlisted: str | None = None) -> None:
        self.committed = committed
        self.unlisted = unlisted
        self.requests: Counter[str] = Counter()

    def read_cluster_id(self) -> str | None:
        return "c"

    def metadata(self) -> ClusterMetadata:
        partition = PartitionMetadata(partition=0, leader=1, replicas=(1,), isr=(1,))
        topic = TopicMetadata(name="payments", id=None, internal=False, partitions=(partition,))
        return ClusterMetadata(cluster_id="c", brokers=(), topics=(topic,))

    def configs(self, topics: Any) -> Any:
        raise AssertionError(topics)

    def offsets(self, partitions_by_topic: Any) -> OffsetsReading:  # noqa: ARG002 - the signature of a reader
        return OffsetsReading(
            read_at=NOW, topics={"payments": (PartitionOffsets(partition=0, earliest=0, latest=500),)}
        )

    def groups(self, selects: Any) -> GroupsReading:
        if self.unlisted is not None:
            lost = UnlistedGroups(partitions=frozenset({0}), of=1, reason=self.unlisted)
            return GroupsReading(read_at=NOW, groups=(), unlisted=lost)
        group = ConsumerGroup(
            group_id="payers",
            type="classic",
            protocol_type="consumer",
            state="Stable",
            coordinator=1,
            members=(),
            offsets=(CommittedPartition(topic="payments", partition=0, committed=self.committed),),
        )
        return GroupsReading(read_at=NOW, groups=(group,) if selects("payers") else ())

    def close(self) -> None:
        pass


@pytest.fixture
def aws(instance: dg.DagsterInstance) -> FakeAws:
    FAKES["aws"], INSTANCES["asset"] = FakeAws(), instance
    return FAKES["aws"]


def materialize(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    esm: str = ACCOUNTS,
    committed: int | None = 450,
    unlisted: str | None = None,
    share: ShareGroup | PlatformError | None = None,
) -> tuple[dict[str, Any], dict[str, dg.AssetCheckEvaluation]]:
    (tmp_path / "estate.yaml").write_text(CLUSTERS + esm)
    monkeypatch.setenv("MESH_ESTATE", str(tmp_path / "estate.yaml"))
    defaults = lag_module.mapping_lags.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "open_reader", lambda _: Reader(committed, unlisted))
    monkeypatch.setitem(defaults, "read_share", lambda *asked: read_share(share, *asked))
    result = dg.materialize(
        [mappings_asset(retry_seconds=0)],
        resources={"estate": estate_resource(), "event_source_mappings": FakeMappings(fake="aws")},
        instance=INSTANCES["asset"],
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
    )
    [made] = result.asset_materializations_for_node("esm__event_source_mappings")
    checks = {check.check_name: check for check in result.get_asset_check_evaluations()}
    return {
        key: value.records if isinstance(value, dg.TableMetadataValue) else value.value
        for key, value in made.metadata.items()
    }, checks


def test_the_asset_lists_all_mappings_and_finds_them_healthy(
    aws: FakeAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws.add_mapping("pay", "payments", **OWN)

    metadata, checks = materialize(tmp_path, monkeypatch)

    assert (metadata["status"], metadata["dagster/row_count"]) == ("fresh", 1)
    [row] = [record.data for record in metadata["mappings (all)"]]
    assert (row["function"], row["topic"], row["group_id"], row["state"]) == (
        "pay",
        "payments",
        "payers",
        "Enabled",
    )
    assert {name: check.passed for name, check in checks.items()} == {
        "enabled": True,
        "last_result_ok": True,
        "not_lagging": True,
    }


def test_a_group_without_a_coordinator_has_an_unknown_lag_instead_of_no_commits(
    aws: FakeAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws.add_mapping("pay", "payments", **OWN)

    _, checks = materialize(tmp_path, monkeypatch, unlisted="no coordinator")

    assert not checks["not_lagging"].passed
    findings = str(checks["not_lagging"].metadata["findings"].value)
    assert "the lag is unknown: no coordinator" in findings


def test_the_assets_checks_name_what_is_wrong(
    aws: FakeAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uuid = aws.add_mapping(
        "pay",
        "payments",
        **OWN,
        State="Disabled",
        LastProcessingResult="PROBLEM: SASL authentication failed.",
    )

    _, checks = materialize(tmp_path, monkeypatch, committed=100)

    findings = {name: check.metadata["findings"].value for name, check in checks.items()}
    assert findings == {
        "enabled": f"- pay ← payments ({uuid}) is Disabled (USER_INITIATED)",
        "last_result_ok": f"- pay ← payments ({uuid}): PROBLEM: SASL authentication failed.",
        "not_lagging": f"- pay ← payments ({uuid}): 400 records behind (more than 100)",
    }
    assert not any(check.passed for check in checks.values())
    for check in checks.values():
        table = check.metadata["mappings"]
        assert isinstance(table, dg.TableMetadataValue)
        assert [(row.data["uuid"], row.data["state"], row.data["batch_size"]) for row in table.records] == [
            (uuid, "Disabled", 100)
        ]


def test_an_unreadable_lag_is_not_a_small_lag(
    aws: FakeAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws.add_mapping("pay", "refunds", **OWN)

    _, checks = materialize(tmp_path, monkeypatch)

    assert not checks["not_lagging"].passed
    assert "the lag is unknown: own has no topic refunds" in str(
        checks["not_lagging"].metadata["findings"].value
    )


def read_share(
    found: ShareGroup | PlatformError | None, cluster: Cluster, group: str, topic: str
) -> ShareGroup:
    assert (cluster.name, group, topic) == ("own", "payers", "payments")
    if isinstance(found, ShareGroup):
        return found
    raise found or AssertionError("no share group is to be read")


@pytest.mark.parametrize(
    ("share", "finding"),
    [
        (
            ShareGroup(
                (), {0: SharePartition(400, 60), 1: SharePartition(7, 40), 2: SharePartition(None, None)}
            ),
            "",
        ),
        (ShareGroup((), {0: SharePartition(None, None)}), ""),
        (
            ShareGroup((), {0: SharePartition(400, 60), 1: SharePartition(7, 41)}),
            "101 records behind (more than 100)",
        ),
        (
            ShareGroup((), {0: SharePartition(400, None)}),
            "the lag is unknown: the brokers do not count what waits for",
        ),
        (UnreachableError("nobody answers"), "the lag is unknown: nobody answers"),
    ],
)
def test_the_lag_of_queue_mode_is_the_brokers_count_for_its_share_group(
    aws: FakeAws,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    share: ShareGroup | PlatformError,
    finding: str,
) -> None:
    """The consumer group of that name in the fake is another group."""
    queue = {"ConsumerGroupId": "payers", "ConsumptionMode": "Queue"}
    aws.add_mapping("pay", "payments", **{**OWN, "SelfManagedKafkaEventSourceConfig": queue})

    _, checks = materialize(tmp_path, monkeypatch, committed=100, share=share)

    findings = str(checks["not_lagging"].metadata["findings"].value)
    assert (checks["not_lagging"].passed, findings == "none") == (not finding, not finding)
    assert finding in findings


def test_no_commit_yet_is_not_a_fault(aws: FakeAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    aws.add_mapping("pay", "payments", **OWN)

    _, checks = materialize(tmp_path, monkeypatch, committed=None)

    assert checks["not_lagging"].passed


def test_a_mapping_of_a_cluster_outside_the_estate_is_reported_as_unchecked(
    aws: FakeAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws.add_mapping()
    aws.add_mapping(topic="refunds")

    _, checks = materialize(tmp_path, monkeypatch)

    assert checks["not_lagging"].passed
    # Not "all 2 are healthy" as well: nothing was checked.
    assert checks["not_lagging"].description == "2 not checked, because their clusters are not in the estate"
    assert len(aws.asked("kafka.get_bootstrap_brokers")) == 1


@pytest.mark.parametrize("esm", ["", "esm: {secrets: ['AmazonMSK_*']}\n"])
def test_without_accounts_in_the_estate_the_asset_says_so(
    aws: FakeAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, esm: str
) -> None:
    metadata, checks = materialize(tmp_path, monkeypatch, esm=esm)

    assert metadata == {"status": "not_configured", "message": NOT_CONFIGURED}
    assert {check.description for check in checks.values()} == {NOT_CONFIGURED}
    assert aws.calls == []


def test_an_unreadable_account_fails_the_asset(
    aws: FakeAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws.failing["lambda.list_event_source_mappings"] = [refusal("AccessDeniedException", status=403)] * 5

    with pytest.raises(Exception, match="not all accounts could be read"):
        materialize(tmp_path, monkeypatch)


def test_the_asset_has_no_partitions() -> None:
    assert mappings_asset().partitions_def is None
    assert MAPPINGS_KEY.to_user_string() == "esm/event_source_mappings"
