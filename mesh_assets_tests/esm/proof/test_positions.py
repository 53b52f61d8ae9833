"""What a group has committed: nothing yet is not an error, but what cannot be read is."""

from datetime import UTC, datetime
from typing import Any

import pytest

from mesh_assets.errors import UnexpectedAnswerError
from mesh_assets.esm.proof import (
    Produced,
    check_offset_after_production,
    evidence,
    get_initial_offset,
)
from mesh_assets.esm.proof.messages import Written
from mesh_assets.platforms.kafka.values import (
    CommittedPartition,
    ConsumerGroup,
    OffsetsReading,
    PartitionOffsets,
)


def a_group(**changed: Any) -> ConsumerGroup:
    given: dict[str, Any] = {
        "group_id": "g",
        "type": "classic",
        "protocol_type": "consumer",
        "state": "Stable",
        "coordinator": 1,
    }
    return ConsumerGroup(**{**given, "members": (), "offsets": (), **changed})


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the brokers say: `offsets` of the topic's one partition, and the `group`."""
    said: dict[str, Any] = {"offsets": PartitionOffsets(partition=0, earliest=5, latest=10), "group": None}
    monkeypatch.setattr(evidence, "partitions_of", lambda session, topic: (0,))  # noqa: ARG005
    monkeypatch.setattr(
        evidence,
        "read_offsets",
        lambda session, wanted: OffsetsReading(  # noqa: ARG005
            read_at=datetime.now(UTC), topics={"orders": (said["offsets"],)}
        ),
    )
    monkeypatch.setattr(evidence, "read_group", lambda session, group: said["group"])  # noqa: ARG005
    return said


def look() -> evidence.Position:
    return get_initial_offset(None, "g", "orders")  # type: ignore[arg-type]  # the reads are faked


def test_a_group_that_is_not_there_has_committed_nothing(cluster: dict[str, Any]) -> None:
    assert cluster["group"] is None
    found = look()
    assert (found.committed, found.end, found.lag_records, found.has_commits) == (
        {0: None},
        {0: 10},
        None,
        False,
    )


def test_commits_are_read_with_their_lag(cluster: dict[str, Any]) -> None:
    cluster["group"] = a_group(offsets=(CommittedPartition(topic="orders", partition=0, committed=7),))
    assert (look().committed, look().lag_records) == ({0: 7}, 3)


UNREADABLE: list[dict[str, Any]] = [
    {"offsets": PartitionOffsets(partition=0, earliest=5, latest=None, error="NOT_LEADER_FOR_PARTITION: …")},
    {"group": a_group(offsets=None, error="GROUP_AUTHORIZATION_FAILED: …")},
    {"group": a_group(members=None, error="GROUP_AUTHORIZATION_FAILED: …")},
    {
        "group": a_group(
            offsets=(
                CommittedPartition(
                    topic="orders", partition=0, committed=None, error="UNSTABLE_OFFSET_COMMIT: …"
                ),
            )
        )
    },
]


@pytest.mark.parametrize("said", UNREADABLE, ids=["end", "commits", "members", "one commit"])
def test_what_could_not_be_read_is_an_error_and_never_zero(
    cluster: dict[str, Any], said: dict[str, Any]
) -> None:
    cluster |= said
    with pytest.raises(UnexpectedAnswerError, match="could not be read"):
        look()


def test_progress_counts_from_the_first_record_where_nothing_was_committed(cluster: dict[str, Any]) -> None:
    before = look()
    cluster["group"] = a_group(offsets=(CommittedPartition(topic="orders", partition=0, committed=8),))
    written = (Written(partition=0, first=10, last=12, messages=3),)
    produced = Produced(
        test_id="t", topic="orders", messages=3, started_at=datetime.now(UTC), seconds=0.1, partitions=written
    )

    [progress] = check_offset_after_production(before, look(), produced)

    assert (progress.passed, progress.ahead, progress.moved) == (False, 2, 3)
    cluster["group"] = a_group(offsets=(CommittedPartition(topic="orders", partition=0, committed=13),))
    assert check_offset_after_production(before, look(), produced)[0].passed
