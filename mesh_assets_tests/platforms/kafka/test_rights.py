"""What a user may do according to brokers of several versions, and what their answers do not prove."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from confluent_kafka import KafkaError

from mesh_assets.errors import PlatformError, RefusedError, UnexpectedAnswerError, UnreachableError
from mesh_assets.inventory.broker_records import ClusterBroker
from mesh_assets.platforms.kafka import rights as reading
from mesh_assets.platforms.kafka.rights import (
    EVERY_CLUSTER_OPERATION,
    EVERY_TOPIC_OPERATION,
    GroupsRights,
    ResourceRights,
    every_topic_is_visible,
    read_cluster_rights,
    read_creation,
    read_groups_rights,
    read_topic_rights,
)
from mesh_assets.platforms.kafka.wire.described_cluster import DESCRIBED_CLUSTER, DescribedCluster
from mesh_assets.platforms.kafka.wire.forms import MalformedError, Reader, Request
from mesh_assets.platforms.kafka.wire.running import RunningCluster
from mesh_assets_tests.access_checks.fakes import (
    DISCOVERY,
    EVERYTHING,
    SINCE_2_3,
    SINCE_2_8,
    FakeBrokers,
    Rights,
)
from mesh_assets_tests.platforms.kafka.wire.group_brokers import (
    GROUP_REFUSED,
    LOADING,
    OLD_BROKERS,
    UNSUPPORTED,
    Group,
    GroupBrokers,
)
from mesh_assets_tests.platforms.kafka.wire.groups_read import billing
from mesh_assets_tests.platforms.kafka.wire.messages import encoded
from mesh_assets_tests.platforms.kafka.wire.oracle import running_on

Opened = Callable[[Any], RunningCluster]
DESCRIBED = ResourceRights(state="here", operations=frozenset({"DESCRIBE", "DESCRIBE_CONFIGS"}))


@pytest.fixture
def opened() -> Iterator[Opened]:
    """To these brokers; closed at the end."""
    made: list[RunningCluster] = []

    def to(brokers: FakeBrokers | GroupBrokers) -> RunningCluster:
        seconds = brokers.patience_seconds if isinstance(brokers, GroupBrokers) else 5.0
        made.append(running_on(brokers, {"bootstrap.servers": "broker-1:9092"}, seconds))
        return made[-1]

    yield to
    for running in made:
        running.close()


# --- the cluster and its topics


@pytest.mark.parametrize(
    ("newest", "requests"),
    [
        ({}, {"Metadata": 1, "DescribeCluster": 1}),
        ({"DescribeCluster": 0}, None),
        (SINCE_2_8, {"Metadata": 1}),
    ],
)
def test_the_cluster_has_its_rights_and_the_visible_topics(
    opened: Opened, newest: dict[str, int], requests: dict[str, int] | None
) -> None:
    brokers = FakeBrokers(
        rights=Rights(cluster=["DESCRIBE"], topics={"orders": ["READ", "DESCRIBE"]}),
        topics={"orders": "", "secret": ""},
        newest=newest,
        numbers=(1, 2),
    )
    cluster = read_cluster_rights(opened(brokers))
    assert (cluster.cluster_id, cluster.brokers, cluster.operations, cluster.topics) == (
        "the-cluster",
        2,
        frozenset({"DESCRIBE"}),
        ("orders",),
    )
    if requests is not None:
        assert {name: len(brokers.requests(name)) for name in requests} == requests
        assert len(brokers.asked) == sum(requests.values())


@pytest.mark.parametrize("newest", [{}, SINCE_2_8])
def test_every_operation_has_its_name(opened: Opened, newest: dict[str, int]) -> None:
    cluster = opened(FakeBrokers(rights=EVERYTHING, topics={"orders": "delete"}, newest=newest))
    assert read_cluster_rights(cluster).operations == EVERY_CLUSTER_OPERATION
    assert read_topic_rights(cluster, ["orders"])["orders"].operations == EVERY_TOPIC_OPERATION


@pytest.mark.parametrize(("newest", "told"), [({}, frozenset()), (SINCE_2_8, frozenset()), (SINCE_2_3, None)])
def test_no_rights_on_the_cluster_differ_from_unreported_ones(
    opened: Opened, newest: dict[str, int], told: frozenset[str] | None
) -> None:
    brokers = FakeBrokers(rights=Rights(cluster=["CREATE"]), newest=newest)
    assert read_cluster_rights(opened(brokers)).operations == told


def test_brokers_that_do_not_report_rights_leave_them_unknown(opened: Opened) -> None:
    cluster = opened(FakeBrokers(newest=SINCE_2_3, topics={"orders": "delete"}, groups=("a",)))
    assert read_topic_rights(cluster, ["orders"]) == {"orders": ResourceRights(state="here", operations=None)}
    groups = read_groups_rights(cluster, lambda _: True, list_is_complete=True).groups
    assert groups == {"a": ResourceRights(state="here", operations=None)}


def test_rights_on_thousands_of_topics_are_one_request(opened: Opened) -> None:
    names = {f"topic-{number}": "delete" for number in range(3_000)}
    brokers = FakeBrokers(rights=DISCOVERY, topics=names)
    access = read_topic_rights(opened(brokers), names)
    assert list(access) == sorted(names)
    assert set(access.values()) == {DESCRIBED}
    assert len(brokers.asked) == 1


def test_no_topics_need_no_request(opened: Opened) -> None:
    brokers = FakeBrokers()
    assert read_topic_rights(opened(brokers), ()) == {}
    assert read_creation(opened(brokers), {}, replication_factor=None) == {}
    assert brokers.asked == []


def test_an_absent_topic_differs_from_a_refused_one_where_kafka_distinguishes_them(opened: Opened) -> None:
    brokers = FakeBrokers(rights=Rights(topics={"missing": ["DESCRIBE"]}), topics={"hidden": "delete"})
    access = read_topic_rights(opened(brokers), ["missing", "hidden"])
    assert access == {"hidden": ResourceRights(state="refused"), "missing": ResourceRights(state="absent")}


def test_a_topic_under_creation_exists_and_a_deleted_one_is_not_visible(
    opened: Opened,
) -> None:
    codes = {"new": KafkaError.LEADER_NOT_AVAILABLE, "gone": KafkaError.UNKNOWN_TOPIC_OR_PART}
    cluster = opened(FakeBrokers(topics=dict.fromkeys(codes, "delete"), codes=codes))
    assert read_topic_rights(cluster, codes) == {
        "gone": ResourceRights(state="absent"),
        "new": ResourceRights(state="here"),
    }
    assert read_cluster_rights(cluster).topics == ("new",)


@pytest.mark.parametrize(
    ("rights", "visible"), [(DISCOVERY, True), (Rights(topics={"orders": ["DESCRIBE"]}), False)]
)
def test_a_made_up_name_shows_whether_topics_are_hidden(
    opened: Opened, rights: Rights, visible: bool
) -> None:
    assert every_topic_is_visible(opened(FakeBrokers(rights=rights))) is visible


@pytest.mark.parametrize(
    ("read", "doing"),
    [
        (lambda cluster: read_cluster_rights(cluster), "the rights on the cluster"),
        (lambda cluster: read_topic_rights(cluster, ["orders"]), "the rights on the topics"),
        (
            lambda cluster: read_creation(cluster, {"orders": {}}, replication_factor=None),
            "whether the topics of the events may be created",
        ),
    ],
)
def test_a_failure_unrelated_to_rights_is_an_error(
    opened: Opened, read: Callable[[RunningCluster], object], doing: str
) -> None:
    with pytest.raises(UnreachableError, match=f"while asking (for )?{doing}"):
        read(opened(FakeBrokers(failure=KafkaError._TIMED_OUT)))


def test_an_impossible_topic_name_is_neither_present_nor_absent(opened: Opened) -> None:
    brokers = FakeBrokers(codes={"a b": KafkaError.TOPIC_EXCEPTION})
    with pytest.raises(UnexpectedAnswerError, match="asking for the rights on the topics"):
        read_topic_rights(opened(brokers), ["a b"])


def test_a_cluster_that_answers_with_an_error_does_not_have_zero_rights(opened: Opened) -> None:
    brokers = FakeBrokers()
    message, _ = brokers.handlers["DescribeCluster"]

    class Refusal:
        def encode(self, version: int) -> bytes:
            said = {"error_code": KafkaError.CLUSTER_AUTHORIZATION_FAILED, "error_message": "not\nyours"}
            return encoded("DescribeClusterResponse", version, said)

    brokers.handlers["DescribeCluster"] = (message, lambda *_: Refusal())
    with pytest.raises(RefusedError, match="not yours") as raised:
        read_cluster_rights(opened(brokers))
    assert "\n" not in str(raised.value)


# --- groups


def rights_on(cluster: RunningCluster, *, list_is_complete: bool | None = True) -> GroupsRights:
    return read_groups_rights(
        cluster, lambda name: not name.startswith("tool-"), list_is_complete=list_is_complete
    )


def test_rights_on_groups_of_every_kind_come_with_their_descriptions(opened: Opened) -> None:
    told = {"authorized_operations": 1 << 3 | 1 << 8}
    brokers = GroupBrokers(
        **{
            "billing": Group(described=told),
            "sharing": Group("share", described=told),
            "totals": Group("streams", described=told),
            "upgraded": Group("consumer", described=told),
            "workers": Group(protocol_type="connect", described=told),
            "silent": Group(),
            "secret": Group(),
            "later": Group("share"),
            "dead": Group(state="Dead"),
            "tool-1": Group(),
        }
    )
    brokers.failures["DescribeGroups", "secret"] = [GROUP_REFUSED]
    brokers.failures["ShareGroupDescribe", "later"] = [UNSUPPORTED]
    here = ResourceRights(state="here", operations=frozenset({"READ", "DESCRIBE"}))
    assert rights_on(opened(brokers)) == GroupsRights(
        groups={
            "billing": here,
            "later": ResourceRights(state="here"),
            "secret": ResourceRights(state="refused"),
            "sharing": here,
            "silent": ResourceRights(state="here"),
            "totals": here,
            "upgraded": here,
            "workers": here,
        },
        excluded=1,
        every_group_is_visible=True,
    )


@pytest.mark.parametrize("newest", [{}, OLD_BROKERS])
def test_without_rights_on_the_cluster_a_made_up_group_shows_whether_groups_are_hidden(
    newest: dict[str, int | None], monkeypatch: pytest.MonkeyPatch, opened: Opened
) -> None:
    monkeypatch.setattr(reading, "uuid4", lambda: UUID(int=7))
    brokers = GroupBrokers(billing=Group())
    brokers.newest = dict(newest)
    cluster = opened(brokers)
    assert rights_on(cluster, list_is_complete=None).every_group_is_visible is True
    brokers.failures["FindCoordinator", UUID(int=7).hex] = [GROUP_REFUSED]
    assert rights_on(cluster, list_is_complete=None).every_group_is_visible is False


def test_with_no_group_listed_none_is_requested_since_that_would_create_the_offsets_topic(
    opened: Opened,
) -> None:
    brokers = FakeBrokers(rights=Rights())
    assert rights_on(opened(brokers), list_is_complete=None).every_group_is_visible is None
    assert {name for name, _, _ in brokers.asked} == {"Metadata", "ListGroups"}


def test_rights_on_some_groups_do_not_count_as_rights_on_all(opened: Opened) -> None:
    brokers = GroupBrokers(billing=Group())
    brokers.leaders = [1, None, 1]
    with pytest.raises(UnexpectedAnswerError, match="partitions 1 of __consumer_offsets"):
        rights_on(opened(brokers))


def test_a_coordinator_that_does_not_report_rights_is_an_error(opened: Opened) -> None:
    brokers = GroupBrokers(billing=billing())
    brokers.patience_seconds = 0.2
    brokers.failures["DescribeGroups", "billing"] = [LOADING]
    with pytest.raises(UnreachableError, match="while asking for the rights on the consumer groups"):
        rights_on(opened(brokers))


# --- topics that do not exist yet

EVENTS = {"events": {"cleanup.policy": "compact"}, "changes": {"cleanup.policy": "delete"}}


@pytest.mark.parametrize("newest", range(2, 8))
def test_a_dry_run_of_creating_topics_requests_the_planned_ones(opened: Opened, newest: int) -> None:
    brokers = FakeBrokers(newest={"CreateTopics": newest})
    assert read_creation(opened(brokers), EVENTS, replication_factor=1) == dict.fromkeys(EVENTS)
    (asked,) = brokers.requests("CreateTopics")
    assert (asked.validate_only, asked.timeout_ms) == (True, 5_000)
    assert [
        (one.name, one.num_partitions, one.replication_factor, list(one.assignments), one.configs[0].value)
        for one in asked.topics
    ] == [("events", 1, 1, [], "compact"), ("changes", 1, 1, [], "delete")]


def test_an_unspecified_number_of_replicas_is_the_brokers_default(opened: Opened) -> None:
    brokers = FakeBrokers()
    read_creation(opened(brokers), EVENTS, replication_factor=None)
    assert {one.replication_factor for one in brokers.requests("CreateTopics")[0].topics} == {-1}


@pytest.mark.parametrize("newest", [2, 7])
def test_each_topic_that_could_not_be_created_has_its_reason(opened: Opened, newest: int) -> None:
    rights = Rights(topics={"events": ["CREATE"], "made": ["CREATE"]})
    brokers = FakeBrokers(
        rights=rights, codes={"made": KafkaError.TOPIC_ALREADY_EXISTS}, newest={"CreateTopics": newest}
    )
    cluster = opened(brokers)
    refusals = read_creation(cluster, {**EVENTS, "made": {}}, replication_factor=1)
    refused = refusals.pop("changes")
    assert refusals == {"events": None, "made": None}  # another user has created that one meanwhile
    assert refused is not None
    assert refused.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED
    too_many = read_creation(cluster, {"events": {}}, replication_factor=3)["events"]
    assert too_many is not None
    assert "Unable to replicate the partition 3 time(s)" in too_many.str()


def test_the_controller_is_asked_again_after_it_has_moved(opened: Opened) -> None:
    brokers = FakeBrokers(numbers=(1, 2, 3), controllers=(1, 2, 3))
    assert read_creation(opened(brokers), EVENTS, replication_factor=1) == dict.fromkeys(EVENTS)
    assert [broker for name, broker, _ in brokers.asked if name == "CreateTopics"] == [1, 2, 3]


@pytest.mark.parametrize("code", [KafkaError.NOT_CONTROLLER, KafkaError.REQUEST_TIMED_OUT])
def test_an_answer_without_the_topic_is_not_a_refusal_to_create_it(
    opened: Opened, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_PAUSE_SECONDS", 0.0)
    with pytest.raises(PlatformError, match="whether the topics of the events may be created"):
        read_creation(opened(FakeBrokers(codes={"events": code})), EVENTS, replication_factor=1)


@pytest.mark.parametrize("names", [["events"], ["events", "events"], ["events", "changes", "others"]])
def test_an_answer_about_other_topics_is_invalid(opened: Opened, names: list[str]) -> None:
    brokers = FakeBrokers()

    class Answer:
        def encode(self, version: int) -> bytes:
            return encoded("CreateTopicsResponse", version, {"topics": [{"name": name} for name in names]})

    message, _ = brokers.handlers["CreateTopics"]
    brokers.handlers["CreateTopics"] = (message, lambda *_: Answer())
    with pytest.raises(UnexpectedAnswerError, match="gave no answer of Kafka's protocol"):
        read_creation(opened(brokers), EVENTS, replication_factor=1)


# --- hostile answers


@pytest.mark.parametrize("version", [0, 1, 2])
def test_half_a_description_of_the_cluster_is_invalid(version: int) -> None:
    whole = encoded(
        "DescribeClusterResponse",
        version,
        {
            "cluster_id": "abc",
            "brokers": [{"broker_id": 1, "host": "b", "port": 1}],
            "cluster_authorized_operations": 1 << 8,
        },
    )
    broker = ClusterBroker(id=1, host="b", port=1, fenced=None if version < 2 else False)
    expected = DescribedCluster(brokers=(broker,), controller=None, operations=1 << 8)
    _is_read_whole_or_not_at_all(DESCRIBED_CLUSTER, version, whole, expected)


@pytest.mark.parametrize("version", range(2, 8))
def test_half_an_answer_to_a_dry_run_is_invalid(version: int) -> None:
    values: dict[str, Any] = {"topics": [{"name": "events", "configs": [{"name": "a", "value": None}]}]}
    request = reading._dry_run({"events": {}}, 1, 5.0)
    whole = encoded("CreateTopicsResponse", version, values)
    _is_read_whole_or_not_at_all(request, version, whole, {"events": None})


def _is_read_whole_or_not_at_all(request: Request[Any], version: int, whole: bytes, expected: object) -> None:
    def read(data: bytes) -> object:
        reader = Reader(data, flexible=version >= request.flexible_from)
        answer = request.read(reader, version)
        reader.finish()
        return answer

    assert read(whole) == expected
    for end in range(len(whole)):
        with pytest.raises(MalformedError):
            read(whole[:end])
    with pytest.raises(MalformedError):
        read(whole + b"\0")
