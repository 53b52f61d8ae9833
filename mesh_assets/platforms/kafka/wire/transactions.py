"""Transactions: which exist according to their coordinators, and which are open according to the partitions'
leaders.

One request per broker lists the transactional ids; only unfinished ones are described. One request per leader
returns the producers of its partitions.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import uuid4

from confluent_kafka import KafkaError
from msgspec.structs import replace

from mesh_assets.inventory.transaction_records import (
    UNFINISHED,
    OpenTransaction,
    TopicProducers,
    TransactionalId,
    Transactions,
    hanging_because,
    is_overdue,
)
from mesh_assets.platforms.kafka.errors import item_error
from mesh_assets.platforms.kafka.values import TopicMetadata, TransactionsReading
from mesh_assets.platforms.kafka.wire.broker_configs import read_broker_configs
from mesh_assets.platforms.kafka.wire.coordinators import NOT_READY, Leaders, absent_names, answered
from mesh_assets.platforms.kafka.wire.forms import BrokerError, Connections, together
from mesh_assets.platforms.kafka.wire.group_requests import Failure
from mesh_assets.platforms.kafka.wire.partition_columns import PartitionsAsked, Places, in_parts
from mesh_assets.platforms.kafka.wire.parts import known, part, unread
from mesh_assets.platforms.kafka.wire.topics import list_topics
from mesh_assets.platforms.kafka.wire.transaction_messages import (
    LIST_TRANSACTIONS,
    NO_PRODUCERS,
    DescribedTransaction,
    OpenOnPartition,
    PartitionProducers,
    describe_producers,
    describe_transactions,
)

LIST_RIGHT = "DESCRIBE on the transactional ids"
PRODUCERS_RIGHT = "READ on the topics"
CONFIGS_RIGHT = "DESCRIBE_CONFIGS on the cluster"

IDS_A_REQUEST = 500
PARTITIONS_A_REQUEST = 10_000
FINISHED_KEPT = 2_000
"""Applications that make up an id for each run can create any number of them, and all we know about a
finished one is that it was used."""
UNFINISHED_KEPT = OPEN_KEPT = 5_000

_STATE_TOPIC = "__transaction_state"
_MAX_TIMEOUT = "transaction.max.timeout.ms"
_TURNS = 3
_PAUSE_SECONDS = 0.2
_MOVED = frozenset(
    {
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.REPLICA_NOT_AVAILABLE,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
    }
)
_GONE = 105  # Kafka's TRANSACTIONAL_ID_NOT_FOUND, which librdkafka has no name for

Place = tuple[str, int]
Told = dict[str, dict[int, PartitionProducers]]
"""By topic and partition, without those that have nothing to report."""


class _Ids(NamedTuple):
    """`total` None: others may be hidden. `complete`: every unfinished one is among the `kept`."""

    kept: tuple[TransactionalId, ...]
    total: int | None
    complete: bool


async def read_transactions(
    connections: Connections, topics: Collection[TopicMetadata]
) -> TransactionsReading:
    """`topics`: those whose producers are requested, as seen a moment ago. Raises BrokerError only if the
    login failed."""
    ids, producers, configs = await asyncio.gather(
        part(_ids(connections), right=LIST_RIGHT),
        part(_producers(connections, topics), right=PRODUCERS_RIGHT),
        part(_max_timeout(connections), right=CONFIGS_RIGHT),
    )
    listed, told, max_timeout_ms = known(ids), known(producers), known(configs)
    opened = None if told is None else _open(told, listed, max_timeout_ms)
    missing = unread(transactional_ids=ids, producers=producers)
    if "producers" in missing:
        missing["open_transactions"] = missing["producers"]
    return TransactionsReading(
        transactions=Transactions(
            transactional_ids=None if listed is None else listed.kept,
            open_transactions=None if opened is None else tuple(opened[:OPEN_KEPT]),
            producers=None if told is None else _by_topic(told, topics),
            total_transactional_ids=None if listed is None else listed.total,
            total_open_transactions=None if opened is None or _are_partial(told, listed) else len(opened),
            max_timeout_ms=max_timeout_ms,
            unknown={name: one.reason for name, one in missing.items()},
        ),
        unread=missing,
    )


async def _max_timeout(connections: Connections) -> int | None:
    """From the configs of one broker; None if it does not give it."""
    [first, *_] = await connections.brokers()
    configs = await read_broker_configs(connections, [first.id])
    value = next((entry.value for entry in configs.entries if entry.name == _MAX_TIMEOUT), None)
    return int(value) if value is not None and value.isdecimal() else None


# --- by the coordinators' account


async def _ids(connections: Connections) -> _Ids:
    """Raises BrokerError when a broker does not list its own, or lists none because the user may see none:
    missing ids would look as if they did not exist."""
    listed = await _listed(connections)
    refused = await ids_are_hidden(connections, (await connections.brokers())[0].id)
    if refused and not listed:
        raise BrokerError(KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
    unfinished = sorted(name for name, one in listed.items() if one.state in UNFINISHED)
    finished = sorted(listed.keys() - set(unfinished))
    described = await _described(connections, {name: listed[name] for name in unfinished[:UNFINISHED_KEPT]})
    kept = {name: listed[name] for name in finished[:FINISHED_KEPT]} | described
    gone = sum(1 for name in unfinished[:UNFINISHED_KEPT] if name not in described)
    return _Ids(
        kept=tuple(kept[name] for name in sorted(kept)),
        total=None if refused else len(listed) - gone,
        complete=not refused and len(unfinished) <= UNFINISHED_KEPT,
    )


async def _listed(connections: Connections) -> dict[str, TransactionalId]:
    """An id that moves while brokers list can be in none of their lists, and one whose coordinator has just started is in
    none until that has begun to load it: then they list again."""
    now = await _coordinators(connections)
    for turn in range(1, _TURNS + 1):
        before, brokers = now, now[1]
        unready = await _unready(connections, before[0])
        answers = await together(connections.ask(LIST_TRANSACTIONS, broker=broker) for broker in brokers)
        now = await _coordinators(connections)
        if now == before and unready is None:
            break
        await asyncio.sleep(_PAUSE_SECONDS * turn)
    else:
        if unready is not None:
            raise unready
        raise BrokerError(
            KafkaError.NOT_COORDINATOR, f"partitions of {_STATE_TOPIC} moved while brokers listed their ids"
        )
    listed: dict[str, TransactionalId] = {}
    for broker, answer in zip(brokers, answers, strict=True):
        if answer.code:
            raise BrokerError(answer.code)
        for name, one in answer.transactions.items():
            listed[name] = TransactionalId(
                transactional_id=name,
                state=one.state,
                producer_id=one.producer_id,
                coordinator=broker,
                overdue=False,
            )
    return listed


async def _unready(connections: Connections, leaders: Leaders) -> BrokerError | None:
    """Why a leader does not know all of its ids yet; None: each does. As with groups (`coordinators.py`), a broker that has
    just started lists none of them, and no error, until it begins to load them (Kafka 4.3 with 3,500 partitions: 13 to 19 s).
    A ready one answers that it has no such id. Where the user may not ask, an unknown part is listed anyway (`ids_are_hidden`)."""
    names: dict[int, list[str]] = {}
    for name, (leader, _) in zip(absent_names(len(leaders)), leaders, strict=True):
        if leader is not None:
            names.setdefault(leader, []).append(name)
    answers_of = await together(
        connections.ask(describe_transactions(asked), broker=broker) for broker, asked in names.items()
    )
    for broker, answers in zip(names, answers_of, strict=True):
        for answer in answers.values():
            if isinstance(answer, Failure) and answer.code in NOT_READY:
                return BrokerError(
                    answer.code, f"broker {broker} has just started, and is about to load its ids"
                )
    return None


async def _coordinators(connections: Connections) -> tuple[Leaders, tuple[int, ...]]:
    """Who leads the partitions in which ids are kept, for comparison, and the live brokers. Raises BrokerError
    when a partition has no leader: nobody lists its ids."""
    told = await list_topics(connections, [_STATE_TOPIC])
    partitions = () if told.codes else told.topics[_STATE_TOPIC].partitions
    if any(one.leader is None for one in partitions):
        raise BrokerError(
            KafkaError.COORDINATOR_NOT_AVAILABLE,
            f"a partition of {_STATE_TOPIC} has no leader to list its ids",
        )
    leaders = tuple((one.leader, one.leader_epoch) for one in partitions)
    return leaders, tuple(broker.id for broker in await connections.brokers())


async def ids_are_hidden(connections: Connections, broker: int) -> bool:
    """Whether some transactional ids may be hidden from the user. Brokers silently leave out those that the
    user may not describe; but for an unused name, any broker says whether the user may ask for it before it
    says that it is not its coordinator (KafkaApis.handleDescribeTransactionsRequest)."""
    made_up = uuid4().hex
    answer = (await connections.ask(describe_transactions([made_up]), broker=broker))[made_up]
    return isinstance(answer, Failure) and answer.code == KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED


async def _described(
    connections: Connections, ids: Mapping[str, TransactionalId]
) -> dict[str, TransactionalId]:
    """Without those that are gone by now."""
    by_broker: dict[int, list[str]] = {}
    for name, one in ids.items():
        by_broker.setdefault(one.coordinator, []).append(name)

    async def about(broker: int, names: Sequence[str]) -> Mapping[str, DescribedTransaction | Failure]:
        answer = await answered(connections.ask(describe_transactions(names), broker=broker))
        return dict.fromkeys(names, answer) if isinstance(answer, Failure) else answer

    found: dict[str, TransactionalId] = {}
    now = datetime.now(UTC)
    for answers in await together(
        about(broker, names[start : start + IDS_A_REQUEST])
        for broker, names in by_broker.items()
        for start in range(0, len(names), IDS_A_REQUEST)
    ):
        for name, answer in answers.items():
            if isinstance(answer, Failure):
                if answer.code != _GONE:
                    found[name] = replace(ids[name], overdue=None, error=answer.text(LIST_RIGHT))
                continue
            one = replace(
                ids[name],
                state=answer.state,
                producer_id=answer.producer_id,
                producer_epoch=answer.producer_epoch,
                timeout_ms=answer.timeout_ms,
                started_at=answer.started_at,
                topics=answer.topics,
            )
            found[name] = replace(one, overdue=is_overdue(one, now))
    return found


# --- by the leaders' account


async def _producers(connections: Connections, topics: Collection[TopicMetadata]) -> Told:
    """Raises BrokerError, with the first one's reason, when no partition could be read."""
    leaders = _leaders(topics)
    waiting: Places = {topic: list(ones) for topic, ones in leaders.items() if ones}
    asked = sum(map(len, waiting.values()))
    told: Told = {}
    codes: Mapping[str, int] = {}
    for turn in range(_TURNS):
        if not waiting:
            break
        if turn:
            await asyncio.sleep(_PAUSE_SECONDS * turn)
            listed = await list_topics(connections, {*waiting})
            codes = listed.codes
            leaders = _leaders(one for name, one in listed.topics.items() if name not in codes)
        await _ask(connections, waiting, leaders, codes, told)
        waiting = _moved(waiting, told)
    failures = [one for ones in told.values() for one in ones.values() if one.code]
    if failures and len(failures) == asked:
        raise BrokerError(failures[0].code, failures[0].said)
    return told


