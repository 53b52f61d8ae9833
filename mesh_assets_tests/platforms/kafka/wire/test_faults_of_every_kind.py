"""Whatever a broker does to one kind of request, at the socket or in its answer: a reading is true, or unknown with a sentence
that says why. Never another number, and never an empty list for a failed one."""

import asyncio
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

import pytest
import trustme

from mesh_assets.errors import PlatformError
from mesh_assets.inventory.parts import Unread
from mesh_assets.platforms.kafka import WireReader
from mesh_assets.platforms.kafka.wire import cluster as cluster_module
from mesh_assets.platforms.kafka.wire import coordinators
from mesh_assets_tests.platforms.kafka.wire.answering_cluster import KINDS, SPOKEN, AnsweringCluster
from mesh_assets_tests.platforms.kafka.wire.asking import USER
from mesh_assets_tests.platforms.kafka.wire.broker import (
    SASL_AUTHENTICATE,
    Asked,
    Peer,
    ScriptedBroker,
    authenticated,
    frame,
    hangs_up,
    is_silent,
    refused,
)
from mesh_assets_tests.platforms.kafka.wire.messages import encoded

pytestmark = pytest.mark.slow
TIMEOUT_SECONDS, PATIENCE_SECONDS = 0.3, 10.0
Told = dict[str, Any]
"""By part: what is known, or an Unread."""


def of_brokers(reader: WireReader) -> Told:
    reading = reader.brokers()
    told = {part: getattr(reading.brokers, part) for part in ("brokers", "configs", "features", "quorum")}
    return told | reading.unread


def of_access(reader: WireReader) -> Told:
    reading = reader.access()
    told = {part: getattr(reading.access, part) for part in ("acls", "quotas", "scram_users")}
    return told | reading.unread


def of_transactions(reader: WireReader) -> Told:
    reading = reader.transactions(lambda _: True)
    told: Told = {
        part: getattr(reading.transactions, part)
        for part in ("transactional_ids", "producers", "open_transactions")
    }
    if "transactional_ids" in reading.unread and told["open_transactions"] is not None:
        # Only the ids show whose they are.
        assert {one.transactional_id for one in told["open_transactions"]} == {None}
        del told["open_transactions"]
    for one in told["transactional_ids"] or ():
        if one.error is not None:
            told["transactional_ids"] = Unread(reason=one.error, expected=False)
            del told["open_transactions"]  # may be overdue or not
    return told | reading.unread


def of_storage(reader: WireReader) -> Told:
    metadata = reader.metadata()
    reads: dict[str, Callable[[], Any]] = {
        "log_dirs": lambda: reader.log_dirs(metadata),
        "reassignments": reader.reassignments,
        "eligible_leaders": lambda: reader.eligible_leaders(["orders"]),
    }
    found = {part: or_unread(read) for part, read in reads.items()}
    if found["eligible_leaders"] == {"orders": None}:
        found["eligible_leaders"] = Unread(reason="NONE: the topic could not be described", expected=False)
    return found


def of_groups(reader: WireReader) -> Told:
    reading = or_unread(lambda: reader.groups(lambda _: True))
    if isinstance(reading, Unread):
        return {"groups": reading}
    assert reading.unlisted is None
    told: Told = {"groups": [group.group_id for group in reading.groups]}
    for group in reading.groups:
        done = group.share if group.type == "share" else group.offsets
        if done is not None and group.type != "share":
            done = [one for one in done if one.committed is not None]  # the others are those of its members
        for part, value in (("members", group.members), ("offsets", done)):
            told[f"{group.group_id} {part}"] = (
                Unread(reason=group.error or "", expected=False) if value is None else value
            )
    return told


