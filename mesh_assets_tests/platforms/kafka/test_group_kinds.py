"""Groups of kinds that this client cannot describe (share, streams), or whose state it does not know."""

import pytest
from confluent_kafka import ConsumerGroupState, ConsumerGroupType, KafkaError

from mesh_assets.platforms.kafka import CommittedPartition, ConsumerGroup
from mesh_assets.platforms.kafka.consumer_groups import read_group
from mesh_assets.platforms.kafka.session import Session
from mesh_assets_tests.platforms.kafka.fakes import (
    FakeAdmin,
    FakeConsumer,
    as_listed_of_old,
    committed,
    described,
    error,
    listed,
    reader_on,
)


@pytest.fixture
def admin() -> FakeAdmin:
    return FakeAdmin()


def read(admin: FakeAdmin) -> tuple[ConsumerGroup, ...]:
    return reader_on(admin).groups(lambda _: True).groups


DEAD = ConsumerGroupState.DEAD


@pytest.mark.parametrize("answer", [[], [committed("orders", 0)], error(KafkaError.GROUP_ID_NOT_FOUND)])
def test_a_share_group_which_looks_dead_and_empty_is_unknown_and_neither(
    admin: FakeAdmin, answer: object
) -> None:
    admin.old_listings = [[as_listed_of_old("sharing", "Dead", "")]]
    admin.group_descriptions = {"sharing": described("sharing", state=DEAD)}
    admin.committed = {"sharing": answer}
    (group,) = read(admin)
    assert (group.type, group.state, group.members, group.offsets) == ("unknown", "unknown", None, None)
    assert "this client cannot describe it, so what it reads is not known" in (group.error or "")


def test_a_streams_group_has_the_offsets_that_it_committed_and_unknown_members(admin: FakeAdmin) -> None:
    admin.old_listings = [[as_listed_of_old("totals", "Dead", "")]]
    admin.group_descriptions = {"totals": described("totals", state=DEAD)}
    admin.committed = {"totals": [committed("orders", 0, 12), committed("totals-by-day-repartition", 1, 7)]}
    assert read(admin) == (
        ConsumerGroup(
            group_id="totals",
            type="streams",
            protocol_type=None,
            state="unknown",
            coordinator=1,
            members=None,
            offsets=(
                CommittedPartition(topic="orders", partition=0, committed=12),
                CommittedPartition(topic="totals-by-day-repartition", partition=1, committed=7),
            ),
            error="a streams group: this client cannot describe its state and members",
        ),
    )


@pytest.mark.parametrize(
    "code", [KafkaError.NOT_COORDINATOR, KafkaError._TIMED_OUT, KafkaError.GROUP_ID_NOT_FOUND]
)
def test_a_group_of_unknown_kind_is_asked_for_offsets_only_after_its_coordinator_answered(
    admin: FakeAdmin, code: int
) -> None:
    admin.consumer_groups = [listed("billing")]
    admin.old_listings = [
        [as_listed_of_old("billing", "Stable", "consumer"), as_listed_of_old("sharing", "Dead", "")]
    ]
    admin.group_descriptions = {"sharing": error(code)}
    assert [group.group_id for group in read(admin)] == ["billing", "sharing"]
    assert admin.calls("list_consumer_group_offsets") == ["billing"]


def test_one_living_group_that_looks_dead_is_not_taken_for_absent(admin: FakeAdmin) -> None:
    admin.old_listings = [[as_listed_of_old("sharing", "Dead", "")]]
    admin.group_descriptions = {name: described(name, state=DEAD) for name in ("sharing", "nobody")}
    session = Session(
        {"bootstrap.servers": "broker-1:9092"},
        5,
        admin_factory=lambda _: admin,
        consumer_factory=lambda _: FakeConsumer(),
    )
    found = read_group(session, "sharing")
    assert found is not None
    assert (found.state, found.offsets) == ("unknown", None)
    assert read_group(session, "nobody") is None


def test_a_consumer_group_in_a_state_that_the_client_does_not_know_is_reconciling(admin: FakeAdmin) -> None:
    kind, unknown = ConsumerGroupType.CONSUMER, ConsumerGroupState.UNKNOWN
    admin.consumer_groups = [listed("billing", kind)]
    admin.group_descriptions = {"billing": described("billing", state=unknown, kind=kind)}
    assert read(admin)[0].state == "Reconciling"


def test_offsets_that_a_group_of_unknown_kind_refuses_are_said_to_be_refused(admin: FakeAdmin) -> None:
    admin.consumer_groups = [listed("billing")]
    admin.old_listings = [
        [as_listed_of_old("billing", "Stable", "consumer"), as_listed_of_old("sharing", "Dead", "")]
    ]
    admin.group_descriptions = {"sharing": described("sharing", state=DEAD)}
    admin.committed = {"sharing": error(KafkaError.GROUP_AUTHORIZATION_FAILED)}
    _, sharing = read(admin)
    assert sharing.offsets is None
    assert "GROUP_AUTHORIZATION_FAILED" in (sharing.error or "")