def _leaders(topics: Iterable[TopicMetadata]) -> dict[str, dict[int, int | None]]:
    return {topic.name: {one.partition: one.leader for one in topic.partitions} for topic in topics}


def _moved(waiting: Places, told: Told) -> dict[str, list[int]]:
    moved = {}
    for topic, numbers in waiting.items():
        ones = told.get(topic, {})
        if again := [number for number in numbers if number in ones and ones[number].code in _MOVED]:
            moved[topic] = again
    return moved


async def _ask(
    connections: Connections,
    places: Places,
    leaders: Mapping[str, Mapping[int, int | None]],
    codes: Mapping[str, int],
    told: Told,
) -> None:
    """Puts what leaders say into `told`, replacing what it has about these partitions. `codes`: Kafka's
    errors, for the topics whose leaders are unknown because of one."""
    by_leader: dict[int, dict[str, list[int]]] = {}
    for topic, numbers in sorted(places.items()):
        leader_of = leaders.get(topic, {}).get
        before = told.get(topic, {})
        for number in sorted(numbers):
            before.pop(number, None)
            leader = leader_of(number)
            if leader is None:
                failed = _failed(codes.get(topic) or KafkaError.LEADER_NOT_AVAILABLE)
                told.setdefault(topic, {})[number] = failed
            else:
                by_leader.setdefault(leader, {}).setdefault(topic, []).append(number)

    async def about(leader: int, some: Places) -> None:
        answer = await answered(connections.ask(describe_producers(PartitionsAsked(some)), broker=leader))
        if isinstance(answer, Failure):
            failed = _failed(answer.code, answer.said)
            answer = {topic: dict.fromkeys(numbers, failed) for topic, numbers in some.items()}
        for topic, ones in answer.items():
            told.setdefault(topic, {}).update(ones)

    await together(
        about(leader, some)
        for leader, ones in by_leader.items()
        for some in in_parts(ones, PARTITIONS_A_REQUEST)
    )