def or_unread(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except PlatformError as error:
        return Unread(reason=str(error), expected=False)


READS: dict[Callable[[WireReader], Told], list[str]] = {
    of_brokers: ["DescribeCluster", "DescribeConfigs", "DescribeQuorum"],
    of_access: ["DescribeAcls", "DescribeClientQuotas", "DescribeUserScramCredentials"],
    of_transactions: ["ListTransactions", "DescribeTransactions", "DescribeProducers"],
    of_storage: ["DescribeLogDirs", "ListPartitionReassignments", "DescribeTopicPartitions"],
    of_groups: [
        "ListGroups",
        "DescribeGroups",
        "ConsumerGroupDescribe",
        "ShareGroupDescribe",
        "StreamsGroupDescribe",
        "OffsetFetch",
        "DescribeShareGroupOffsets",
    ],
}
EVERY_KIND = pytest.mark.parametrize(
    ("read", "kind"), [(read, kind) for read, kinds in READS.items() for kind in kinds]
)


@pytest.fixture(autouse=True)
def _believed_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_module, "SECONDS_DOWN_BELIEVED", 0.1)
    monkeypatch.setattr(coordinators, "READY_SECONDS", 0.2)


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[AnsweringCluster, ScriptedBroker]]:
    cluster = AnsweringCluster()
    with ScriptedBroker(cluster.scripts, spoken=SPOKEN) as broker:
        cluster.address = broker.address
        yield cluster, broker


@pytest.fixture
def cluster(running: tuple[AnsweringCluster, ScriptedBroker]) -> Iterator[AnsweringCluster]:
    yield running[0]
    running[0].spoilt.clear()


@pytest.fixture
def broker(running: tuple[AnsweringCluster, ScriptedBroker]) -> ScriptedBroker:
    return running[1]


@pytest.fixture(scope="module")
def truth(running: tuple[AnsweringCluster, ScriptedBroker]) -> dict[Callable[[WireReader], Told], Told]:
    """Each reading when nothing is spoilt: everything."""
    found = {read: told(running[1], read) for read in READS}
    assert [value for one in found.values() for value in one.values() if isinstance(value, Unread)] == []
    return found


def told(
    broker: ScriptedBroker,
    read: Callable[[WireReader], Told],
    properties: Mapping[str, str] = MappingProxyType({}),
    *,
    within: float = PATIENCE_SECONDS,
) -> Told:
    with WireReader({"bootstrap.servers": broker.address, **properties}, within) as reader:
        return read(reader)


# --- what happens to an answer: once, or each time


async def breaks_off(cluster: AnsweringCluster, kind: str, peer: Peer, asked: Asked) -> None:
    await peer.send(frame(asked.correlation, cluster.body(KINDS[kind], asked))[:-1])
    peer.hang_up()


async def hangs_up_at_once(_cluster: AnsweringCluster, _kind: str, peer: Peer, asked: Asked) -> None:
    await hangs_up(peer, asked)


async def is_late(cluster: AnsweringCluster, kind: str, peer: Peer, asked: Asked) -> None:
    await asyncio.sleep(0.1)
    await cluster.answers(KINDS[kind])(peer, asked)


