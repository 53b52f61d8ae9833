"""What the reads of a Kafka cluster's storage return: values like those of `values.py`, where None means "could not be
read". Whatever a document keeps unchanged is a record of the inventory."""

from datetime import UTC, datetime, timedelta

from mesh_assets.inventory.storage_records import LogDirectory
from mesh_assets.platforms.kafka.values import Value

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class TopicSize(Value, frozen=True, kw_only=True):
    """The space that a topic uses on disk, without tiered storage.

    `partitions`: what each one's leader holds, in the order of the metadata. `leader_bytes`: their sum, so one copy;
    None if one of them is unknown. `replica_bytes`: of all copies, without future ones; None unless every
    replica was reported; one is not if its broker is silent, its directory is offline, or it does not exist
    yet.
    """

    partitions: tuple[int | None, ...]
    leader_bytes: int | None
    replica_bytes: int | None
    future_bytes: int


class StorageReading(Value, frozen=True, kw_only=True):
    """The log directories of all brokers that reported them, and the space that each topic uses. `errors`:
    the brokers that did not, and why."""

    directories: tuple[LogDirectory, ...]
    topics: dict[str, TopicSize]
    errors: dict[int, str]


class RecordTimes(Value, frozen=True, kw_only=True):
    """The timestamps of a topic's first records and of its newest one, in milliseconds since 1970, as producers or
    brokers set them. None without an error: no record has one."""

    oldest_ms: int | None
    newest_ms: int | None
    oldest_error: str | None = None
    newest_error: str | None = None


def moment(milliseconds: int | None) -> datetime | None:
    """A time from a broker. None if there is none, for Kafka's mark for that (-1), and for times outside the
    calendar: producers set timestamps as they like."""
    if milliseconds is None or milliseconds < 0:
        return None
    try:
        return _EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        return None