def _are_partial(told: Told | None, ids: _Ids | None) -> bool:
    """Whether some partitions could not be read, or a transaction is open only on topics hidden from the user."""
    unread = any(one.code for ones in (told or {}).values() for one in ones.values())
    return unread or any(one.topics == {} for one in (ids.kept if ids else ()) if one.state in UNFINISHED)


def _failed(code: int, said: str = "") -> PartitionProducers:
    return PartitionProducers(code, said, 0, False, None, ())


def _by_topic(told: Told, topics: Iterable[TopicMetadata]) -> tuple[TopicProducers, ...]:
    """Topics that have producers, or that could not be read completely."""
    rows = []
    for topic in sorted((one for one in topics if one.name in told), key=lambda one: one.name):
        known = told[topic.name]
        ones = [known.get(one.partition, NO_PRODUCERS) for one in topic.partitions]
        failed = next((one for one in ones if one.code), None)
        if failed is None and not any(one.producers for one in ones):
            continue
        error = (
            None
            if failed is None
            else KafkaError(failed.code, BrokerError(failed.code, failed.said).said or None)
        )
        rows.append(
            TopicProducers(
                topic=topic.name,
                by_partition=tuple(None if one.code else one.producers for one in ones),
                transactional=any(one.transactional for one in ones),
                last_written_at=max(
                    (one.last_written_at for one in ones if one.last_written_at), default=None
                ),
                error=None if error is None else item_error(error, PRODUCERS_RIGHT),
            )
        )
    return tuple(rows)


