"""The controllers of a KRaft cluster: DescribeQuorum (since Kafka 3.3), which any broker forwards to their
leader."""

from base64 import urlsafe_b64encode
from datetime import UTC, datetime

from msgspec import Struct
from msgspec.structs import replace

from mesh_assets.inventory.broker_records import Quorum, QuorumReplica
from mesh_assets.platforms.kafka.wire.forms import (
    BrokerError,
    Connections,
    MalformedError,
    Reader,
    Request,
    Writer,
)

_METADATA = "__cluster_metadata"
_NO_DIRECTORY = bytes(16)
_LATEST_MS = 253_402_300_799_000  # the end of the year 9999, beyond which Python has no dates


async def read_quorum(connections: Connections) -> Quorum:
    """Raises BrokerError; UnsupportedError with ZooKeeper, and with brokers before 3.3."""
    told = await connections.ask(_QUORUM)
    if isinstance(told, BrokerError):
        raise told
    return told


class _Replica(Struct, frozen=True):
    id: int
    directory: bytes
    end: int
    fetched_ms: int
    caught_up_ms: int


def _write(w: Writer, _version: int) -> None:
    w.count(1)
    w.text(_METADATA)
    w.count(1)
    w.int32(0)
    w.tags()
    w.tags()
    w.tags()


def _read(r: Reader, version: int) -> Quorum | BrokerError:
    code = r.int16()
    said = r.nullable_text() if version >= 2 else None
    found: list[Quorum | BrokerError] = []
    for _ in range(r.length()):
        if r.text() != _METADATA:
            raise MalformedError("an answer to DescribeQuorum about another topic")
        for _ in range(r.length()):
            found.append(_partition(r, version))
        r.tags()
    endpoints: dict[int, tuple[str, ...]] = {}
    if version >= 2:
        for _ in range(r.length()):
            number = r.int32()
            endpoints[number] = tuple(r.array(lambda: _listener(r)))
            r.tags()
    r.tags()
    if code:
        return BrokerError(code, said or "")
    if len(found) != 1:
        raise MalformedError(f"an answer to DescribeQuorum about {len(found)} partitions")
    quorum = found[0]
    if isinstance(quorum, BrokerError):
        return quorum
    voters = tuple(replace(one, endpoints=endpoints.get(one.id, ())) for one in quorum.voters)
    return replace(quorum, voters=voters)


def _listener(r: Reader) -> str:
    name, host, port = r.text(), r.text(), r.int16() & 0xFFFF
    r.tags()
    return f"{name}://{host}:{port}"


def _partition(r: Reader, version: int) -> Quorum | BrokerError:
    if r.int32() != 0:
        raise MalformedError("an answer to DescribeQuorum about another partition")
    code = r.int16()
    said = r.nullable_text() if version >= 2 else None
    leader, epoch, high_watermark = r.int32(), r.int32(), r.int64()
    voters = [_replica(r, version) for _ in range(r.length())]
    observers = [_replica(r, version) for _ in range(r.length())]
    r.tags()
    if code:
        return BrokerError(code, said or "")
    end = next((one.end for one in voters if one.id == leader and one.end >= 0), None)
    return Quorum(
        leader=leader if leader >= 0 else None,
        epoch=epoch,
        high_watermark=high_watermark,
        voters=_told(voters, end),
        observers=_told(observers, end),
    )


def _replica(r: Reader, version: int) -> _Replica:
    number = r.int32()
    directory = r.uuid() if version >= 2 else _NO_DIRECTORY
    end = r.int64()
    fetched, caught_up = (r.int64(), r.int64()) if version >= 1 else (-1, -1)
    r.tags()
    return _Replica(number, directory, end, fetched, caught_up)


def _told(replicas: list[_Replica], leaders_end: int | None) -> tuple[QuorumReplica, ...]:
    return tuple(
        QuorumReplica(
            id=one.id,
            log_end_offset=one.end if one.end >= 0 else None,
            lag_records=max(0, leaders_end - one.end) if leaders_end is not None and one.end >= 0 else None,
            directory_id=None
            if one.directory == _NO_DIRECTORY
            else urlsafe_b64encode(one.directory).rstrip(b"=").decode(),
            last_fetch=_moment(one.fetched_ms),
            last_caught_up=_moment(one.caught_up_ms),
        )
        for one in sorted(replicas, key=lambda replica: (replica.id, replica.directory))
    )


def _moment(milliseconds: int) -> datetime | None:
    """None for -1, Kafka's word for "not known"."""
    if not 0 <= milliseconds <= _LATEST_MS:
        return None
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


_QUORUM: Request[Quorum | BrokerError] = Request("DescribeQuorum", 55, 0, 2, 0, _write, _read)
