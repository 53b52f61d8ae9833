"""Groups of every kind, their members and what they have committed."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from confluent_kafka import (
    ConsumerGroupState,
    ConsumerGroupTopicPartitions,
    ConsumerGroupType,
    KafkaError,
    KafkaException,
)

from mesh_assets.errors import UnexpectedAnswerError, UnreachableError
from mesh_assets.platforms.kafka import CommittedPartition, ConsumerGroup, GroupMember, group_listing
from mesh_assets.platforms.kafka.consumer_groups import GROUPS_AT_ONCE
from mesh_assets_tests.platforms.kafka.fakes import (
    FakeAdmin,
    as_listed_of_old,
    committed,
    described,
    error,
    listed,
    member,
    reader_on,
)


@pytest.fixture
def admin() -> FakeAdmin:
    return FakeAdmin()


def read(admin: FakeAdmin) -> tuple[ConsumerGroup, ...]:
    return reader_on(admin).groups(lambda _: True).groups


def test_a_group_has_its_members_and_offsets(admin: FakeAdmin) -> None:
    admin.consumer_groups = [listed("billing", ConsumerGroupType.CONSUMER)]
    admin.group_descriptions = {
        "billing": described(
            "billing", member("m-1", orders=[1, 0]), member("m-2", users=[0]), kind=ConsumerGroupType.CONSUMER
        )
    }
    admin.committed = {
        "billing": [committed("orders", 1, 40), committed("orders", 0, 12), committed("payments", 0, 0)]
    }
    assert read(admin) == (
        ConsumerGroup(
            group_id="billing",
            type="consumer",
            protocol_type="consumer",
            state="Stable",
            coordinator=1,
            members=(
                GroupMember(
                    member_id="m-1",
                    client_id="client-m-1",
                    group_instance_id="instance-m-1",
                    host="10.0.0.7",
                    assignment={"orders": (0, 1)},
                ),
                GroupMember(
                    member_id="m-2",
                    client_id="client-m-2",
                    group_instance_id="instance-m-2",
                    host="10.0.0.7",
                    assignment={"users": (0,)},
                ),
            ),
            offsets=(
                CommittedPartition(topic="orders", partition=0, committed=12),
                CommittedPartition(topic="orders", partition=1, committed=40),
                CommittedPartition(topic="payments", partition=0, committed=0),
                CommittedPartition(topic="users", partition=0, committed=None),
            ),
        ),
    )


@pytest.mark.parametrize(
    ("state", "word"),
    [
        (ConsumerGroupState.EMPTY, "Empty"),
        (ConsumerGroupState.PREPARING_REBALANCING, "PreparingRebalance"),
        (ConsumerGroupState.COMPLETING_REBALANCING, "CompletingRebalance"),
        (ConsumerGroupState.UNKNOWN, "unknown"),
    ],
)
def test_a_state_has_kafkas_word(admin: FakeAdmin, state: ConsumerGroupState, word: str) -> None:
    admin.consumer_groups = [listed("billing")]
    admin.group_descriptions = {"billing": described("billing", state=state)}
    assert read(admin)[0].state == word


@pytest.mark.parametrize("kind", [None, ConsumerGroupType.UNKNOWN])
def test_a_broker_that_does_not_list_types_leaves_them_to_the_description(
    admin: FakeAdmin, kind: ConsumerGroupType | None
) -> None:
    admin.consumer_groups = [listed("billing", kind)]
    assert read(admin)[0].type == "classic"


def test_a_group_that_only_commits_has_an_empty_protocol_type(admin: FakeAdmin) -> None:
    admin.consumer_groups = [listed("tool", simple=True)]
    assert (read(admin)[0].protocol_type, read(admin)[0].members) == ("", ())


def test_connects_workers_are_a_group_with_their_own_protocol_type(admin: FakeAdmin) -> None:
    admin.consumer_groups = [listed("billing")]
    admin.old_listings = [
        [
            as_listed_of_old("billing", "Stable", "consumer"),
            as_listed_of_old("connect-cluster", "Stable", "connect", "worker-1"),
        ]
    ]
    admin.group_descriptions = {
        "connect-cluster": error(
            KafkaError._INVALID_ARG, "connect-cluster is not a consumer group (connect)."
        )
    }
    assert read(admin)[1] == ConsumerGroup(
        group_id="connect-cluster",
        type="classic",
        protocol_type="connect",
        state="Stable",
        coordinator=1,
        members=(
            GroupMember(
                member_id="worker-1",
                client_id="client-worker-1",
                group_instance_id=None,
                host="10.0.0.8",
                assignment={},
            ),
        ),
        offsets=(),
    )


def test_a_group_that_was_seen_dead_in_one_listing_only_has_gone(admin: FakeAdmin) -> None:
    admin.old_listings = [[as_listed_of_old("brief", "Dead", "")], []]
    assert read(admin) == ()


def test_a_group_that_the_coordinator_calls_dead_has_gone(admin: FakeAdmin) -> None:
    admin.consumer_groups = [listed("billing"), listed("brief")]
    admin.group_descriptions = {"brief": described("brief", state=ConsumerGroupState.DEAD)}
    assert [group.group_id for group in read(admin)] == ["billing"]


def test_a_new_group_that_only_the_old_listing_has_is_described(admin: FakeAdmin) -> None:
    admin.old_listings = [[as_listed_of_old("new", "PreparingRebalance", "consumer")]]
    assert [(group.group_id, group.type, group.state) for group in read(admin)] == [
        ("new", "classic", "Stable")
    ]


@pytest.mark.parametrize(
    ("failure", "text"),
    [
        (
            error(KafkaError.GROUP_AUTHORIZATION_FAILED, "Broker: Group authorization failed"),
            "GROUP_AUTHORIZATION_FAILED: Broker: Group authorization failed; needs DESCRIBE on the group",
        ),
        (
            error(KafkaError.COORDINATOR_LOAD_IN_PROGRESS, "Broker: Coordinator load in progress"),
            "COORDINATOR_LOAD_IN_PROGRESS: Broker: Coordinator load in progress",
        ),
    ],
)
def test_a_group_that_could_not_be_read_says_why_and_has_no_empty_offsets(
    admin: FakeAdmin, failure: KafkaError, text: str
) -> None:
    admin.consumer_groups = [listed("billing"), listed("secret")]
    admin.group_descriptions = {"secret": failure}
    admin.committed = {"secret": failure}
    assert read(admin)[1] == ConsumerGroup(
        group_id="secret",
        type="classic",
        protocol_type="consumer",
        state="Stable",
        coordinator=None,
        members=None,
        offsets=None,
        error=text,
    )


def test_a_group_with_an_empty_name_is_not_asked_for_offsets_which_the_client_refuses(
    admin: FakeAdmin,
) -> None:
    admin.consumer_groups = [listed("", simple=True), listed("billing")]
    admin.committed = {"billing": [committed("orders", 0, 12)]}
    nameless, billing = read(admin)
    assert (nameless.group_id, nameless.offsets) == ("", None)
    assert nameless.error is not None
    assert nameless.error.startswith(
        "INVALID_GROUP_ID: the offsets of a group with an empty name cannot be asked for"
    )
    assert billing.offsets == (CommittedPartition(topic="orders", partition=0, committed=12),)
    assert admin.calls("list_consumer_group_offsets") == ["billing"]


def test_one_partition_that_could_not_be_read_leaves_the_others(admin: FakeAdmin) -> None:
    admin.consumer_groups = [listed("billing")]
    admin.committed = {
        "billing": [
            committed("orders", 0, 12),
            committed("orders", 1, failure=error(KafkaError.UNSTABLE_OFFSET_COMMIT, "unstable")),
        ]
    }
    assert read(admin)[0].offsets == (
        CommittedPartition(topic="orders", partition=0, committed=12),
        CommittedPartition(
            topic="orders", partition=1, committed=None, error="UNSTABLE_OFFSET_COMMIT: unstable"
        ),
    )


def test_only_the_selected_groups_are_read_and_the_others_counted(admin: FakeAdmin) -> None:
    admin.consumer_groups = [listed("billing"), listed("tool-1"), listed("tool-2")]
    reading = reader_on(admin).groups(lambda name: not name.startswith("tool-"))
    assert ([group.group_id for group in reading.groups], reading.excluded) == (["billing"], 2)
    assert admin.calls("describe_consumer_groups") == [["billing"]]
    assert admin.calls("list_consumer_group_offsets") == ["billing"]


def test_a_broker_that_did_not_tell_its_groups_makes_the_list_incomplete_and_no_absence(
    admin: FakeAdmin,
) -> None:
    admin.consumer_groups = [listed("billing")]
    admin.listing_errors = [
        KafkaException(error(KafkaError._TIMED_OUT, "Broker [2] ListConsumerGroups: Timed out"))
    ]
    with pytest.raises(UnexpectedAnswerError) as raised:
        read(admin)
    assert str(raised.value) == (
        "the list of consumer groups of Kafka at broker-1:9092 is incomplete, because a broker did not tell its groups: "
        "Broker [2] ListConsumerGroups: Timed out"
    )


LOADING = error(KafkaError.COORDINATOR_LOAD_IN_PROGRESS, "Broker: Coordinator load in progress")


def test_a_broker_that_is_still_loading_its_groups_is_asked_again(admin: FakeAdmin) -> None:
    admin.consumer_groups = [listed("billing")]
    admin.old_listings = [LOADING, [as_listed_of_old("billing", "Stable", "consumer")]]
    admin.listing_errors, admin.listings_that_fail = [LOADING], 2
    assert [group.group_id for group in read(admin)] == ["billing"]
    assert (len(admin.calls("list_groups")), len(admin.calls("list_consumer_groups"))) == (2, 3)


@pytest.mark.parametrize("where", ["old listing", "new listing"])
def test_a_broker_that_goes_on_loading_its_groups_makes_the_list_incomplete(
    admin: FakeAdmin, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_listing, "READY_SECONDS", 0.0)
    if where == "old listing":
        admin.old_listings = [LOADING]
    else:
        admin.listing_errors = [LOADING]
    with pytest.raises(
        UnreachableError, match="while listing the consumer groups: Broker: Coordinator load in progress"
    ):
        read(admin)


def test_without_a_broker_that_lists_its_groups_there_is_no_answer(admin: FakeAdmin) -> None:
    admin.old_listings = [[]]
    admin.listing_errors = [error(KafkaError._TIMED_OUT, "Timed out")]
    with pytest.raises(
        UnreachableError, match="could not be reached while listing the consumer groups: Timed out"
    ):
        read(admin)


def test_an_old_listing_that_lacks_what_the_new_one_has_is_incomplete(admin: FakeAdmin) -> None:
    admin.consumer_groups = [listed("billing"), listed("shipping")]
    admin.old_listings = [[as_listed_of_old("billing", "Stable", "consumer")]]
    with pytest.raises(
        UnexpectedAnswerError, match="is incomplete: 1 of 2 consumer groups are missing from it"
    ):
        read(admin)


def test_without_an_answer_for_any_group_there_is_no_reading(admin: FakeAdmin) -> None:
    admin.consumer_groups = [listed("billing"), listed("shipping")]
    admin.group_descriptions = dict.fromkeys(
        ["billing", "shipping"], error(KafkaError._TIMED_OUT, "Timed out")
    )
    with pytest.raises(
        UnreachableError, match="could not be reached while reading the consumer groups: Timed out"
    ):
        read(admin)


def test_groups_are_read_300_at_once_each_asked_for_offsets_right_after_its_description(
    admin: FakeAdmin,
) -> None:
    admin.consumer_groups = [listed(f"group-{number:04}") for number in range(700)]
    assert len(read(admin)) == 700
    kinds = [
        kind for kind, _ in admin.asked if kind in ("describe_consumer_groups", "list_consumer_group_offsets")
    ]
    described = ["describe_consumer_groups"]
    asked = ["list_consumer_group_offsets"]
    assert kinds == described + asked * 300 + described + asked * 300 + described + asked * 100


def test_the_offsets_of_many_groups_are_under_way_together_but_not_of_all(admin: FakeAdmin) -> None:
    admin.consumer_groups = [listed(f"group-{number:04}") for number in range(GROUPS_AT_ONCE + 50)]
    admin.held = []
    with ThreadPoolExecutor(1) as threads:
        reading = threads.submit(read, admin)
        for size in (GROUPS_AT_ONCE, 50):
            _until(partial(_are_held, admin, size))
            waiting, admin.held = admin.held, []
            for future in waiting:
                future.set_result(ConsumerGroupTopicPartitions("any", []))
        assert len(reading.result(10)) == GROUPS_AT_ONCE + 50


@pytest.mark.parametrize("code", [KafkaError.NOT_COORDINATOR, KafkaError.COORDINATOR_LOAD_IN_PROGRESS])
def test_a_group_whose_coordinator_does_not_describe_it_is_not_asked_for_offsets_which_would_crash_librdkafka(
    admin: FakeAdmin, code: int
) -> None:
    admin.consumer_groups = [listed("billing"), listed("moving")]
    admin.group_descriptions = {"moving": error(code, "Broker: not now")}
    groups = read(admin)
    assert admin.calls("list_consumer_group_offsets") == ["billing"]
    assert (groups[1].offsets, groups[1].error) == (None, f"{KafkaError(code).name()}: Broker: not now")


def _are_held(admin: FakeAdmin, size: int) -> bool:
    return len(admin.held or ()) == size


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        threading.Event().wait(0.001)
