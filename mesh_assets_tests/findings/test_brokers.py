from msgspec.structs import replace

from mesh_assets.inventory.broker_records import ClusterBroker
from mesh_assets.inventory.records import Partition
from mesh_assets.inventory.storage_records import LogDirectory
from mesh_assets_tests.documents import a_topic, some_brokers
from mesh_assets_tests.findings.cases import found, judged, now

WELL = ClusterBroker(id=1, host="one", port=9092, fenced=False)
FENCED = replace(WELL, id=2, host="two", rack="b", fenced=True)
DISK = LogDirectory(broker=1, path="/data", replicas=3, bytes=100)
LOST = LogDirectory(broker=1, path="/disk", error="Disk error (KAFKA_STORAGE_ERROR)")


def test_a_fenced_broker_is_reported_with_what_it_hosts() -> None:
    document = now(
        topics=(a_topic("orders", partitions=3, replicas=(1, 2)), a_topic("users", replicas=(1,))),
        brokers=some_brokers(brokers=(WELL, FENCED)),
    )
    assert found(document, "fenced_broker") == [
        "broker 2 (two:9092, rack b) is fenced: it serves nothing, and has 3 replicas"
    ]


def test_a_serving_or_silent_broker_is_not_called_fenced() -> None:
    unknown = replace(FENCED, fenced=None)
    assert found(now(brokers=some_brokers(brokers=(WELL, unknown))), "fenced_broker") == []
    assert found(now(brokers=None), "fenced_broker") == []


def test_each_offline_log_directory_is_a_finding_and_a_working_one_is_not() -> None:
    other = replace(LOST, path="/disk2")
    findings = [
        one for one in judged(now(log_directories=(DISK, LOST, other))) if one.kind == "offline_log_directory"
    ]
    assert [(one.severity, one.resource) for one in findings] == [("critical", "1")] * 2
    assert sorted(one.sentence for one in findings) == [
        f"broker 1: {path} is offline: Disk error (KAFKA_STORAGE_ERROR)" for path in ("/disk", "/disk2")
    ]
    assert len({one.id for one in findings}) == 2


def test_unreadable_log_directories_are_not_called_offline() -> None:
    document = now(log_directories=None, topics_unknown={"log_directories": "the right is missing"})
    assert found(document, "offline_log_directory") == []


# --- partitions that refuse writes


def with_isr(*isr: int, minimum: str | None = "2", replicas: tuple[int, ...] = (1, 2, 3)) -> list[str]:
    topic = a_topic("orders", config=None if minimum is None else {"min.insync.replicas": minimum})
    partition = Partition(partition=0, leader=1, replicas=replicas, isr=isr, earliest=0, latest=1)
    document = now(topics=(replace(topic, partitions=(partition,)),))
    return [one.sentence for one in judged(document) if one.kind in ("under_min_isr", "under_replicated")]


def test_fewer_replicas_in_sync_than_writes_need_is_critical() -> None:
    assert with_isr(1) == [
        "orders: 1 of 1 partitions with fewer replicas in sync than min.insync.replicas (2): writes with acks=all are "
        "refused: 0"
    ]


def test_just_enough_replicas_in_sync_still_accept_writes() -> None:
    under = ["orders: 1 of 1 partitions with fewer replicas in sync than it should have: 0"]
    assert with_isr(1, 2) == under
    assert with_isr(1, minimum=None) == under  # the config could not be read
    assert with_isr(1, 2, 3) == []


def test_kafka_requires_no_more_replicas_in_sync_than_exist() -> None:
    assert with_isr(1, minimum="3", replicas=(1,)) == []
