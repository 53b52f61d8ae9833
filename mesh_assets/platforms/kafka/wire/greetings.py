"""The requests of the connections themselves: what a broker speaks, who we are, which brokers exist."""

from collections.abc import Sequence
from functools import cache
from importlib.metadata import version as version_of_package

from confluent_kafka import KafkaError

from mesh_assets.platforms.kafka.values import BrokerNode
from mesh_assets.platforms.kafka.wire.forms import MalformedError, Reader, Request, Writer

_SOFTWARE = "mesh-assets"

# --- ApiVersions: the oldest and newest version of each request, by its number


def _write_versions(out: Writer, version: int) -> None:
    if version >= 3:
        out.text(_SOFTWARE)
        out.text(_own_version())
    out.tags()


@cache
def _own_version() -> str:
    """importlib.metadata reads a file and parses it as an email each time: 1.2 ms of CPU for each
    connection."""
    return version_of_package(_SOFTWARE)


def _read_versions(answer: Reader, version: int) -> dict[int, tuple[int, int]] | None:
    """None: the broker does not know this version. It says so in the oldest form (KIP-511), giving only its
    versions of ApiVersions."""
    code = answer.int16()
    if code == KafkaError.UNSUPPORTED_VERSION and version > 0:
        answer.at = answer.end
        return None
    if code:
        raise MalformedError(f"the error {KafkaError(code).name()}")
    known: dict[int, tuple[int, int]] = {}
    for _ in range(max(0, answer.count())):
        api, oldest, newest = answer.int16(), answer.int16(), answer.int16()
        answer.tags()
        known[api] = (oldest, newest)
    if version >= 1:
        answer.throttle()
    answer.tags()
    return known


VERSIONS: Request[dict[int, tuple[int, int]] | None] = Request(
    "ApiVersions", 18, 0, 3, 3, _write_versions, _read_versions
)

# --- SASL


def handshake(mechanism: str) -> Request[tuple[int, list[str]]]:
    """Kafka's error, and the mechanisms that the broker takes."""
    return Request(
        "SaslHandshake",
        17,
        1,
        1,
        2,
        lambda out, _: out.text(mechanism),
        lambda answer, _: (answer.int16(), answer.array(answer.text)),
    )


def authenticate(words: bytes) -> Request[tuple[int, str | None, bytes | None, int]]:
    """Kafka's error and the broker's sentence about it; its words in return; how long the login is valid, in
    ms (0: as long as the connection)."""

    def write(out: Writer, _version: int) -> None:
        out.blob(words)
        out.tags()

    def read(answer: Reader, version: int) -> tuple[int, str | None, bytes | None, int]:
        code, said, received = answer.int16(), answer.nullable_text(), answer.blob()
        life_ms = answer.int64() if version >= 1 else 0
        answer.tags()
        return code, said, received, life_ms

    return Request("SaslAuthenticate", 36, 0, 2, 2, write, read)


# --- the brokers: Metadata about no topic, which every broker answers and everybody may request


def _write_brokers(out: Writer, version: int) -> None:
    out.count(0)
    if version >= 4:
        out.boolean(False)  # create no topic
    if version >= 8:
        if version <= 10:
            out.boolean(False)  # what this user may do with the cluster
        out.boolean(False)  # and with the topics
    out.tags()


def _read_brokers(answer: Reader, version: int) -> Sequence[BrokerNode]:
    if version >= 3:
        answer.throttle()

    def node() -> BrokerNode:
        number, host, port, rack = answer.int32(), answer.text(), answer.int32(), answer.nullable_text()
        answer.tags()
        if not 0 < port < 65536:
            raise MalformedError(f"a broker at the port {port}")
        return BrokerNode(id=number, host=host, port=port, rack=rack)

    brokers = answer.array(node)
    if version >= 2:
        answer.nullable_text()  # cluster id
    answer.int32()  # controller
    if answer.count() > 0:
        raise MalformedError("topics that were not asked for")
    if 8 <= version <= 10:
        answer.int32()
    answer.tags()
    return tuple(sorted(brokers, key=lambda one: one.id))


BROKERS: Request[Sequence[BrokerNode]] = Request("Metadata", 3, 1, 12, 9, _write_brokers, _read_brokers)