def _open(told: Told, ids: _Ids | None, max_timeout_ms: int | None) -> list[OpenTransaction]:
    """Hanging ones first, then by place. `ids` None: not known."""
    by_producer = {one.producer_id: one for one in (ids.kept if ids else ()) if one.state in UNFINISHED}
    owners_known = ids is not None and ids.complete
    now = datetime.now(UTC)

    def opened(place: Place, one: OpenOnPartition) -> OpenTransaction:
        owner = by_producer.get(one.producer_id)
        if owner is not None and owner.topics is not None and place[1] not in owner.topics.get(place[0], ()):
            owner = None
        transaction = OpenTransaction(
            topic=place[0],
            partition=place[1],
            producer_id=one.producer_id,
            producer_epoch=one.producer_epoch,
            start_offset=one.start_offset,
            last_written_at=one.last_written_at,
            transactional_id=None if owner is None else owner.transactional_id,
        )
        because = hanging_because(
            transaction, owner, owners_known=owners_known, max_timeout_ms=max_timeout_ms, now=now
        )
        return replace(transaction, hanging=because)

    found = [
        opened((topic, number), one)
        for topic, ones in sorted(told.items())
        for number, producers in sorted(ones.items())
        for one in producers.open
    ]
    return sorted(found, key=lambda one: one.hanging is None)