async def answers_half(cluster: AnsweringCluster, kind: str, peer: Peer, asked: Asked) -> None:
    whole = frame(asked.correlation, cluster.body(KINDS[kind], asked))
    await peer.send(whole[: len(whole) // 2])
    await is_silent(peer, asked)


async def answers_twice(cluster: AnsweringCluster, kind: str, peer: Peer, asked: Asked) -> None:
    await cluster.answers(KINDS[kind])(peer, asked)
    await cluster.answers(KINDS[kind])(peer, asked)


async def answers_another(cluster: AnsweringCluster, kind: str, peer: Peer, asked: Asked) -> None:
    await peer.send(frame(asked.correlation + 7, cluster.body(KINDS[kind], asked), flexible=True))


async def answers_too_little(cluster: AnsweringCluster, kind: str, peer: Peer, asked: Asked) -> None:
    await peer.answer(asked, cluster.body(KINDS[kind], asked)[:-2], flexible=True)


async def answers_too_much(cluster: AnsweringCluster, kind: str, peer: Peer, asked: Asked) -> None:
    await peer.answer(asked, cluster.body(KINDS[kind], asked) + b"\0", flexible=True)


Fault = Callable[[AnsweringCluster, str, Peer, Asked], Any]
FAULTS: list[Fault] = [
    breaks_off,
    is_late,
    answers_half,
    answers_twice,
    answers_another,
    answers_too_little,
    answers_too_much,
]


def spoil(cluster: AnsweringCluster, kind: str, fault: Fault, *, times: int) -> None:
    left = [times]

    async def spoilt(peer: Peer, asked: Asked) -> None:
        left[0] -= 1
        truthful = cluster.answers(KINDS[kind])
        await (fault(cluster, kind, peer, asked) if left[0] >= 0 else truthful(peer, asked))

    cluster.spoilt[kind] = spoilt


def check(true: Told, found: Told, address: str) -> list[str]:
    """The unknown parts; everything else is true."""
    unknown = [part for part, value in found.items() if isinstance(value, Unread)]
    known = {part: value for part, value in found.items() if part not in unknown}
    assert known == {part: true[part] for part in known}
    for part in unknown:
        reason = found[part].reason
        assert len(reason) > 20, reason
        assert address in reason or reason.split(":")[0].isupper() or "protocol" in reason, reason
    return unknown


@EVERY_KIND
@pytest.mark.parametrize("fault", [breaks_off, is_late])
def test_transient_faults_leave_everything_known(
    broker: ScriptedBroker,
    cluster: AnsweringCluster,
    truth: dict[Callable[[WireReader], Told], Told],
    read: Callable[[WireReader], Told],
    kind: str,
    fault: Fault,
) -> None:
    spoil(cluster, kind, fault, times=1)
    assert told(broker, read) == truth[read]


@EVERY_KIND
@pytest.mark.parametrize("fault", [one for one in FAULTS if one is not is_late])
def test_lasting_faults_make_only_what_needs_the_answer_unknown_with_a_reason(
    broker: ScriptedBroker,
    cluster: AnsweringCluster,
    truth: dict[Callable[[WireReader], Told], Told],
    read: Callable[[WireReader], Told],
    kind: str,
    fault: Fault,
) -> None:
    spoil(cluster, kind, fault, times=1_000_000)
    began = time.monotonic()
    found = or_unread(lambda: told(broker, read, within=TIMEOUT_SECONDS))
    if isinstance(found, Unread):
        found = dict.fromkeys(truth[read], found)
    unknown = check(truth[read], found, broker.address)
    assert time.monotonic() - began < 20 * TIMEOUT_SECONDS
    # The first of two answers is valid; whether the reading still needs the connection then is chance.
    assert unknown or fault is answers_twice


# --- leaders that move, coordinators that load, controllers that are others now

NOT_LEADER, LOADING, NOT_COORDINATOR, NOT_CONTROLLER, TIMED_OUT, STORAGE = 6, 14, 16, 41, 7, 56
CODES = {
    "DescribeCluster": (TIMED_OUT, ()),
    "DescribeConfigs": (TIMED_OUT, ("results",)),
    "DescribeQuorum": (NOT_LEADER, ("topics", "partitions")),
    "DescribeAcls": (TIMED_OUT, ()),
    "DescribeClientQuotas": (TIMED_OUT, ()),
    "DescribeUserScramCredentials": (NOT_CONTROLLER, ()),
    "ListTransactions": (LOADING, ()),
    "DescribeTransactions": (NOT_COORDINATOR, ("transaction_states",)),
    "DescribeProducers": (NOT_LEADER, ("topics", "partitions")),
    "DescribeLogDirs": (STORAGE, ()),
    "ListPartitionReassignments": (NOT_CONTROLLER, ()),
    "DescribeTopicPartitions": (NOT_LEADER, ("topics",)),
    "ListGroups": (LOADING, ()),
    "DescribeGroups": (LOADING, ("groups",)),
    "ConsumerGroupDescribe": (NOT_COORDINATOR, ("groups",)),
    "ShareGroupDescribe": (LOADING, ("groups",)),
    "StreamsGroupDescribe": (NOT_COORDINATOR, ("groups",)),
    "OffsetFetch": (LOADING, ("groups",)),
    "DescribeShareGroupOffsets": (LOADING, ("groups",)),
}
"""Transient errors by kind: Kafka's code, and the list in the answer that holds it."""
ASKED_ONCE = {
    *("DescribeCluster", "DescribeConfigs", "DescribeQuorum", "DescribeAcls", "DescribeClientQuotas"),
    *("ListTransactions", "DescribeLogDirs", "DescribeTopicPartitions"),
}


async def answers_a_code(cluster: AnsweringCluster, kind: str, peer: Peer, asked: Asked) -> None:
    code, places = CODES[kind]
    values = cluster.values(kind, asked)
    rows = [values]
    for place in places:
        rows = [one for row in rows for one in row[place]]
    for row in rows:
        row["error_code"] = code
    await peer.answer(asked, encoded(f"{kind}Response", asked.version, values), flexible=True)


@EVERY_KIND
@pytest.mark.parametrize("times", [1, 1_000_000])
def test_a_broker_that_is_not_ready_or_the_wrong_one_is_asked_again_or_its_answer_is_unknown(
    broker: ScriptedBroker,
    cluster: AnsweringCluster,
    truth: dict[Callable[[WireReader], Told], Told],
    read: Callable[[WireReader], Told],
    kind: str,
    times: int,
) -> None:
    spoil(cluster, kind, answers_a_code, times=times)
    found = or_unread(lambda: told(broker, read))
    if isinstance(found, Unread):
        found = dict.fromkeys(truth[read], found)
    unknown = check(truth[read], found, broker.address)
    assert bool(unknown) == (times > 1 or kind in ASKED_ONCE), unknown


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


# --- faults that start in the middle of a reading: the connection breaks, and no other can be made


def breaks_once(cluster: AnsweringCluster, kind: str) -> None:
    spoil(cluster, kind, hangs_up_at_once, times=1)


@EVERY_KIND
def test_a_login_that_ends_midway_is_refused_and_nothing_is_reported(
    read: Callable[[WireReader], Told], kind: str
) -> None:
    cluster = AnsweringCluster()

    async def logs_in_until_it_breaks(peer: Peer, asked: Asked) -> None:
        known = not serving.of(KINDS[kind].api)
        await peer.answer(asked, authenticated(b"") if known else refused(58, "the password was changed"))

    breaks_once(cluster, kind)
    scripts = {**cluster.scripts, SASL_AUTHENTICATE: logs_in_until_it_breaks}
    with ScriptedBroker(scripts, spoken=SPOKEN) as serving:
        cluster.address = serving.address
        found = or_unread(lambda: told(serving, read, USER))

    refusals = [found] if isinstance(found, Unread) else unread_of(found)
    assert refusals, found
    assert all("the password was changed" in one.reason for one in refusals), refusals
    assert "hush-hush" not in str(found)


def unread_of(found: Told) -> list[Unread]:
    return [value for value in found.values() if isinstance(value, Unread)]


@EVERY_KIND
def test_a_certificate_that_expires_midway_is_reported(
    read: Callable[[WireReader], Told], kind: str, authority: trustme.CA
) -> None:
    cluster = AnsweringCluster()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)

    async def breaks_and_expires(peer: Peer, asked: Asked) -> None:
        yesterday = datetime.now(UTC) - timedelta(days=1)
        authority.issue_cert("127.0.0.1", not_after=yesterday).configure_cert(context)
        await hangs_up(peer, asked)

    cluster.spoilt[kind] = breaks_and_expires
    with ScriptedBroker(cluster.scripts, spoken=SPOKEN, tls=context) as serving:
        cluster.address = serving.address
        trusting = {"security.protocol": "SSL", "ssl.ca.pem": authority.cert_pem.bytes().decode()}
        found = or_unread(lambda: told(serving, read, trusting))

    unknown = [found] if isinstance(found, Unread) else unread_of(found)
    assert unknown, found
    assert all("certificate has expired" in one.reason for one in unknown), unknown
